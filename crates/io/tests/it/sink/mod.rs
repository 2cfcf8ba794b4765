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

use stock_up_core::Span;
use stock_up_io::clock::Clock;
use stock_up_io::feed::Secret;
use stock_up_io::sink::influx::{Api, Client, Layout};
use stock_up_io::sink::{InfluxSettings, InfluxSink};
use stock_up_io::store::PointRow;

use crate::store::run::{rows, run};

/// Symbols that a database could take for its own syntax.
const ODD_SYMBOLS: [&str; 8] = [
    "a,b=c d",
    "<img src=x>",
    "\"quoted\"",
    "üñí",
    "back\\slash",
    "a\\,b",
    "=",
    "x y=1i 99",
];

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

/// A point of each of [`ODD_SYMBOLS`].
pub(crate) fn odd_symbols() -> Vec<PointRow> {
    let mut all = rows(&run(1, 5));
    all.truncate(ODD_SYMBOLS.len());
    for (row, name) in all.iter_mut().zip(ODD_SYMBOLS) {
        row.symbol = name.into();
        row.point.window = Span::from_secs(60);
    }
    assert_eq!(all.len(), ODD_SYMBOLS.len(), "one for each");
    all
}
