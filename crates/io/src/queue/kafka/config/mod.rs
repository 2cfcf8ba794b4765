//! What is written about Kafka in the configuration, and what librdkafka is told of it.
//!
//! Here are the brokers and the records; `topic` is how any topic is created, `points` the topic
//! of the points, `security` TLS and SASL.

mod points;
mod security;
mod topic;

use std::time::Duration;

use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};
use stock_up_core::Span;
use thiserror::Error;

use crate::feed::Secret;
use crate::form::{self, duration};

pub use points::PointsConfig;
pub use security::{Mechanism, SaslConfig, TlsConfig};
pub use topic::{DEFAULT_PARTITIONS, NewTopicConfig};

use topic::{RECORDS_CREATE, RECORDS_FIELDS, check_name};

/// Longest time that a batch may wait to be filled.
const MAX_LINGER: Span = Span::from_secs(1);

/// How Kafka is reached, and what is kept there.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaConfig {
    /// Some of the brokers: `host:port`, comma separated.
    pub brokers: String,
    /// The topic of the records.
    pub topic: String,
    /// The group in which analyzers share the partitions.
    pub group: String,
    /// How long a producer waits for more messages before it sends a batch.
    #[serde(with = "form::span")]
    pub linger: Span,
    /// How batches are compressed.
    pub compression: Compression,
    /// How long a message may go unconfirmed before its producer is given up.
    #[serde(with = "form::span")]
    pub confirm_within: Span,
    /// How the topic is created where it does not exist; without it, it must exist.
    pub create: Option<NewTopicConfig>,
    /// Where points are written to as well, in transactions; without it, nowhere.
    pub points: Option<PointsConfig>,
    /// TLS; without it, the connection is plain.
    pub tls: Option<TlsConfig>,
    /// Name and password; without it, we are anonymous.
    pub sasl: Option<SaslConfig>,
    /// The section that says how the topic is created.
    #[serde(skip)]
    pub create_section: &'static str,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topic: "stock-quotes".to_owned(),
            group: "stock-analyzer".to_owned(),
            // Whoever publishes waits for its group to be confirmed, so that nothing more comes:
            // this is the time to hand the group over, and more would be delay alone.
            linger: Span::from_ns(0),
            compression: Compression::default(),
            confirm_within: Span::from_secs(30),
            create: None,
            points: None,
            tls: None,
            sasl: None,
            create_section: RECORDS_CREATE,
        }
    }
}

/// How batches are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// Fast, and good for records that resemble each other.
    #[default]
    Lz4,
    /// Faster still, and worse.
    Snappy,
    /// For readers that know nothing newer.
    Gzip,
}

impl Compression {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Snappy => "snappy",
            Self::Gzip => "gzip",
        }
    }
}

/// A value that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("queue.kafka.{field}: {reason}")]
pub struct ConfigError {
    /// Which one, below `queue.kafka`.
    pub field: &'static str,
    /// What is wrong, and what to write.
    pub reason: String,
}

fn wrong(field: &'static str, reason: impl Into<String>) -> ConfigError {
    let reason = reason.into();
    ConfigError { field, reason }
}

impl KafkaConfig {
    /// Looks at the values without network or files.
    ///
    /// # Errors
    /// The first value that cannot be meant.
    pub fn check(&self) -> Result<(), ConfigError> {
        check_brokers(&self.brokers)?;
        check_name("topic", &self.topic)?;
        check_name("group", &self.group)?;
        if self.linger > MAX_LINGER {
            let reason = format!("{} is too long; up to {MAX_LINGER}", self.linger);
            return Err(wrong("linger", reason));
        }
        if self.confirm_within < Span::from_secs(1) {
            let reason = format!("{} is too short; 1s or more", self.confirm_within);
            return Err(wrong("confirm_within", reason));
        }
        if let Some(create) = &self.create {
            create.check(RECORDS_FIELDS)?;
        }
        if let Some(points) = &self.points {
            points.check(&self.topic)?;
        }
        self.check_security()
    }

    /// What errors call this broker: without secrets.
    pub(super) fn broker(&self) -> String {
        format!("Kafka at {}, topic `{}`", self.brokers, self.topic)
    }

    /// How long a message may go unconfirmed.
    pub(super) fn confirm_within(&self) -> Duration {
        duration(self.confirm_within)
    }

    /// What every client of librdkafka is told.
    pub(super) fn client(&self, password: &Secret) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "stock-up")
            .set("socket.keepalive.enable", "true")
            // Brokers close what is idle; that is no news.
            .set("log.connection.close", "false")
            .set("allow.auto.create.topics", "false");
        self.secure(&mut client, password);
        client
    }

    /// What a producer is told on top.
    pub(super) fn batching(&self, client: &mut ClientConfig) {
        client
            .set(
                "linger.ms",
                format!("{:.3}", duration(self.linger).as_secs_f64() * 1e3),
            )
            .set("compression.type", self.compression.name());
    }
}

fn check_brokers(brokers: &str) -> Result<(), ConfigError> {
    for address in brokers.split(',').map(str::trim) {
        if address.contains("://") || address.contains('@') {
            let reason = "write `host:port`, without protocol and without a name or password";
            return Err(wrong("brokers", reason));
        }
        let port = address
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty());
        if port
            .and_then(|(_, port)| port.parse::<u16>().ok())
            .is_none_or(|port| port == 0)
        {
            let reason = format!("`{address}` has no port; write it like `kafka:9092`");
            return Err(wrong("brokers", reason));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
