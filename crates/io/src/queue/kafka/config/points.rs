//! What is written about the topic of the points.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stock_up_core::Span;

use super::topic::{NewTopicConfig, POINTS_CREATE, POINTS_FIELDS, check_name};
use super::{ConfigError, KafkaConfig, wrong};
use crate::form::{self, duration};

/// Longest time that a point may wait for its transaction.
const MAX_POINTS_WAIT: Span = Span::from_secs(10);

/// Points in a topic, each once for who reads committed messages alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PointsConfig {
    /// The topic.
    pub topic: String,
    /// The longest that a point waits for others before a transaction is made of them.
    #[serde(with = "form::span")]
    pub wait: Span,
    /// How the topic is created where it does not exist; without it, it must exist.
    pub create: Option<NewTopicConfig>,
}

impl Default for PointsConfig {
    fn default() -> Self {
        Self {
            topic: "stock-points".to_owned(),
            // Brokers write several records of their own for each transaction.
            wait: Span::from_ns(100_000_000),
            create: None,
        }
    }
}

impl PointsConfig {
    pub(super) fn check(&self, records: &str) -> Result<(), ConfigError> {
        check_name("points.topic", &self.topic)?;
        if self.topic == records {
            let reason = "it is the topic of the records; points need one of their own";
            return Err(wrong("points.topic", reason));
        }
        if self.wait > MAX_POINTS_WAIT {
            let reason = format!("{} is too long; up to {MAX_POINTS_WAIT}", self.wait);
            return Err(wrong("points.wait", reason));
        }
        self.create
            .as_ref()
            .map_or(Ok(()), |create| create.check(POINTS_FIELDS))
    }

    /// As [`PointsConfig::wait`].
    pub fn wait(&self) -> Duration {
        duration(self.wait)
    }
}

impl KafkaConfig {
    /// The same brokers with the topic of the points in the place of that of the records; `None`
    /// where points are not written to Kafka.
    pub fn for_points(&self) -> Option<Self> {
        let points = self.points.clone()?;
        Some(Self {
            topic: points.topic,
            points: None,
            create: points.create,
            create_section: POINTS_CREATE,
            ..self.clone()
        })
    }
}
