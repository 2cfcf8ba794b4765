//! `InfluxDB`, as all stores of a process share it.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use stock_up_io::clock::Clock;
use stock_up_io::sink::influx::Client;
use stock_up_io::sink::{InfluxSettings, InfluxSink, SinkError};

use super::Site;
use super::telling::Telling;
use crate::config::Config;

/// What the sinks of all stores of a process share.
#[derive(Debug, Clone)]
pub(crate) struct Influxdb {
    client: Client,
    settings: InfluxSettings,
    batch_wait: Duration,
}

impl Influxdb {
    /// The configured one, if there is one; what it will not take is kept in the folder `dir`.
    ///
    /// # Errors
    /// An address or a file that cannot be used.
    pub(crate) fn new(config: &Config, dir: &Path) -> anyhow::Result<Option<Self>> {
        let config = &config.influxdb;
        if !config.is_on() {
            return Ok(None);
        }
        let settings = config.settings(dir)?;
        let client = Client::new(&settings).context("[influxdb]")?;
        if client.exposes_key() {
            tracing::warn!(
                url = %settings.url,
                "the key to InfluxDB crosses the network unencrypted; https:// is better"
            );
        }
        let batch_wait = config.batch_wait();
        Ok(Some(Self {
            client,
            settings,
            batch_wait,
        }))
    }

    /// The version of the server, once it accepts key and database.
    ///
    /// # Errors
    /// What is wrong, as for a write.
    pub(crate) async fn probe(&self) -> Result<String, SinkError> {
        self.client.probe().await
    }

    /// The sink of one store, and the longest that a point waits for company.
    pub(super) fn sink(&self, clock: &Clock) -> (InfluxSink, Duration) {
        let sink = InfluxSink::new(self.client.clone(), &self.settings, clock.clone());
        (sink, self.batch_wait)
    }

    pub(super) fn telling(&self, site: &Site<'_>) -> Telling {
        let metrics = site.telemetry.influxdb.clone();
        Telling::new("InfluxDB", metrics, Some(self.settings.layout))
    }

    pub(super) fn announce(&self, from: u64) {
        tracing::info!(
            url = %self.settings.url,
            database = self.settings.api.target(),
            from,
            "points go to InfluxDB"
        );
    }
}
