//! What `doctor` wants to know.

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Error, ErrorKind};

use super::config::{QueueType, RabbitmqConfig};
use super::fault::Phase;
use super::link::Link;
use super::stream;
use super::topology::{declare, short};
use crate::queue::QueueError;

/// The reply code for a queue that is not there.
const NOT_FOUND: u16 = 404;

/// Connects, logs in and looks at the queue (or stream), without creating anything.
///
/// Returns a sentence about what was found.
///
/// # Errors
/// [`QueueError`] says what is wrong and how to mend it.
pub async fn probe(config: &RabbitmqConfig) -> Result<String, QueueError> {
    if config.queue_type == QueueType::Stream {
        return stream::probe(config).await;
    }
    let queue = &config.queue;
    let broker = config.broker(config.amqp_port());
    let Some(messages) = waiting(config).await? else {
        return Ok(format!(
            "{broker}: queue `{queue}` is not there yet; it is made at the first start"
        ));
    };
    // It is there, so declaring it creates no queue, and shows whether it is the kind we expect.
    let mut link = Link::open(config, "stock-up doctor").await?;
    let channel = link.channel.clone();
    link.patiently(Phase::Opening, declare(&channel, config))
        .await?;
    let kind = config.queue_type.name();
    Ok(format!(
        "{broker}: {kind} queue `{queue}` is there, with {messages} messages waiting"
    ))
}

/// Messages in the queue; none if there is no queue, and it may be made.
async fn waiting(config: &RabbitmqConfig) -> Result<Option<u32>, QueueError> {
    let mut link = Link::open(config, "stock-up doctor").await?;
    let channel = link.channel.clone();
    let look = async {
        let options = QueueDeclareOptions::durable().passive();
        match channel
            .queue_declare(short(&config.queue), options, FieldTable::default())
            .await
        {
            Ok(queue) => Ok(Some(queue.message_count())),
            Err(error) if config.declare && is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    };
    link.patiently(Phase::Opening, look).await
}

fn is_missing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(said) if said.get_id() == NOT_FOUND)
}
