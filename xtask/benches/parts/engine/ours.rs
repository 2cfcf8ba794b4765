//! The analyzer as the bench feeds it.

use std::hint::black_box;
use std::time::Duration;

use anyhow::ensure;
use stock_up_core::{
    Analyzer, AnalyzerSettings, Clock, Decimal, Emission, FeedChange, FeedEvent, Point, Record,
    TradeBatch,
};

use super::PIECE;
use super::yardstick::Numbers;
use crate::measure::{cpu_time, time};
use crate::tape::{Print, name};

/// Trades that arrive together.
pub(super) const BATCH: usize = 50;

/// Both divide once; the yardstick rounds the two numbers of its variance before.
const VARIANCE_ERROR_MAX: f64 = 1e-14;

/// An analyzer with one 60 s window, as after the head of a recorded tape.
pub(super) struct Ours {
    pub(super) analyzer: Analyzer,
    points: Vec<Point>,
}

impl Ours {
    pub(super) fn new() -> Self {
        let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Emission::Trade, 0);
        let mut points = Vec::new();
        for event in [
            FeedEvent::Clock(Clock::Event),
            FeedEvent::Subscribed(Vec::new()),
        ] {
            let change = FeedChange {
                at: 0,
                ts_recv: 0,
                event,
            };
            let position = analyzer.position();
            analyzer
                .apply(position, &Record::Feed(change), &mut points)
                .expect("the next record");
        }
        Self { analyzer, points }
    }

    /// Applies all batches.
    pub(super) fn feed(&mut self, batches: &[TradeBatch]) {
        for batch in batches {
            self.apply(batch);
            black_box(&self.points);
        }
    }

    /// Time that it takes to apply a tape, a piece at a time, each just written.
    pub(super) fn time_pieces(prints: &[Print], names: &[String]) -> Duration {
        let mut ours = Self::new();
        let mut batches = vec![TradeBatch::default(); PIECE / BATCH];
        let mut spent = Duration::ZERO;
        for piece in prints.chunks(PIECE) {
            for (batch, prints) in batches.iter_mut().zip(piece.chunks(BATCH)) {
                fill(batch, prints, names);
            }
            spent += time(|| ours.feed(&batches));
        }
        spent
    }

    /// Applies all batches and shows every point.
    pub(super) fn each_point(
        &mut self,
        batches: &[TradeBatch],
        mut see: impl FnMut(&Point) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for batch in batches {
            self.apply(batch);
            self.points.iter().try_for_each(&mut see)?;
        }
        Ok(())
    }

    /// The longest time that one batch took.
    pub(super) fn worst_step(&mut self, batches: &[TradeBatch]) -> Duration {
        let step = |batch| {
            let start = cpu_time();
            self.apply(batch);
            cpu_time().saturating_sub(start)
        };
        batches.iter().map(step).max().unwrap_or_default()
    }

    fn apply(&mut self, batch: &TradeBatch) {
        self.points.clear();
        let position = self.analyzer.position();
        self.analyzer
            .apply_trades(position, batch, &mut self.points)
            .expect("the next record");
    }
}

/// The tape as batches with a dictionary each, as the log gives them.
pub(super) fn batches(prints: &[Print], names: &[String]) -> Vec<TradeBatch> {
    batches_of(BATCH, prints, names)
}

pub(super) fn batches_of(size: usize, prints: &[Print], names: &[String]) -> Vec<TradeBatch> {
    let batch = |prints: &[Print]| {
        let mut batch = TradeBatch::default();
        fill(&mut batch, prints, names);
        batch
    };
    prints.chunks(size).map(batch).collect()
}

/// What the symbols of a tape are called, by their numbers.
pub(super) fn names(symbols: u32) -> Vec<String> {
    (0..symbols).map(name).collect()
}

/// Writes trades into a batch, as a decoder does.
fn fill(batch: &mut TradeBatch, prints: &[Print], names: &[String]) {
    batch.clear();
    for print in prints {
        let price = Decimal::new(u64::from(print.cents), 2).expect("a price in range");
        let size = Decimal::new(u64::from(print.size), 0).expect("a size in range");
        let name = &names[print.symbol as usize];
        batch.push(name, print.time_ms * 1_000_000, (price, size), "");
    }
}

/// Whether a point says what the yardstick says.
pub(super) fn compare(point: &Point, expected: &Numbers) -> anyhow::Result<()> {
    let metrics = &point.metrics;
    let float = |price: Option<Decimal>| {
        let text = price.expect("a window with a trade").to_string();
        text.parse::<f64>().expect("a decimal is a number")
    };
    let ours = Numbers {
        transactions: metrics.transactions,
        volume: metrics.volume.to_i64().map_or(0, i64::cast_unsigned),
        last: float(metrics.last_price),
        min: float(metrics.min_price),
        max: float(metrics.max_price),
        mean: metrics.mean_price.expect("a window with a trade"),
        vwap: metrics.vwap.expect("a window with a trade"),
        variance: expected.variance,
    };
    let variance = metrics.variance.expect("a window with a trade");
    let error = (variance - expected.variance).abs();
    ensure!(
        ours == *expected && error <= expected.variance * VARIANCE_ERROR_MAX,
        "the analyzer says {metrics:?}, the yardstick {expected:?}"
    );
    Ok(())
}
