//! A topic of points, as all stores of a process share it.

use std::time::Duration;

use stock_up_io::queue::kafka::{KafkaConfig, KafkaPointSink};

use super::Site;
use super::telling::Telling;
use crate::config::Config;

/// Brokers and topic.
#[derive(Debug, Clone)]
pub(crate) struct KafkaPoints {
    config: KafkaConfig,
    wait: Duration,
}

impl KafkaPoints {
    /// The configured one, if there is one.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        let kafka = &config.queue.kafka;
        let (config, points) = kafka.for_points().zip(kafka.points.as_ref())?;
        let wait = points.wait();
        Some(Self { config, wait })
    }

    /// The sink of one store, and the longest that a point waits for company.
    ///
    /// # Errors
    /// A password that cannot be read.
    pub(super) fn sink(&self, site: &Site<'_>) -> anyhow::Result<(KafkaPointSink, Duration)> {
        // Whoever goes on with a partition goes on with its transactions, wherever he is.
        let (partition, partitions) = site.partition;
        let id = format!("{}-of-{partitions}", site.dir.partition_name(partition));
        let sink = KafkaPointSink::new(self.config.clone(), &id)?;
        Ok((sink, self.wait))
    }

    pub(super) fn telling(site: &Site<'_>) -> Telling {
        Telling::new("Kafka", site.telemetry.kafka_points.clone(), None)
    }

    pub(super) fn announce(&self, from: u64) {
        tracing::info!(
            brokers = self.config.brokers,
            topic = self.config.topic,
            from,
            "points go to Kafka"
        );
    }
}
