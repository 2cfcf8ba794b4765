//! An analyzer that is made up: points of several series in the order of their emission.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use stock_up_core::{Decimal, Metrics, Point, Span, Status, SymbolId, Volume};
use stock_up_io::store::{
    Commit, NewPoint, PointRow, Progress, SeriesFilter, SeriesQuery, Store, StoreReader,
};

pub(crate) const SECOND: i64 = 1_000_000_000;

/// A point by its symbol; its place in the list is its emission number.
pub(crate) type Emitted = (String, Point);

pub(crate) fn point(window: u32, time: i64, revision: u32, seed: u64) -> Point {
    let price = |add: u64| Decimal::new(16_742 + seed % 97 + add, 2).ok();
    let metrics = if seed.is_multiple_of(11) {
        Metrics::EMPTY
    } else {
        Metrics {
            transactions: seed % 500,
            volume: Volume::parse(&format!("{}.5", seed % 10_000)).unwrap(),
            last_price: price(5),
            min_price: price(0),
            max_price: price(9),
            mean_price: Some(167.0 + f64::from(u32::try_from(seed % 1_000).unwrap()) / 1_000.0),
            vwap: Some(167.25),
            variance: None,
        }
    };
    let status = Status::ALL[usize::try_from(seed / 7 % 5).unwrap()];
    Point {
        symbol: SymbolId(0),
        window: Span::from_secs(window),
        time,
        revision,
        status,
        coverage: if status == Status::Complete {
            1.0
        } else {
            f64::from(u32::try_from(seed % 100).unwrap()) / 100.0
        },
        metrics,
    }
}

/// `seconds` of every series of `symbols` symbols and two windows, some points again a little
/// later.
pub(crate) fn run(symbols: u32, seconds: i64) -> Vec<Emitted> {
    let mut all = Vec::new();
    let series = (0..symbols).flat_map(|symbol| [(symbol, 60), (symbol, 300)]);
    for (second, (symbol, window)) in
        (1..=seconds).flat_map(|second| series.clone().map(move |series| (second, series)))
    {
        let seed = (second.cast_unsigned() * 31 + u64::from(symbol)) * 17 + u64::from(window);
        let name = format!("S{symbol}");
        all.push((name.clone(), point(window, second * SECOND, 0, seed)));
        if seed % 13 == 0 && second > 5 {
            let time = (second - 5) * SECOND;
            all.push((name, point(window, time, 1, seed + 1)));
        }
    }
    all
}

/// Commits `all[done..upto]` as an analyzer does whose position in the log is `upto`.
pub(crate) fn commit(store: &mut Store, all: &[Emitted], done: usize, upto: usize) {
    let points: Vec<_> = (done as u64..)
        .zip(&all[done..upto])
        .map(|(emission, (symbol, point))| NewPoint {
            emission,
            symbol,
            point,
        })
        .collect();
    let state = format!("state at {upto}");
    let progress = Progress {
        position: upto as u64,
        state: state.as_bytes(),
        points: &points,
        next_emission: upto as u64,
    };
    let commit = Commit {
        gaps: &[],
        progress: Some(progress),
        ..Commit::default()
    };
    store.commit(&commit).unwrap();
}

/// Commits everything in pieces of `size`.
pub(crate) fn commit_all(store: &mut Store, all: &[Emitted], size: usize) {
    for start in (0..all.len()).step_by(size) {
        commit(store, all, start, (start + size).min(all.len()));
    }
}

pub(crate) fn rows(all: &[Emitted]) -> Vec<PointRow> {
    (0..)
        .zip(all)
        .map(|(emission, (symbol, point))| PointRow {
            emission,
            symbol: symbol.as_str().into(),
            point: point.clone(),
        })
        .collect()
}

pub(crate) fn export(dir: &Path, filter: &SeriesFilter<'_>) -> Vec<PointRow> {
    let mut rows = Vec::new();
    StoreReader::open(dir)
        .unwrap()
        .export_series(filter, |row| {
            rows.push(row);
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

/// What [`StoreReader::series`] says it returns, in the plainest way.
pub(crate) fn naive(all: &[Emitted], query: &SeriesQuery<'_>) -> (Vec<Point>, bool) {
    let mut latest = BTreeMap::new();
    for (symbol, point) in all {
        let wanted = symbol == query.symbol && point.window == query.window;
        if wanted && point.time >= query.from && point.time <= query.to {
            latest.insert(point.time, point.clone());
        }
    }
    let mut points: Vec<Point> = Vec::new();
    for (_, mut point) in latest {
        if let (Some(step), Some(last)) = (query.step, points.last()) {
            let step_of = |time: i64| (time - 1).div_euclid(step.ns());
            if step_of(last.time) == step_of(point.time) {
                point.status = point.status.max(last.status);
                point.coverage = point.coverage.min(last.coverage);
                points.pop();
            }
        }
        points.push(point);
    }
    let surplus = points.len().saturating_sub(query.limit);
    points.drain(..surplus);
    (points, surplus > 0)
}
