//! The queue that was configured: the one place where a broker is chosen.

mod consumer;
mod producer;
mod waits;

use std::future::{Ready, ready};
use std::time::Duration;

use stock_up_io::queue::QueueError;
#[cfg(feature = "rabbitmq")]
use stock_up_io::queue::rabbitmq::{QueueType, RabbitmqConfig};

pub(crate) use consumer::QueueConsumer;
pub(crate) use producer::QueueProducer;
pub(crate) use waits::Waits;

use crate::config::{Foreign, QueueConfig, QueueKind, duration};
use crate::failure::built_without;

/// How the messages of a queue are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Shared with other analyzers: each partition is read by one of them.
    Shared,
    /// Everything, whoever else reads it too.
    Copy,
}

/// A queue that can be connected to.
#[derive(Debug, Clone)]
pub(crate) struct Queue(QueueConfig);

impl Queue {
    pub(crate) fn new(config: QueueConfig) -> Self {
        Self(config)
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &'static str {
        self.0.kind.name()
    }

    /// Names a partition wherever its state is shared.
    pub(crate) fn partition_name(&self, partition: u32) -> String {
        let place = match self.0.kind {
            #[cfg(feature = "kafka")]
            QueueKind::Kafka => format!("kafka/{}", self.0.kafka.topic),
            #[cfg(feature = "rabbitmq")]
            QueueKind::Rabbitmq => {
                let RabbitmqConfig { vhost, queue, .. } = &self.0.rabbitmq;
                format!("rabbitmq/{vhost}/{queue}")
            }
            kind => kind.name().to_owned(),
        };
        format!("{place}/{partition}")
    }

    /// What a person does so that records which the broker has lost come again.
    pub(crate) fn how_to_repeat(&self) -> &'static str {
        match self.0.kind {
            #[cfg(feature = "rabbitmq")]
            QueueKind::Rabbitmq if self.0.rabbitmq.queue_type == QueueType::Stream => {
                // It drops what it had before.
                "name a new stream, `[queue.rabbitmq] queue`, for `collect` and all who read"
            }
            _ => {
                "stop `collect`, run `stock-up republish` on its data directory, and start it again"
            }
        }
    }

    /// The longest that a durable record waits for company before it is published.
    pub(crate) fn publish_latency(&self) -> Duration {
        duration(self.0.publish_latency)
    }

    /// After so many messages the reader has to save: the broker sends no more than may wait for
    /// their acknowledgement. `None` where it sends on.
    pub(crate) fn save_after(&self) -> Option<u32> {
        match self.0.kind {
            #[cfg(feature = "rabbitmq")]
            QueueKind::Rabbitmq if self.0.rabbitmq.queue_type != QueueType::Stream => {
                // Saving takes its time, and what is saved is acknowledged after that.
                Some(u32::from(self.0.rabbitmq.bounded_prefetch() / 4).max(1))
            }
            _ => None,
        }
    }

    /// Messages of other programs are passed over instead of stopping us.
    pub(crate) fn skips_foreign(&self) -> bool {
        self.0.foreign == Foreign::Skip
    }

    /// Connects and looks, without changing anything; says what is there.
    ///
    /// # Errors
    /// [`QueueError`].
    pub(crate) async fn probe(&self) -> Result<String, QueueError> {
        match self.0.kind {
            #[cfg(feature = "kafka")]
            QueueKind::Kafka => stock_up_io::queue::kafka::probe(&self.0.kafka).await,
            #[cfg(feature = "rabbitmq")]
            QueueKind::Rabbitmq => stock_up_io::queue::rabbitmq::probe(&self.0.rabbitmq).await,
            kind => absent(kind).await,
        }
    }

    /// As [`Queue::probe`] for the topic of the points, whatever the queue of the records is;
    /// `None` where points do not go to Kafka.
    ///
    /// # Errors
    /// [`QueueError`].
    #[cfg(feature = "kafka")]
    pub(crate) async fn probe_points(&self) -> Option<Result<String, QueueError>> {
        let points = self.0.kafka.for_points()?;
        Some(stock_up_io::queue::kafka::probe(&points).await)
    }

    #[cfg(not(feature = "kafka"))]
    #[expect(clippy::unused_self, reason = "there is no such topic")]
    pub(crate) fn probe_points(&self) -> Ready<Option<Result<String, QueueError>>> {
        ready(None)
    }

    /// Connects to put messages in; `source` names the log, `remembered` is how many partitions
    /// the queue had at the first message.
    ///
    /// # Errors
    /// [`QueueError`].
    #[cfg_attr(
        not(all(feature = "kafka", feature = "rabbitmq")),
        expect(unused_variables, reason = "each broker needs another part of it")
    )]
    pub(crate) async fn producer(
        &self,
        source: &str,
        remembered: Option<u32>,
    ) -> Result<QueueProducer, QueueError> {
        match self.0.kind {
            #[cfg(feature = "kafka")]
            QueueKind::Kafka => QueueProducer::kafka(&self.0.kafka, remembered).await,
            #[cfg(feature = "rabbitmq")]
            QueueKind::Rabbitmq => QueueProducer::rabbitmq(&self.0.rabbitmq, source).await,
            kind => absent(kind).await,
        }
    }

    /// Connects to read.
    ///
    /// # Errors
    /// [`QueueError`].
    #[cfg_attr(
        not(any(feature = "kafka", feature = "rabbitmq")),
        expect(unused_variables, reason = "there is no broker")
    )]
    pub(crate) async fn consumer(&self, reading: Reading) -> Result<QueueConsumer, QueueError> {
        match self.0.kind {
            #[cfg(feature = "kafka")]
            QueueKind::Kafka => QueueConsumer::kafka(&self.0.kafka, reading).await,
            #[cfg(feature = "rabbitmq")]
            QueueKind::Rabbitmq => QueueConsumer::rabbitmq(&self.0.rabbitmq, reading).await,
            kind => absent(kind).await,
        }
    }
}

/// Refuses a broker that this program does not know.
fn absent<T>(kind: QueueKind) -> Ready<Result<T, QueueError>> {
    ready(Err(QueueError::Misconfigured {
        broker: kind.name().to_owned(),
        reason: built_without(kind.name()).to_string(),
    }))
}
