//! Part `engine`: the analyzer fed from memory, a point after every trade, beside a yardstick.

mod ours;
mod yardstick;

use std::hint::black_box;
use std::time::Duration;

use anyhow::ensure;

use crate::measure::{best_of_each, ns_per, time};
use crate::row::{Row, Target};
use crate::tape::{Print, Tape};
use ours::Ours;
use yardstick::{Numbers, Yardstick};

/// 400 s of a market: the windows are full after the first 60.
const TRADES: usize = 2_000_000;
const ROUNDS: u32 = 7;
/// Trades that are written, then timed: few enough to be still in the cache, as a frame that has
/// just been decoded is, and enough that reading the time is no part of it.
const PIECE: usize = 2_000;
/// The steady state begins: windows have been full for two minutes.
const WARM: usize = 900_000;

/// Our time to that of the yardstick.
const RATIO_MAX: f64 = 1.5;
/// What 5,000 symbols cost to what 100 do.
const GROWTH_MAX: f64 = 2.0;
const BYTES_PER_TRADE_MAX: f64 = 48.0;
/// None per trade; what is left are queues that grow by a record spread of prices.
const ALLOCATIONS_PER_THOUSAND_MAX: f64 = 1.0;
const STEP_MS_MAX: f64 = 2.0;

pub(crate) fn run() -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut costs = Vec::new();
    for symbols in [1, 100, 5_000] {
        let prints: Vec<Print> = Tape::new(symbols).take(TRADES).collect();
        let names = ours::names(symbols);
        let batches = ours::batches(&prints, &names);
        agree(symbols, &prints, &batches)?;
        let (ours, peer) = best_of_each(
            ROUNDS,
            || Ours::time_pieces(&prints, &names),
            || time_yardstick(symbols, &prints),
        );
        let (ours, peer) = (ns_per(ours, TRADES), ns_per(peer, TRADES));
        costs.push((symbols, ours));
        rows.push(Row {
            name: format!("engine, {symbols} symbols: ns/trade to yardstick"),
            ours: format!("{ours:.1} ns"),
            peer: format!("{peer:.1} ns"),
            ratio: ours / peer,
            target: Target::AtMost(RATIO_MAX),
        });
        rows.extend(memory(symbols, &batches)?);
        rows.push(worst_step(symbols, &prints, &names));
    }
    rows.push(growth(&costs));
    Ok(rows)
}

/// Time that the yardstick takes, a piece at a time, each just written.
///
/// All numbers of all rows are folded into one.
fn time_yardstick(symbols: u32, prints: &[Print]) -> Duration {
    let mut yardstick = Yardstick::new(symbols);
    let (mut written, mut sum) = (Vec::with_capacity(PIECE), 0);
    let mut spent = Duration::ZERO;
    for piece in prints.chunks(PIECE) {
        written.clear();
        written.extend_from_slice(piece);
        spent += time(|| {
            for print in &written {
                sum = fold(sum, &yardstick.trade(print));
            }
        });
    }
    black_box(sum);
    spent
}

fn fold(sum: u64, numbers: &Numbers) -> u64 {
    let Numbers {
        transactions,
        volume,
        last,
        min,
        max,
        mean,
        vwap,
        variance,
    } = *numbers;
    [last, min, max, mean, vwap, variance]
        .iter()
        .fold(sum + transactions + volume, |sum, number| {
            sum.wrapping_add(number.to_bits())
        })
}

/// Whether both say the same after every trade.
fn agree(
    symbols: u32,
    prints: &[Print],
    batches: &[stock_up_core::TradeBatch],
) -> anyhow::Result<()> {
    let mut yardstick = Yardstick::new(symbols);
    let mut expected = prints.iter().map(|print| yardstick.trade(print));
    let mut compared = 0;
    Ours::new().each_point(batches, |point| {
        let expected = expected.next().expect("a row for every trade");
        // Texts of exact numbers take long: one in a few rows is enough.
        if compared % 7 == 0 {
            ours::compare(point, &expected)?;
        }
        compared += 1;
        Ok(())
    })?;
    ensure!(
        compared == prints.len(),
        "{compared} points for {} trades",
        prints.len()
    );
    eprintln!("    {symbols} symbols: the numbers agree");
    Ok(())
}

/// Bytes held and allocations made, as the allocator sees them.
fn memory(symbols: u32, batches: &[stock_up_core::TradeBatch]) -> anyhow::Result<Vec<Row>> {
    let (warm, steady) = batches.split_at(WARM / ours::BATCH);
    let mut ours = Ours::new();
    let mut steady_allocations = 0;
    let held = allocation_counter::measure(|| {
        ours.feed(warm);
        let info = allocation_counter::measure(|| {
            ours.feed(steady);
        });
        steady_allocations = info.count_total;
    });
    let trades = ours.analyzer.held_trades() as f64;
    let counted = held.bytes_current as f64 / trades;
    let said = ours.analyzer.heap_bytes() as f64 / trades;
    ensure!(
        (counted / said - 1.0).abs() < 0.2,
        "heap_bytes() says {said:.1} B per trade, the allocator {counted:.1}"
    );
    let per_thousand = steady_allocations as f64 * 1000.0 / (steady.len() * ours::BATCH) as f64;
    Ok(vec![
        Row {
            name: format!("engine, {symbols} symbols: bytes per held trade"),
            ours: format!("{counted:.1} B"),
            peer: "-".to_owned(),
            ratio: counted,
            target: Target::AtMost(BYTES_PER_TRADE_MAX),
        },
        Row {
            name: format!("engine, {symbols} symbols: allocations per 1,000 trades"),
            ours: format!("{per_thousand:.3}"),
            peer: "-".to_owned(),
            ratio: per_thousand,
            target: Target::AtMost(ALLOCATIONS_PER_THOUSAND_MAX),
        },
    ])
}

/// The longest that any one trade takes while the windows fill and hold about 300,000 of them.
fn worst_step(symbols: u32, prints: &[Print], names: &[String]) -> Row {
    let batches = ours::batches_of(1, prints, names);
    // An interrupt of the machine also counts for the thread that it hits: the best run has fewest.
    let worst = (0..3).map(|_| Ours::new().worst_step(&batches)).min();
    let worst_ms = worst.unwrap_or_default().as_secs_f64() * 1e3;
    Row {
        name: format!("engine, {symbols} symbols: worst single trade"),
        ours: format!("{worst_ms:.2} ms"),
        peer: "-".to_owned(),
        ratio: worst_ms,
        target: Target::AtMost(STEP_MS_MAX),
    }
}

fn growth(costs: &[(u32, f64)]) -> Row {
    let cost = |symbols: u32| {
        let found = costs.iter().find(|(of, _)| *of == symbols);
        found.map_or(f64::NAN, |(_, ns)| *ns)
    };
    let (few, many) = (cost(100), cost(5_000));
    Row {
        name: "engine: 5,000 symbols to 100".to_owned(),
        ours: format!("{many:.1} ns"),
        peer: format!("{few:.1} ns"),
        ratio: many / few,
        target: Target::AtMost(GROWTH_MAX),
    }
}
