//! librdkafka by itself: what is published at once is queued and waited for; reading is a loop.

use std::thread;
use std::time::Duration;

use anyhow::bail;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use stock_up_io::queue::Outgoing;
use stock_up_io::queue::kafka::{KafkaConfig, KafkaProducer};

use super::{PARTITIONS, watch};

/// How long one call may wait.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn run(
    config: &KafkaConfig,
    messages: &[Outgoing],
    at_once: usize,
) -> anyhow::Result<Duration> {
    // The adapter creates the topic, so that both runs have the same one.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    drop(runtime.block_on(KafkaProducer::connect(config, None))?);

    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &config.brokers);
    let producer: BaseProducer = client
        .clone()
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "5")
        .set("compression.type", "lz4")
        .create()?;
    let consumer: BaseConsumer = client
        .set("group.id", "bench-alone")
        .set("enable.auto.commit", "false")
        .create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..i32::try_from(PARTITIONS)? {
        list.add_partition_offset(&config.topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let start = watch();
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut batches = messages.chunks(at_once);
            batches.try_for_each(|batch| write(&producer, &config.topic, batch))
        });
        for _ in messages {
            match consumer.poll(PATIENCE) {
                Some(message) => drop(message?),
                None => bail!("no message within {PATIENCE:?}"),
            }
        }
        match writing.join() {
            Ok(written) => written,
            Err(_) => bail!("the writing thread panicked"),
        }
    })?;
    Ok(start.elapsed())
}

fn write(producer: &BaseProducer, topic: &str, messages: &[Outgoing]) -> anyhow::Result<()> {
    for message in messages {
        let mut record = BaseRecord::<str, [u8]>::to(topic)
            .partition(i32::try_from(message.partition)?)
            .payload(&message.payload);
        while let Err((error, again)) = producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            producer.poll(Duration::from_millis(1));
            record = again;
        }
    }
    // Not `flush`, which does not wait for batches to be filled as the adapter does.
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(10));
    }
    Ok(())
}
