//! RabbitMQ streams: a log in the broker, read from any offset.
//!
//! The protocol is spoken here, because the client library brings a second TLS engine built from
//! C and knows no heartbeat supervision; the dozen frames that are needed are in [`frame`].
//!
//! A stream is confirmed from the memory of the broker's machine: it may lose its end when that
//! machine does. The producer then finds a lower last id and sends again from there.
//!
//! A cluster is not looked through for the stream's leader: the node that is configured serves,
//! if it has a replica.

mod alone;
mod answer;
mod body;
mod chunk;
mod consumer;
mod frame;
mod producer;
mod session;
#[cfg(test)]
mod tests;
mod wire;

pub use consumer::StreamConsumer;
pub use producer::StreamProducer;

use answer::{Answer, sort};
use frame::Command;
use session::Session;

use super::config::RabbitmqConfig;
use crate::queue::QueueError;

/// What a source is called as a producer of a stream.
fn producer_name(source: &str, partition: u32) -> String {
    format!("stock-up/{source}/{partition}")
}

/// Makes sure that the stream is there.
async fn create(session: &mut Session, config: &RabbitmqConfig) -> Result<(), QueueError> {
    if !config.declare {
        return Ok(());
    }
    let mut arguments = vec![(
        "stream-max-segment-size-bytes",
        config.stream_segment_bytes.to_string(),
    )];
    if config.stream_max_bytes > 0 {
        arguments.push(("max-length-bytes", config.stream_max_bytes.to_string()));
    }
    let create = Command::Create {
        stream: &config.queue,
        arguments: &arguments,
    };
    match session.request(create).await?.0 {
        Answer::Ok | Answer::StreamExists => Ok(()),
        refusal => Err(sort(refusal, session.broker())),
    }
}

/// What the broker says about itself and the stream, for `doctor`.
pub(super) async fn probe(config: &RabbitmqConfig) -> Result<String, QueueError> {
    let mut session = Session::open(config, "stock-up doctor").await?;
    let look = Command::QuerySequence {
        name: "stock-up/doctor",
        stream: &config.queue,
    };
    let found = match session.request(look).await?.0 {
        Answer::Ok => "is there",
        Answer::NoStream if config.declare => "is not there yet; it is made at the first start",
        refusal => return Err(sort(refusal, session.broker())),
    };
    let (broker, version) = (session.broker(), session.version());
    Ok(format!(
        "{broker}: version {version}; stream `{}` {found}",
        config.queue
    ))
}
