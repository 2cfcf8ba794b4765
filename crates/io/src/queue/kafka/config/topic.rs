//! What is written about a topic: its name, and how it is created.

use serde::{Deserialize, Serialize};
use stock_up_core::Span;

use super::{ConfigError, wrong};
use crate::form;

/// Partitions of a topic that is created without another wish: room for so many analyzers.
pub const DEFAULT_PARTITIONS: u32 = 12;

/// Most partitions of a topic.
const MAX_PARTITIONS: u32 = 1_024;

/// Longest name of a topic, as Kafka has it.
const MAX_NAME: usize = 249;

/// Sections that say how topics are created.
pub(super) const RECORDS_CREATE: &str = "[queue.kafka.create]";
pub(super) const POINTS_CREATE: &str = "[queue.kafka.points.create]";

/// How errors call partitions, copies and least copies of a topic that is created.
pub(super) const RECORDS_FIELDS: [&str; 3] = [
    "create.partitions",
    "create.replication",
    "create.min_in_sync",
];
pub(super) const POINTS_FIELDS: [&str; 3] = [
    "points.create.partitions",
    "points.create.replication",
    "points.create.min_in_sync",
];

/// How a topic is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewTopicConfig {
    /// Partitions. It cannot be changed later: where a symbol belongs depends on it.
    pub partitions: u32,
    /// On how many brokers each message is kept; without it, as the brokers have it.
    pub replication: Option<u16>,
    /// How many copies must be written before a message counts; without it, as the brokers have it.
    pub min_in_sync: Option<u16>,
    /// How long messages are kept; without it, as the brokers have it.
    #[serde(with = "form::optional_span")]
    pub retention: Option<Span>,
    /// How many bytes of each partition are kept; without it, as the brokers have it.
    pub retention_bytes: Option<u64>,
}

impl Default for NewTopicConfig {
    fn default() -> Self {
        Self {
            partitions: DEFAULT_PARTITIONS,
            replication: None,
            min_in_sync: None,
            retention: None,
            retention_bytes: None,
        }
    }
}

impl NewTopicConfig {
    pub(super) fn check(&self, fields: [&'static str; 3]) -> Result<(), ConfigError> {
        let [partitions, replication, min_in_sync] = fields;
        if self.partitions == 0 || self.partitions > MAX_PARTITIONS {
            let reason = format!("{} is not 1 to {MAX_PARTITIONS}", self.partitions);
            return Err(wrong(partitions, reason));
        }
        if self.replication == Some(0) {
            return Err(wrong(replication, "0 copies keep nothing; 1 or more"));
        }
        if let (Some(copies), Some(least)) = (self.replication, self.min_in_sync)
            && least > copies
        {
            let reason = format!("{least} copies can never be written of {copies}");
            return Err(wrong(min_in_sync, reason));
        }
        Ok(())
    }
}

/// Looks at the name of a topic or a group.
pub(super) fn check_name(field: &'static str, name: &str) -> Result<(), ConfigError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(legal) {
        let reason = format!(
            "`{}` is no name; 1 to {MAX_NAME} letters, digits, dots, `_` and `-`",
            name.escape_debug()
        );
        return Err(wrong(field, reason));
    }
    Ok(())
}
