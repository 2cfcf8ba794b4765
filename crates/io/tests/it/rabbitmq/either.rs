//! A queue or a stream, whichever the configuration says: for stories that hold for both.

use stock_up_io::queue::rabbitmq::{
    QueueType, RabbitmqConfig, RabbitmqConsumer, RabbitmqProducer, StreamConsumer, StreamProducer,
};
use stock_up_io::queue::{Consumer, Event, Outgoing, Place, Producer, QueueError, Start};

pub(crate) enum EitherProducer {
    Queue(Box<RabbitmqProducer>),
    Stream(Box<StreamProducer>),
}

pub(crate) enum EitherConsumer {
    Queue(Box<RabbitmqConsumer>),
    Stream(Box<StreamConsumer>),
}

impl EitherProducer {
    pub(crate) async fn connect(config: &RabbitmqConfig) -> Result<Self, QueueError> {
        Ok(match config.queue_type {
            QueueType::Stream => {
                Self::Stream(Box::new(StreamProducer::connect(config, "spool").await?))
            }
            _ => Self::Queue(Box::new(RabbitmqProducer::connect(config).await?)),
        })
    }

    /// What the broker has, where it knows that.
    pub(crate) fn stored_until(&self) -> Option<u64> {
        match self {
            Self::Queue(_) => None,
            Self::Stream(producer) => Some(producer.stored_until()),
        }
    }
}

impl EitherConsumer {
    pub(crate) async fn connect(config: &RabbitmqConfig) -> Result<Self, QueueError> {
        Ok(match config.queue_type {
            QueueType::Stream => Self::Stream(Box::new(StreamConsumer::connect(config).await?)),
            _ => Self::Queue(Box::new(RabbitmqConsumer::connect(config).await?)),
        })
    }
}

impl Producer for EitherProducer {
    fn partitions(&self) -> u32 {
        match self {
            Self::Queue(producer) => producer.partitions(),
            Self::Stream(producer) => producer.partitions(),
        }
    }

    async fn publish(&mut self, messages: &[Outgoing]) -> Result<(), QueueError> {
        match self {
            Self::Queue(producer) => producer.publish(messages).await,
            Self::Stream(producer) => producer.publish(messages).await,
        }
    }
}

impl Consumer for EitherConsumer {
    async fn next(&mut self) -> Result<Event, QueueError> {
        match self {
            Self::Queue(consumer) => consumer.next().await,
            Self::Stream(consumer) => consumer.next().await,
        }
    }

    async fn start(&mut self, partition: u32, start: Start) -> Result<(), QueueError> {
        match self {
            Self::Queue(consumer) => consumer.start(partition, start).await,
            Self::Stream(consumer) => consumer.start(partition, start).await,
        }
    }

    async fn saved(&mut self, partition: u32, place: Place) -> Result<(), QueueError> {
        match self {
            Self::Queue(consumer) => consumer.saved(partition, place).await,
            Self::Stream(consumer) => consumer.saved(partition, place).await,
        }
    }

    async fn release(&mut self, partition: u32) -> Result<(), QueueError> {
        match self {
            Self::Queue(consumer) => consumer.release(partition).await,
            Self::Stream(consumer) => consumer.release(partition).await,
        }
    }
}
