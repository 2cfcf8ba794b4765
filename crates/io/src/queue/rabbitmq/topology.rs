//! The exchange, the queues and what joins them.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, Error, ExchangeKind};

use super::config::{QueueType, RabbitmqConfig};

/// Requests for older trades that wait; more push out the oldest, for the newest one counts.
const REWIND_REQUESTS_MAX: i32 = 100;

/// Makes sure that the exchange and the queue are there and joined, as configured.
pub(super) async fn declare(channel: &Channel, config: &RabbitmqConfig) -> Result<(), Error> {
    exchange(channel, config).await?;
    let queue = short(&config.queue);
    if !config.declare {
        return exists(channel, queue).await;
    }
    let options = QueueDeclareOptions::durable();
    channel
        .queue_declare(queue.clone(), options, arguments(config))
        .await?;
    bind(channel, config, queue).await
}

/// A queue that gets a copy of everything from now on; returns its name.
///
/// With a name it is durable and keeps what comes while nobody reads it; without one it belongs to
/// this connection and ends with it.
pub(super) async fn declare_copy(
    channel: &Channel,
    config: &RabbitmqConfig,
    name: Option<&str>,
) -> Result<ShortString, Error> {
    exchange(channel, config).await?;
    let (name, options, arguments) = match name {
        Some(name) => (name, QueueDeclareOptions::durable(), arguments(config)),
        None => (
            "",
            QueueDeclareOptions {
                exclusive: true,
                auto_delete: true,
                ..QueueDeclareOptions::default()
            },
            FieldTable::default(),
        ),
    };
    let queue = channel
        .queue_declare(short(name), options, arguments)
        .await?;
    bind(channel, config, queue.name().clone()).await?;
    Ok(queue.name().clone())
}

/// The small queue on which an analyzer asks for trades that the broker no longer holds.
pub(super) async fn declare_rewind(
    channel: &Channel,
    config: &RabbitmqConfig,
) -> Result<ShortString, Error> {
    let name = short(&rewind_name(config));
    if !config.declare {
        return exists(channel, name.clone()).await.map(|()| name);
    }
    let kind = match config.queue_type {
        QueueType::Classic => QueueType::Classic,
        QueueType::Quorum | QueueType::Stream => QueueType::Quorum,
    };
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text(kind.name()));
    arguments.insert(
        "x-max-length".into(),
        AMQPValue::LongInt(REWIND_REQUESTS_MAX),
    );
    let options = QueueDeclareOptions::durable();
    channel
        .queue_declare(name.clone(), options, arguments)
        .await?;
    Ok(name)
}

/// The name of the queue for requests.
pub(super) fn rewind_name(config: &RabbitmqConfig) -> String {
    format!("{}.rewind", config.queue)
}

async fn exchange(channel: &Channel, config: &RabbitmqConfig) -> Result<(), Error> {
    let options = ExchangeDeclareOptions {
        durable: true,
        passive: !config.declare,
        ..ExchangeDeclareOptions::default()
    };
    let name = short(&config.exchange);
    channel
        .exchange_declare(name, ExchangeKind::Direct, options, FieldTable::default())
        .await
}

async fn exists(channel: &Channel, queue: ShortString) -> Result<(), Error> {
    let options = QueueDeclareOptions::durable().passive();
    channel
        .queue_declare(queue, options, FieldTable::default())
        .await
        .map(|_| ())
}

async fn bind(channel: &Channel, config: &RabbitmqConfig, queue: ShortString) -> Result<(), Error> {
    let (exchange, key) = (short(&config.exchange), short(&config.queue));
    let options = QueueBindOptions::default();
    channel
        .queue_bind(queue, exchange, key, options, FieldTable::default())
        .await
}

/// What a queue for trades is created with: one reader at a time, so that order is kept.
fn arguments(config: &RabbitmqConfig) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text(config.queue_type.name()));
    arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

pub(super) fn short(value: &str) -> ShortString {
    ShortString::from(value)
}
