//! Kafka against a real broker: `cargo xtask services up kafka` starts one.

mod crash;
mod points;
mod security;
mod server;
mod topic;
mod trouble;

use stock_up_io::clock::Stopwatch;
use stock_up_io::queue::QueueError;
use stock_up_io::queue::kafka::{KafkaConfig, KafkaConsumer, KafkaProducer, NewTopicConfig};

use super::needs;
use super::queue::{Broker, PATIENCE, Promises, conformance};

/// A topic for one test alone, and its group.
pub(crate) struct Topic(pub(crate) KafkaConfig);

impl Topic {
    /// A topic that does not exist yet; or nothing, loudly.
    pub(crate) fn new(test: &str) -> Option<Self> {
        Some(Self::at(&needs::server("STOCK_UP_TEST_KAFKA", test)?, test))
    }

    /// The same on a broker of its own.
    pub(crate) fn at(brokers: &str, test: &str) -> Self {
        let now = stock_up_io::clock::Clock::system().now();
        let name = format!("{test}-{}-{now}", std::process::id());
        Self(KafkaConfig {
            brokers: brokers.to_owned(),
            topic: name.clone(),
            group: name,
            create: Some(NewTopicConfig {
                partitions: 4,
                ..NewTopicConfig::default()
            }),
            ..KafkaConfig::default()
        })
    }

    /// With so many partitions.
    pub(crate) fn partitions(mut self, partitions: u32) -> Self {
        if let Some(create) = &mut self.0.create {
            create.partitions = partitions;
        }
        self
    }
}

impl Broker for Topic {
    type Producer = KafkaProducer;
    type Consumer = KafkaConsumer;

    fn promises(&self) -> Promises {
        Promises {
            replays: true,
            hands_over: true,
            largest: stock_up_io::queue::kafka::LARGEST_MESSAGE,
        }
    }

    async fn producer(&self) -> KafkaProducer {
        let trying = Stopwatch::start();
        loop {
            match KafkaProducer::connect(&self.0, None).await {
                Ok(producer) => return producer,
                Err(error) => again(&error, trying),
            }
        }
    }

    async fn consumer(&self) -> KafkaConsumer {
        let trying = Stopwatch::start();
        loop {
            match KafkaConsumer::group(&self.0).await {
                Ok(consumer) => return consumer,
                Err(error) => again(&error, trying),
            }
        }
    }
}

/// Panics if another try is no use. Connecting takes its time, so there is no wait between tries.
fn again(error: &QueueError, trying: Stopwatch) {
    assert!(error.is_passing(), "{error}");
    assert!(trying.elapsed() < PATIENCE, "{error}");
}

#[expect(clippy::unused_async, reason = "other brokers have to be waited for")]
async fn make(story: &str) -> Option<Topic> {
    Topic::new(story)
}

conformance!(make);
