//! Sinks: what they hold after whatever a server or the network does, and what feeds them.

mod conformance;
mod database;
mod delivery;
mod faults;
mod influxdb;
mod influxdb2;
mod mock;
mod tls;
mod versions;

use std::path::Path;
use std::time::Duration;

use stock_up_io::clock::Clock;
use stock_up_io::feed::Secret;
use stock_up_io::sink::influx::{Api, Client, Layout};
use stock_up_io::sink::{InfluxSettings, InfluxSink};

/// Anything secret; it must never be seen again.
pub(crate) const SECRET: &str = "CANARY-7f3a";

pub(crate) fn v1(database: &str) -> Api {
    Api::V1 {
        database: database.to_owned(),
        retention_policy: String::new(),
        user: "stock".to_owned(),
        password: Secret::new(SECRET),
    }
}

pub(crate) fn settings(url: &str, api: Api, dir: &Path) -> InfluxSettings {
    InfluxSettings {
        url: url.to_owned(),
        api,
        layout: Layout::Wide,
        batch_lines: 1_000,
        gzip: true,
        timeout: Duration::from_millis(400),
        ca_file: None,
        create: None,
        dead_letters: dir.join("influxdb.dead.jsonl"),
    }
}

pub(crate) fn sink(settings: &InfluxSettings) -> InfluxSink {
    let client = Client::new(settings).unwrap();
    InfluxSink::new(client, settings, Clock::from_fn(|| 7))
}
