//! The adapter: publishes in calls that each wait for their confirmation, reads by events.

use std::time::Duration;

use stock_up_io::queue::kafka::{KafkaConfig, KafkaConsumer, KafkaProducer};
use stock_up_io::queue::{Consumer as _, Event, Outgoing, Producer as _, QueueError, Start};

use super::watch;

pub(super) fn run(
    config: &KafkaConfig,
    messages: &[Outgoing],
    at_once: usize,
) -> anyhow::Result<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut producer = KafkaProducer::connect(config, None).await?;
        let mut consumer = KafkaConsumer::whole(config).await?;
        for _ in 0..producer.partitions() {
            if let Event::Assigned(partition) = consumer.next().await? {
                consumer.start(partition, Start::Oldest).await?;
            }
        }
        let start = watch();
        let writing = async {
            for batch in messages.chunks(at_once) {
                producer.publish(batch).await?;
            }
            Ok::<_, QueueError>(())
        };
        let reading = async {
            for _ in messages {
                consumer.next().await?;
            }
            Ok(())
        };
        tokio::try_join!(writing, reading)?;
        Ok(start.elapsed())
    })
}
