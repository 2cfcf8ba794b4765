//! Messages into the exchange, each one confirmed.

use lapin::message::BasicReturnMessage;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, Error};

use super::config::RabbitmqConfig;
use super::fault::Phase;
use super::link::Link;
use super::topology::{declare, short};
use crate::queue::{Outgoing, Producer, QueueError};

/// Messages are kept by the broker, not only held.
const PERSISTENT: u8 = 2;

/// Puts messages into the queue, with confirmations.
///
/// Messages are persistent and mandatory. RabbitMQ also confirms what it cannot route; it gives
/// such a message back first, and a confirmation that carries one is a failure here.
#[derive(Debug)]
pub struct RabbitmqProducer {
    link: Link,
    exchange: ShortString,
    key: ShortString,
}

/// What the broker did with a message that it was sent.
pub(super) enum Fate {
    Kept,
    /// It has nowhere to put it, and says why.
    Returned(String),
    /// It could not keep it.
    Nacked,
}

impl RabbitmqProducer {
    /// Connects, and makes sure that exchange, queue and binding are there.
    ///
    /// # Errors
    /// [`QueueError`]; a queue of another kind is `Misconfigured`.
    pub async fn connect(config: &RabbitmqConfig) -> Result<Self, QueueError> {
        let mut link = Link::open(config, "stock-up collect").await?;
        let channel = link.channel.clone();
        let prepare = async {
            declare(&channel, config).await?;
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await
        };
        link.patiently(Phase::Opening, prepare).await?;
        Ok(Self {
            link,
            exchange: short(&config.exchange),
            key: short(&config.queue),
        })
    }
}

impl Producer for RabbitmqProducer {
    fn partitions(&self) -> u32 {
        1
    }

    async fn publish(&mut self, messages: &[Outgoing]) -> Result<(), QueueError> {
        let channel = self.link.channel.clone();
        let mut pending = Vec::with_capacity(messages.len());
        for message in messages {
            let sending = send(&channel, &self.exchange, &self.key, &message.payload);
            pending.push(self.link.patiently(Phase::Running, sending).await?);
        }
        for confirmation in pending {
            let confirmed = self.link.patiently(Phase::Running, confirmation).await?;
            match Fate::from(confirmed) {
                Fate::Kept => {}
                Fate::Returned(why) => return Err(self.link.lost(unroutable(&why))),
                Fate::Nacked => return Err(self.link.lost("it could not keep a message")),
            }
        }
        Ok(())
    }
}

/// Sends one message; what comes back is told later.
pub(super) async fn send(
    channel: &Channel,
    exchange: &ShortString,
    key: &ShortString,
    payload: &[u8],
) -> Result<lapin::PublisherConfirm, Error> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/x-protobuf".into());
    let (exchange, key) = (exchange.clone(), key.clone());
    channel
        .basic_publish(exchange, key, options, payload, properties)
        .await
}

/// A queue that has been deleted is declared again at the next connection.
fn unroutable(why: &str) -> String {
    format!("a message came back ({why}): no queue is bound to the exchange any more")
}

impl From<Confirmation> for Fate {
    fn from(confirmation: Confirmation) -> Self {
        match confirmation {
            Confirmation::Ack(None) => Self::Kept,
            Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => {
                Self::Returned(why(&returned))
            }
            // Without confirmations nothing is known, which is as bad.
            Confirmation::Nack(None) | Confirmation::NotRequested => Self::Nacked,
        }
    }
}

fn why(returned: &BasicReturnMessage) -> String {
    format!("{} {}", returned.reply_code, returned.reply_text)
}
