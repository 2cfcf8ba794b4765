//! Whether the configured Kafka is there, lets us in and has the topic, for `doctor`.

use super::config::KafkaConfig;
use super::topic::{self, Topic};
use crate::queue::QueueError;

/// Tries name, address, TLS, login and topic, and changes nothing; says what is there.
///
/// # Errors
/// What a producer or consumer would say.
pub async fn probe(config: &KafkaConfig) -> Result<String, QueueError> {
    config.check().map_err(|error| QueueError::Misconfigured {
        broker: config.broker(),
        reason: error.to_string(),
    })?;
    describe(config, topic::inspect(config).await?)
}

fn describe(config: &KafkaConfig, found: Topic) -> Result<String, QueueError> {
    let broker = config.broker();
    let brokers = plural(found.brokers, "broker");
    match (found.partitions, &config.create) {
        (Some(partitions), _) if found.leaderless > 0 => Err(QueueError::Lost {
            broker,
            reason: format!(
                "{} of {partitions} partitions have no leader",
                found.leaderless
            ),
        }),
        (Some(partitions), _) => Ok(format!(
            "{broker}: {brokers}, {}",
            plural(partitions as usize, "partition")
        )),
        (None, Some(create)) => Ok(format!(
            "{broker}: {brokers}; the topic is not there yet and will be created with {}",
            plural(create.partitions as usize, "partition")
        )),
        (None, None) => Err(QueueError::Misconfigured {
            broker,
            reason: format!(
                "the topic does not exist; create it, or let it be created: `{}`",
                config.create_section
            ),
        }),
    }
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
