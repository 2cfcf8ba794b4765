//! Part `parse`: Finnhub's frames, keys in any order, to exact trades, beside `serde_json`.
//!
//! Ours also checks each symbol against the subscriptions, gives each text its number and refuses
//! what is no trade; the peer only fills plain structures, its prices and sizes floats.

mod peer;

use anyhow::{Context as _, ensure};
use stock_up_core::Names;
use stock_up_io::feed::finnhub;
use stock_up_io::feed::{FrameKind, FrameRules, Intake};

use crate::frames::frames;
use crate::measure::{best_of_each, ns_per, time};
use crate::row::{Row, Target};
use crate::tape::{Print, Tape, name};

const TRADES: usize = 500_000;
const SYMBOLS: u32 = 100;
const ROUNDS: u32 = 9;
/// Frames that are read together share a batch up to so many trades, as in the driver.
const BATCH_TRADES: usize = 1_024;

/// How many times as fast as the peer.
const RATIO_MIN: f64 = 3.0;

pub(crate) fn run() -> anyhow::Result<Vec<Row>> {
    let prints: Vec<Print> = Tape::new(SYMBOLS).take(TRADES).collect();
    let frames = frames(&prints);
    let subscribed = subscriptions(SYMBOLS);
    let (ours, peer) = (decode_all(&frames, &subscribed), peer::borrowed(&frames));
    ensure!(ours == peer, "ours read {ours:?}, the peer {peer:?}");
    ensure!(ours.trades == TRADES, "{} trades of {TRADES}", ours.trades);
    eprintln!("    both read the same trades");

    let peers: [(&str, ReadAll); 2] = [("borrowed", peer::borrowed), ("owned", peer::owned)];
    let mut rows = Vec::new();
    for (texts, read) in peers {
        let (ours, peer) = best_of_each(
            ROUNDS,
            || time(|| decode_all(&frames, &subscribed)),
            || time(|| read(&frames)),
        );
        let (ours, peer) = (ns_per(ours, TRADES), ns_per(peer, TRADES));
        rows.push(Row {
            name: format!("parse: times as fast as serde_json, {texts} strings"),
            ours: format!("{ours:.1} ns"),
            peer: format!("{peer:.1} ns"),
            ratio: peer / ours,
            target: Target::AtLeast(RATIO_MIN),
        });
    }
    Ok(rows)
}

/// Reads all frames.
type ReadAll = fn(&[String]) -> Sums;

/// What all trades add up to, so that two readers can be compared.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    trades: usize,
    cents: u64,
    volume: u64,
    millis: u64,
    texts: usize,
}

pub(crate) fn subscriptions(symbols: u32) -> Names {
    let mut names = Names::new();
    for symbol in 0..symbols {
        names.intern(&name(symbol));
    }
    names
}

/// Decodes a frame; its trades are added to the batch.
pub(crate) fn decode(frame: &str, subscribed: &Names, intake: &mut Intake) -> anyhow::Result<()> {
    let rules = FrameRules {
        now: i64::MAX,
        subscribed: Some(subscribed),
    };
    let kind = finnhub::decode(frame.as_bytes(), &rules, intake).context("a frame")?;
    ensure!(kind == FrameKind::Trades, "a frame of {kind:?}");
    Ok(())
}

fn decode_all(frames: &[String], subscribed: &Names) -> Sums {
    let (mut intake, mut sums) = (Intake::default(), Sums::default());
    for frame in frames {
        if intake.batch.trades.len() >= BATCH_TRADES {
            intake.batch.clear();
        }
        let known = intake.batch.trades.len();
        decode(frame, subscribed, &mut intake).expect("our own frames");
        for trade in &intake.batch.trades[known..] {
            sums.trades += 1;
            sums.cents += trade.price.mantissa() * [100, 10, 1][usize::from(trade.price.scale())];
            sums.volume += trade.size.mantissa();
            sums.millis += trade.ts_event.cast_unsigned() / 1_000_000;
            sums.texts += intake.batch.names.get(trade.symbol).len();
        }
    }
    sums
}
