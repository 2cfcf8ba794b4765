//! Messages out of a queue, acknowledged when they are in a saved state.

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Error};

use super::config::RabbitmqConfig;
use super::dial::Scissors;
use super::fault::Phase;
use super::link::Link;
use super::topology::{declare, declare_copy, short};
use crate::queue::{Consumer, Event, Incoming, Place, QueueError, Start};

/// The one partition of a queue.
const PARTITION: u32 = 0;

/// Reads a queue.
///
/// Invariant: a message is acknowledged only by [`Consumer::saved`], so after any end of this
/// connection everything that is in no saved state comes again.
///
/// One consumer of a queue is active and the others wait ("single active consumer"), which keeps
/// the order. The broker tells nobody when that changes. So the partition is ours with the first
/// message that we get; a state that is loaded then includes all that the one before us has saved.
#[derive(Debug)]
pub struct RabbitmqConsumer {
    /// Order matters: the connection is cut before the client can end its consumer. With an orderly
    /// end the next consumer would become active while what we hold is not yet back in the queue,
    /// and get later messages before it.
    _scissors: Option<Scissors>,
    link: Link,
    deliveries: lapin::Consumer,
    /// Taken from the connection, but not yet told.
    held: Option<Delivery>,
    /// Nobody else can read this queue.
    alone: bool,
    assigned: bool,
    started: bool,
    /// Deliveries of this connection that were told, and acknowledged: their tags count from 1.
    told: u64,
    acknowledged: u64,
}

impl RabbitmqConsumer {
    /// Connects to the configured queue, whose messages go to one consumer only.
    ///
    /// # Errors
    /// [`QueueError`]; a queue of another kind is `Misconfigured`.
    pub async fn connect(config: &RabbitmqConfig) -> Result<Self, QueueError> {
        let mut link = Link::open(config, "stock-up analyze").await?;
        let channel = link.channel.clone();
        let prepare = async {
            declare(&channel, config).await?;
            consume(&channel, config, short(&config.queue)).await
        };
        let deliveries = link.patiently(Phase::Opening, prepare).await?;
        Ok(Self::new(link, deliveries, false))
    }

    /// Connects to a queue of our own, which gets a copy of every message from its creation on.
    ///
    /// With a name it is durable: it goes on collecting while nobody reads it, so whoever gives a
    /// name deletes the queue when it is not used any more. Without one it ends with the
    /// connection.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn connect_copy(
        config: &RabbitmqConfig,
        name: Option<&str>,
    ) -> Result<Self, QueueError> {
        let mut link = Link::open(config, "stock-up serve").await?;
        let channel = link.channel.clone();
        let prepare = async {
            let queue = declare_copy(&channel, config, name).await?;
            consume(&channel, config, queue).await
        };
        let deliveries = link.patiently(Phase::Opening, prepare).await?;
        Ok(Self::new(link, deliveries, name.is_none()))
    }

    fn new(mut link: Link, deliveries: lapin::Consumer, alone: bool) -> Self {
        Self {
            _scissors: link.scissors.take(),
            link,
            deliveries,
            held: None,
            alone,
            assigned: false,
            started: false,
            told: 0,
            acknowledged: 0,
        }
    }

    /// Waits until a message is held; it stays held when this is cancelled.
    async fn hold(&mut self) -> Result<(), QueueError> {
        if self.held.is_none() {
            self.held = Some(match self.deliveries.next().await {
                Some(Ok(delivery)) => delivery,
                Some(Err(error)) => return Err(self.link.sort(&error, Phase::Running)),
                None => return Err(self.link.lost("it ended our consumer; is the queue gone?")),
            });
        }
        Ok(())
    }
}

impl Consumer for RabbitmqConsumer {
    async fn next(&mut self) -> Result<Event, QueueError> {
        if !self.assigned {
            if !self.alone {
                self.hold().await?;
            }
            self.assigned = true;
            return Ok(Event::Assigned(PARTITION));
        }
        if !self.started {
            return Err(self.link.broken().await);
        }
        self.hold().await?;
        let Some(delivery) = self.held.take() else {
            return Err(self.link.lost("no message"));
        };
        self.told = delivery.delivery_tag;
        Ok(Event::Message(Incoming {
            partition: PARTITION,
            next: Place(self.told),
            payload: delivery.data,
        }))
    }

    async fn start(&mut self, _: u32, _: Start) -> Result<(), QueueError> {
        self.started = true;
        Ok(())
    }

    async fn saved(&mut self, _: u32, place: Place) -> Result<(), QueueError> {
        // A place of an earlier connection says nothing here: tags begin anew.
        if place.0 <= self.acknowledged || place.0 > self.told {
            return Ok(());
        }
        let channel = self.link.channel.clone();
        let acknowledge = channel.basic_ack(place.0, BasicAckOptions { multiple: true });
        self.link.patiently(Phase::Running, acknowledge).await?;
        self.acknowledged = place.0;
        Ok(())
    }

    /// Never asked for: a queue keeps its one partition.
    async fn release(&mut self, _: u32) -> Result<(), QueueError> {
        Ok(())
    }
}

/// Begins to read.
async fn consume(
    channel: &Channel,
    config: &RabbitmqConfig,
    queue: ShortString,
) -> Result<lapin::Consumer, Error> {
    let prefetch = config.bounded_prefetch();
    channel
        .basic_qos(prefetch, BasicQosOptions::default())
        .await?;
    let (tag, options) = (ShortString::default(), BasicConsumeOptions::default());
    channel
        .basic_consume(queue, tag, options, FieldTable::default())
        .await
}
