//! Where the shared broker is, and names on it that no other test has.

use std::sync::atomic::{AtomicU32, Ordering};

use stock_up_core::Span;
use stock_up_io::feed::Secret;
use stock_up_io::queue::rabbitmq::{QueueType, RabbitmqConfig};

use crate::needs::server;

/// The broker of `cargo xtask services`, with a queue and an exchange of this test alone.
pub(crate) fn shared(test: &str, queue_type: QueueType) -> Option<RabbitmqConfig> {
    let url = server("STOCK_UP_TEST_RABBITMQ", test)?;
    let stream = server("STOCK_UP_TEST_RABBITMQ_STREAM", test)?;
    let (user, rest) = url.strip_prefix("amqp://")?.split_once(':')?;
    let (password, rest) = rest.split_once('@')?;
    let (at, vhost) = rest.split_once('/')?;
    let (host, port) = at.rsplit_once(':')?;
    let (_, stream_port) = stream.rsplit_once(':')?;
    Some(RabbitmqConfig {
        host: host.to_owned(),
        port: port.parse().unwrap(),
        stream_port: stream_port.parse().unwrap(),
        vhost: vhost.to_owned(),
        user: user.to_owned(),
        password: Secret::new(password),
        ..named(queue_type)
    })
}

/// A configuration with names that were not used before.
pub(crate) fn named(queue_type: QueueType) -> RabbitmqConfig {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let unique = format!("test-{}-{count}", std::process::id());
    RabbitmqConfig {
        exchange: format!("{unique}-exchange"),
        queue: unique,
        queue_type,
        connect_timeout: Span::from_secs(60),
        confirm_timeout: Span::from_secs(60),
        ..RabbitmqConfig::default()
    }
}
