//! What is stored for the dashboards: half a minute of two symbols in two windows, each value
//! different, with a gap and with a window that is empty for a while.

use serde_json::{Value, json};
use stock_up_core::{Decimal, Metrics, Point, Span, Status, SymbolId, Volume};
use stock_up_io::text::{Format, VolumeField};

use super::influxdb::Sample;

/// The second has every character that means something in a regular expression or a line.
pub(crate) const SYMBOLS: [&str; 2] = ["SPY", r"BRK.B/U (x|y)^$*+?[1]{2},=é"];
/// In seconds; the layout `seed` knows only the first.
pub(crate) const WINDOWS: [u32; 2] = [60, 300];
pub(crate) const GRID_MS: i64 = 1_000;

const START_MS: i64 = 1_700_000_000_000;
const COUNT: i64 = 30;
/// The grid points that the second symbol's feed missed.
const GAP: std::ops::Range<i64> = 8..15;
/// The grid points whose windows hold no trade.
const EMPTY: std::ops::Range<i64> = 20..25;

/// The first and the last grid time.
pub(crate) fn range_ms() -> (i64, i64) {
    (START_MS, START_MS + (COUNT - 1) * GRID_MS)
}

/// The starts of the spans of 10 s that hold a gap.
pub(crate) fn gap_times_ms() -> Vec<i64> {
    let mut times: Vec<i64> = GAP
        .map(|index| (START_MS + index * GRID_MS) / 10_000 * 10_000)
        .collect();
    times.dedup();
    times
}

/// All points as the layout `wide` writes them.
pub(crate) fn wide() -> Vec<u8> {
    written(Format::InfluxWide, &WINDOWS)
}

/// Those of the first window as the layout `seed` writes them.
pub(crate) fn seed() -> Vec<u8> {
    written(Format::InfluxSeed(VolumeField::Integer), &WINDOWS[..1])
}

fn written(format: Format, windows: &[u32]) -> Vec<u8> {
    let mut lines = Vec::new();
    for symbol in SYMBOLS {
        for &window in windows {
            for index in 0..COUNT {
                let point = point(symbol, window, index);
                format.write_point(&point, symbol, &mut lines).unwrap();
            }
        }
    }
    lines
}

/// What a query of `field` shows: a value for each grid time, null where there is none.
pub(crate) fn values(symbol: &str, window: u32, field: &str) -> Vec<Sample> {
    let sample = |index| {
        let point = point(symbol, window, index);
        (START_MS + index * GRID_MS, value(&point, field))
    };
    (0..COUNT).map(sample).collect()
}

fn value(point: &Point, field: &str) -> Value {
    let metrics = &point.metrics;
    let number = |price: Option<Decimal>| price.map(|price| price.to_string().parse::<f64>());
    match field {
        "transactions" => json!(metrics.transactions),
        "volume" => json!(metrics.volume.to_i64().unwrap()),
        "last_price" => json!(number(metrics.last_price).map(Result::unwrap)),
        "min_price" => json!(number(metrics.min_price).map(Result::unwrap)),
        "max_price" => json!(number(metrics.max_price).map(Result::unwrap)),
        "avg_price_trans" => json!(metrics.mean_price),
        "avg_price_volume" => json!(metrics.vwap),
        "variance" => json!(metrics.variance),
        "status" => json!(point.status.name()),
        "coverage" => json!(point.coverage),
        "revision" => json!(point.revision),
        other => panic!("`{other}` is no field of a point"),
    }
}

fn point(symbol: &str, window: u32, index: i64) -> Point {
    let first = symbol == SYMBOLS[0];
    let in_gap = !first && GAP.contains(&index);
    // Different for each point, so that a value of another point is seen.
    let offset = if first { 0 } else { 1_000 };
    let base = u64::try_from(index).unwrap() + u64::from(window) + offset;
    Point {
        symbol: SymbolId(0),
        window: Span::from_secs(window),
        time: (START_MS + index * GRID_MS) * 1_000_000,
        revision: u32::try_from(base % 7).unwrap(),
        status: if in_gap {
            Status::Gap
        } else {
            Status::Complete
        },
        coverage: if in_gap { 0.75 } else { 1.0 },
        metrics: if EMPTY.contains(&index) {
            Metrics::EMPTY
        } else {
            metrics(base)
        },
    }
}

fn metrics(base: u64) -> Metrics {
    let price = |cents: u64| Some(Decimal::parse(format!("{base}.{cents}").as_bytes()).unwrap());
    let base_f64 = f64::from(u32::try_from(base).unwrap());
    Metrics {
        transactions: base,
        volume: Volume::parse(&format!("{base}00")).unwrap(),
        last_price: price(25),
        min_price: price(11),
        max_price: price(75),
        mean_price: Some(base_f64 + 0.3),
        vwap: Some(base_f64 + 0.4),
        variance: Some(base_f64 / 1e4),
    }
}
