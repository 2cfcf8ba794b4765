//! How the broker is reached and what is used on it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use stock_up_core::Span;

use crate::feed::Secret;
use crate::form::{self, duration};

/// Most unacknowledged messages that a quorum queue gives to one consumer.
pub const MAX_PREFETCH: u16 = 2000;

/// A RabbitMQ broker, and the queue or stream on it.
///
/// The names and their defaults are those of the seed system.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RabbitmqConfig {
    /// Host name or address.
    pub host: String,
    /// Port for AMQP; 0: 5672, or 5671 with TLS.
    pub port: u16,
    /// Port of the stream plugin; 0: 5552, or 5551 with TLS.
    pub stream_port: u16,
    /// The virtual host.
    pub vhost: String,
    /// Who we are.
    pub user: String,
    /// Our password; there is no default.
    #[serde(skip_serializing, deserialize_with = "form::secret")]
    pub password: Secret,
    /// Encrypt the connection.
    pub tls: bool,
    /// More certificate authorities, as PEM; empty: those of the system alone.
    pub ca_file: PathBuf,
    /// The exchange to which messages go: direct and durable.
    pub exchange: String,
    /// The queue (or stream) in which they wait; also the routing key that leads there.
    pub queue: String,
    /// What kind of queue it is.
    pub queue_type: QueueType,
    /// Create what is missing. Without it our user needs no right to configure, and what is
    /// missing is an error.
    pub declare: bool,
    /// Most messages that wait for the checkpoint that holds them; a quorum queue takes 2000 at
    /// most.
    pub prefetch: u16,
    /// A connection without any sign of life for twice as long is dead; in whole seconds.
    #[serde(with = "form::span")]
    pub heartbeat: Span,
    /// The longest that connecting, login and declaring may take.
    #[serde(with = "form::span")]
    pub connect_timeout: Span,
    /// The longest that the broker may be silent while it owes an answer or a confirmation; and
    /// that a stream may bring nothing before we ask for it anew.
    #[serde(with = "form::span")]
    pub confirm_timeout: Span,
    /// The longest that the broker may hold us up by an alarm (memory, disk) before we count it
    /// as lost.
    #[serde(with = "form::span")]
    pub blocked_timeout: Span,
    /// A stream keeps at most so many bytes; 0: no bound. Used when it is created.
    pub stream_max_bytes: u64,
    /// Bytes of one segment of a stream; whole segments are removed. Used when it is created.
    pub stream_segment_bytes: u64,
}

/// The kinds of queue that RabbitMQ has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueType {
    /// Replicated; a confirmed message is on the disks of the majority.
    Quorum,
    /// One node, written within a few hundred ms; what the seed system used.
    Classic,
    /// An append-only log, read from any offset; its own protocol and port. Confirmed messages may
    /// still be in the memory of the operating system.
    Stream,
}

impl QueueType {
    /// Its name in the argument `x-queue-type`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::Classic => "classic",
            Self::Stream => "stream",
        }
    }
}

impl Default for RabbitmqConfig {
    fn default() -> Self {
        Self {
            host: "rabbitmq".to_owned(),
            port: 0,
            stream_port: 0,
            vhost: "stocks".to_owned(),
            user: "stock-query".to_owned(),
            password: Secret::default(),
            tls: false,
            ca_file: PathBuf::new(),
            exchange: "stocks".to_owned(),
            queue: "stock-quotes".to_owned(),
            queue_type: QueueType::Quorum,
            declare: true,
            prefetch: 1000,
            heartbeat: Span::from_secs(10),
            connect_timeout: Span::from_secs(10),
            confirm_timeout: Span::from_secs(30),
            blocked_timeout: Span::from_secs(300),
            stream_max_bytes: 16 << 30,
            stream_segment_bytes: 128 << 20,
        }
    }
}

impl RabbitmqConfig {
    /// The port for AMQP.
    pub(super) fn amqp_port(&self) -> u16 {
        match (self.port, self.tls) {
            (0, false) => 5672,
            (0, true) => 5671,
            (port, _) => port,
        }
    }

    /// The port of the stream plugin.
    pub(super) fn stream_port(&self) -> u16 {
        match (self.stream_port, self.tls) {
            (0, false) => 5552,
            (0, true) => 5551,
            (port, _) => port,
        }
    }

    /// The broker in messages to people: where it is and who we are there.
    pub(super) fn broker(&self, port: u16) -> String {
        let Self { host, vhost, .. } = self;
        format!("RabbitMQ at {host}:{port}, virtual host `{vhost}`")
    }

    /// The heartbeat in whole seconds, as both protocols want it; never none.
    pub(super) fn heartbeat_secs(&self) -> u16 {
        u16::try_from(duration(self.heartbeat).as_secs().max(1)).unwrap_or(u16::MAX)
    }

    /// The prefetch within what the broker takes.
    pub fn bounded_prefetch(&self) -> u16 {
        self.prefetch.clamp(1, MAX_PREFETCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_read_strictly_and_keeps_its_secret() {
        let text = "password = \"CANARY-7f3a\"\nheartbeat = \"500ms\"\nqueue_type = \"classic\"";
        let config: RabbitmqConfig = toml::from_str(text).expect("valid");
        assert_eq!(config.queue_type, QueueType::Classic);
        assert_eq!(config.heartbeat_secs(), 1);
        assert_eq!(config.exchange, "stocks");
        assert_eq!((config.amqp_port(), config.stream_port()), (5672, 5552));
        assert!(!format!("{config:?}").contains("CANARY"));
        assert!(toml::from_str::<RabbitmqConfig>("pasword = \"x\"").is_err());
        assert!(toml::from_str::<RabbitmqConfig>("heartbeat = 5").is_err());
    }
}
