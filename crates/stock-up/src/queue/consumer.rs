//! The consumers of all brokers as one.

#![cfg_attr(
    not(any(feature = "kafka", feature = "rabbitmq")),
    expect(unused_variables, reason = "without a broker there is no consumer")
)]

use std::future::ready;

#[cfg(feature = "kafka")]
use stock_up_io::queue::kafka::{KafkaConfig, KafkaConsumer};
#[cfg(feature = "rabbitmq")]
use stock_up_io::queue::rabbitmq::{
    QueueType, RabbitmqConfig, RabbitmqConsumer, RewindAsker, StreamConsumer,
};
use stock_up_io::queue::{Consumer, Event, Place, QueueError, Start};

#[cfg(any(feature = "kafka", feature = "rabbitmq"))]
use super::Reading;

/// A connection that reads the queue that was chosen.
#[derive(Debug)]
pub(crate) enum QueueConsumer {
    #[cfg(feature = "kafka")]
    Kafka(KafkaConsumer),
    #[cfg(feature = "rabbitmq")]
    Rabbitmq(Box<RabbitmqConsumer>, Box<RabbitmqConfig>),
    #[cfg(feature = "rabbitmq")]
    Stream(Box<StreamConsumer>),
}

/// Does the same with each of them.
macro_rules! each {
    ($consumer:expr, $name:ident => $do:expr) => {
        match $consumer {
            #[cfg(feature = "kafka")]
            QueueConsumer::Kafka($name) => $do,
            #[cfg(feature = "rabbitmq")]
            QueueConsumer::Rabbitmq($name, _) => $do,
            #[cfg(feature = "rabbitmq")]
            QueueConsumer::Stream($name) => $do,
            #[cfg(not(any(feature = "kafka", feature = "rabbitmq")))]
            _ => std::future::pending().await,
        }
    };
}

impl QueueConsumer {
    #[cfg(feature = "kafka")]
    pub(super) async fn kafka(config: &KafkaConfig, reading: Reading) -> Result<Self, QueueError> {
        Ok(Self::Kafka(match reading {
            Reading::Shared => KafkaConsumer::group(config).await?,
            Reading::Copy => KafkaConsumer::whole(config).await?,
        }))
    }

    #[cfg(feature = "rabbitmq")]
    pub(super) async fn rabbitmq(
        config: &RabbitmqConfig,
        reading: Reading,
    ) -> Result<Self, QueueError> {
        if config.queue_type == QueueType::Stream {
            let stream = match reading {
                Reading::Shared => StreamConsumer::connect_alone(config).await?,
                Reading::Copy => StreamConsumer::connect(config).await?,
            };
            return Ok(Self::Stream(Box::new(stream)));
        }
        let consumer = match reading {
            Reading::Shared => RabbitmqConsumer::connect(config).await?,
            Reading::Copy => {
                let name = format!("{}.dashboard", config.queue);
                RabbitmqConsumer::connect_copy(config, Some(&name)).await?
            }
        };
        Ok(Self::Rabbitmq(Box::new(consumer), Box::new(config.clone())))
    }

    /// Asks whoever has the log to send its records again from a number on; false where the broker
    /// itself can be read again.
    #[cfg_attr(
        not(feature = "rabbitmq"),
        expect(unused_variables, reason = "only that broker needs it")
    )]
    pub(crate) async fn ask_rewind(&mut self, from: u64) -> Result<bool, QueueError> {
        match self {
            #[cfg(feature = "rabbitmq")]
            Self::Rabbitmq(_, config) => {
                let mut asker = RewindAsker::connect(config).await?;
                asker.ask(from.to_string().as_bytes()).await?;
                Ok(true)
            }
            _ => ready(Ok(false)).await,
        }
    }
}

impl Consumer for QueueConsumer {
    async fn next(&mut self) -> Result<Event, QueueError> {
        each!(self, consumer => consumer.next().await)
    }

    async fn start(&mut self, partition: u32, start: Start) -> Result<(), QueueError> {
        each!(self, consumer => consumer.start(partition, start).await)
    }

    async fn saved(&mut self, partition: u32, place: Place) -> Result<(), QueueError> {
        each!(self, consumer => consumer.saved(partition, place).await)
    }

    async fn release(&mut self, partition: u32) -> Result<(), QueueError> {
        each!(self, consumer => consumer.release(partition).await)
    }
}
