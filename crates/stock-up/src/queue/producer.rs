//! The producers of all brokers as one.

#![cfg_attr(
    not(any(feature = "kafka", feature = "rabbitmq")),
    expect(unused_variables, reason = "without a broker there is no producer")
)]

use std::future::ready;

#[cfg(feature = "kafka")]
use stock_up_io::queue::kafka::{KafkaConfig, KafkaProducer};
#[cfg(feature = "rabbitmq")]
use stock_up_io::queue::rabbitmq::{
    QueueType, RabbitmqConfig, RabbitmqProducer, RewindRequests, StreamProducer,
};
use stock_up_io::queue::{Outgoing, Producer, QueueError};

/// A connection that puts messages into the queue that was chosen.
#[derive(Debug)]
pub(crate) enum QueueProducer {
    #[cfg(feature = "kafka")]
    Kafka(Box<KafkaProducer>),
    #[cfg(feature = "rabbitmq")]
    Rabbitmq(Box<(RabbitmqProducer, RewindRequests)>),
    #[cfg(feature = "rabbitmq")]
    Stream(Box<StreamProducer>),
}

impl QueueProducer {
    #[cfg(feature = "kafka")]
    pub(super) async fn kafka(
        config: &KafkaConfig,
        remembered: Option<u32>,
    ) -> Result<Self, QueueError> {
        Ok(Self::Kafka(Box::new(
            KafkaProducer::connect(config, remembered).await?,
        )))
    }

    #[cfg(feature = "rabbitmq")]
    pub(super) async fn rabbitmq(
        config: &RabbitmqConfig,
        source: &str,
    ) -> Result<Self, QueueError> {
        if config.queue_type == QueueType::Stream {
            let stream = StreamProducer::connect(config, source).await?;
            return Ok(Self::Stream(Box::new(stream)));
        }
        let producer = RabbitmqProducer::connect(config).await?;
        let requests = RewindRequests::connect(config).await?;
        Ok(Self::Rabbitmq(Box::new((producer, requests))))
    }

    /// The number after the last record that the broker holds of ours, where it can tell.
    pub(crate) fn stored_until(&self) -> Option<u64> {
        match self {
            #[cfg(feature = "rabbitmq")]
            Self::Stream(producer) => Some(producer.stored_until()),
            _ => None,
        }
    }

    /// The next request to send records again, from a broker that cannot replay; the bytes are the
    /// number of the first.
    pub(crate) async fn next_rewind(&mut self) -> Result<Vec<u8>, QueueError> {
        match self {
            #[cfg(feature = "rabbitmq")]
            Self::Rabbitmq(both) => both.1.next_rewind().await,
            _ => std::future::pending().await,
        }
    }

    /// What was asked for by [`QueueProducer::next_rewind`] is done.
    pub(crate) async fn rewound(&mut self) -> Result<(), QueueError> {
        match self {
            #[cfg(feature = "rabbitmq")]
            Self::Rabbitmq(both) => both.1.done().await,
            _ => ready(Ok(())).await,
        }
    }
}

impl Producer for QueueProducer {
    fn partitions(&self) -> u32 {
        match self {
            #[cfg(feature = "kafka")]
            Self::Kafka(producer) => producer.partitions(),
            #[cfg(feature = "rabbitmq")]
            Self::Rabbitmq(both) => both.0.partitions(),
            #[cfg(feature = "rabbitmq")]
            Self::Stream(producer) => producer.partitions(),
            #[cfg(not(any(feature = "kafka", feature = "rabbitmq")))]
            _ => 1,
        }
    }

    async fn publish(&mut self, messages: &[Outgoing]) -> Result<(), QueueError> {
        match self {
            #[cfg(feature = "kafka")]
            Self::Kafka(producer) => producer.publish(messages).await,
            #[cfg(feature = "rabbitmq")]
            Self::Rabbitmq(both) => both.0.publish(messages).await,
            #[cfg(feature = "rabbitmq")]
            Self::Stream(producer) => producer.publish(messages).await,
            #[cfg(not(any(feature = "kafka", feature = "rabbitmq")))]
            _ => Ok(()),
        }
    }
}
