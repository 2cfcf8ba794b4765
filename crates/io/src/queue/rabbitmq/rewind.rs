//! Asking for trades that the broker no longer holds.
//!
//! A queue forgets what is acknowledged, and a stream what is too old. An analyzer that has lost
//! its state asks, on a small queue beside the one for trades, whoever has the spool to send again
//! from where it says. What a request says is not known here.

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions};
use lapin::types::{FieldTable, ShortString};

use super::config::RabbitmqConfig;
use super::fault::Phase;
use super::link::Link;
use super::producer::{Fate, send};
use super::topology::declare_rewind;
use crate::queue::QueueError;

/// Requests that we hold at a time.
const PREFETCH: u16 = 10;

/// The end that asks. It has a connection of its own: an alarm of the broker holds up whoever
/// sends, and must not hold up acknowledgements.
#[derive(Debug)]
pub struct RewindAsker {
    link: Link,
    queue: ShortString,
}

impl RewindAsker {
    /// Connects, and makes sure that the queue for requests is there.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn connect(config: &RabbitmqConfig) -> Result<Self, QueueError> {
        let mut link = Link::open(config, "stock-up analyze, asking").await?;
        let channel = link.channel.clone();
        let prepare = async {
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await?;
            declare_rewind(&channel, config).await
        };
        let queue = link.patiently(Phase::Opening, prepare).await?;
        Ok(Self { link, queue })
    }

    /// Leaves a request; it is kept when this returns.
    ///
    /// # Errors
    /// [`QueueError`]; nothing is known of the request then.
    pub async fn ask(&mut self, request: &[u8]) -> Result<(), QueueError> {
        let channel = self.link.channel.clone();
        // The exchange without a name leads to every queue by its name.
        let (exchange, key) = (ShortString::default(), self.queue.clone());
        let kept = async { send(&channel, &exchange, &key, request).await?.await };
        match Fate::from(self.link.patiently(Phase::Running, kept).await?) {
            Fate::Kept => Ok(()),
            Fate::Returned(why) => Err(self.link.lost(format!("the request came back ({why})"))),
            Fate::Nacked => Err(self.link.lost("it could not keep the request")),
        }
    }
}

/// The end that has the spool.
#[derive(Debug)]
pub struct RewindRequests {
    link: Link,
    deliveries: lapin::Consumer,
    told: u64,
    acknowledged: u64,
}

impl RewindRequests {
    /// Connects, and makes sure that the queue for requests is there.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn connect(config: &RabbitmqConfig) -> Result<Self, QueueError> {
        let mut link = Link::open(config, "stock-up collect, answering").await?;
        let channel = link.channel.clone();
        let prepare = async {
            let queue = declare_rewind(&channel, config).await?;
            channel
                .basic_qos(PREFETCH, BasicQosOptions::default())
                .await?;
            let options = BasicConsumeOptions::default();
            let tag = ShortString::default();
            channel
                .basic_consume(queue, tag, options, FieldTable::default())
                .await
        };
        let deliveries = link.patiently(Phase::Opening, prepare).await?;
        Ok(Self {
            link,
            deliveries,
            told: 0,
            acknowledged: 0,
        })
    }

    /// The next request; it may be any bytes. Cancelling the future loses nothing.
    ///
    /// # Errors
    /// [`QueueError`]; requests that are not [done](Self::done) come again.
    pub async fn next_rewind(&mut self) -> Result<Vec<u8>, QueueError> {
        match self.deliveries.next().await {
            Some(Ok(Delivery {
                delivery_tag, data, ..
            })) => {
                self.told = delivery_tag;
                Ok(data)
            }
            Some(Err(error)) => Err(self.link.sort(&error, Phase::Running)),
            None => Err(self.link.lost("it ended our consumer; is the queue gone?")),
        }
    }

    /// All requests so far have been answered: the broker may forget them.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn done(&mut self) -> Result<(), QueueError> {
        if self.told == self.acknowledged {
            return Ok(());
        }
        let channel = self.link.channel.clone();
        let acknowledge = channel.basic_ack(self.told, BasicAckOptions { multiple: true });
        self.link.patiently(Phase::Running, acknowledge).await?;
        self.acknowledged = self.told;
        Ok(())
    }
}
