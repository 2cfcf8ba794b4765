//! Part `kafka`: messages as the publisher makes them, through a real broker and back, beside
//! librdkafka used directly with messages of the same sizes.
//!
//! The broker is that of `cargo xtask services up kafka`. Both sides use the same settings of
//! durability and compression; a run ends when the last message has been read.

mod ours;
mod raw;

use std::time::Duration;

use stock_up_core::{Decimal, Record, Trade, TradeBatch};
use stock_up_io::clock::{Clock, Stopwatch};
use stock_up_io::queue::Outgoing;
use stock_up_io::queue::kafka::{KafkaConfig, NewTopicConfig};
use stock_up_io::queue::message::{self, Header};

use crate::row::{Row, Target};
use crate::tape::Tape;

const SYMBOLS: u32 = 100;
const PARTITIONS: u32 = 4;
const ROUNDS: u32 = 3;

/// Our time to that of librdkafka alone.
const RATIO_MAX: f64 = 1.25;

/// What one run carries.
#[derive(Debug, Clone, Copy)]
struct Load {
    name: &'static str,
    /// Trades of a message.
    trades: usize,
    messages: usize,
    /// Messages that are published at once; the next ones wait for their confirmation.
    at_once: usize,
}

const LOADS: [Load; 2] = [
    Load {
        name: "catching up, 8,000 trades a message",
        trades: 8_000,
        messages: 400,
        at_once: 32,
    },
    Load {
        name: "live, 25 trades a message",
        trades: 25,
        messages: 2_000,
        at_once: PARTITIONS as usize,
    },
];

pub(crate) fn run() -> anyhow::Result<Vec<Row>> {
    let Ok(brokers) = std::env::var("STOCK_UP_TEST_KAFKA") else {
        eprintln!(
            "SKIPPED kafka: set STOCK_UP_TEST_KAFKA, as `cargo xtask services up kafka` prints it"
        );
        return Ok(Vec::new());
    };
    LOADS.iter().map(|load| measure(&brokers, *load)).collect()
}

fn measure(brokers: &str, load: Load) -> anyhow::Result<Row> {
    let messages = messages(load)?;
    let bytes: usize = messages.iter().map(|message| message.payload.len()).sum();
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        best.0 = best
            .0
            .min(ours::run(&topic(brokers), &messages, load.at_once)?);
        best.1 = best
            .1
            .min(raw::run(&topic(brokers), &messages, load.at_once)?);
    }
    let trades = (load.trades * load.messages) as f64;
    let shown = |time: Duration| {
        let (trades, bytes) = (
            trades / time.as_secs_f64(),
            bytes as f64 / time.as_secs_f64(),
        );
        format!("{:.1} k trades/s, {:.2} MB/s", trades / 1e3, bytes / 1e6)
    };
    Ok(Row {
        name: format!("kafka: {}, to librdkafka alone", load.name),
        ours: shown(best.0),
        peer: shown(best.1),
        ratio: best.0.as_secs_f64() / best.1.as_secs_f64(),
        target: Target::AtMost(RATIO_MAX),
    })
}

/// A new topic for each run: its partitions are empty.
fn topic(brokers: &str) -> KafkaConfig {
    KafkaConfig {
        brokers: brokers.to_owned(),
        topic: format!("bench-{}-{}", std::process::id(), Clock::system().now()),
        create: Some(NewTopicConfig {
            partitions: PARTITIONS,
            ..NewTopicConfig::default()
        }),
        ..KafkaConfig::default()
    }
}

fn messages(load: Load) -> anyhow::Result<Vec<Outgoing>> {
    let mut market = Tape::new(SYMBOLS);
    let mut next = [0_u64; PARTITIONS as usize];
    (0..PARTITIONS)
        .cycle()
        .take(load.messages)
        .map(|partition| {
            let mut batch = TradeBatch::default();
            let none = batch.names.intern("");
            for print in market.by_ref().take(load.trades) {
                batch.ts_recv = print.time_ms * 1_000_000;
                let symbol = batch.names.intern(&format!("SYM{}", print.symbol));
                batch.trades.push(Trade {
                    symbol,
                    conditions: none,
                    ts_event: print.time_ms * 1_000_000,
                    price: Decimal::new(u64::from(print.cents), 2)?,
                    size: Decimal::new(u64::from(print.size), 0)?,
                });
            }
            let first_seq = next[partition as usize];
            next[partition as usize] += load.trades as u64;
            let header = Header {
                source: *b"a source's bench",
                partition,
                partitions: PARTITIONS,
                first_seq,
            };
            Ok(Outgoing {
                partition,
                first_seq,
                end_seq: next[partition as usize],
                key: None,
                payload: message::encode(&header, &[Record::Trades(batch)]),
            })
        })
        .collect()
}

/// Starts when everything is connected.
fn watch() -> Stopwatch {
    Stopwatch::start()
}
