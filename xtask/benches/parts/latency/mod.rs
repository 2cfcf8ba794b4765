//! Part `latency`: from a frame that a venue sends to the row that a page receives, and what the
//! program costs meanwhile.
//!
//! Every push of rows is as old as the newest trade that it shows: from the moment at which the
//! frame with that trade was given to the socket to the moment at which the last byte of the event
//! was read. Pushes come ten times a second, so older trades of the same push waited for it; their
//! figure is given too.

mod reader;
mod sent;
mod venue;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::ensure;

use crate::measure::{now, quantile};
use crate::program::Program;
use crate::row::{Row, Target};
use crate::scratch::Scratch;
use crate::tape::name;
use reader::Ages;
pub(crate) use sent::Sent;
pub(crate) use venue::Venue;

/// 25 trades each 5 ms: 5,000 a second.
const FRAME_DISTANCE: Duration = Duration::from_millis(5);
/// The windows are full when the measurement begins.
const WARM: Duration = Duration::from_secs(65);
const MEASURED: Duration = Duration::from_secs(20);

const P50_MS_MAX: f64 = 5.0;
const P99_MS_MAX: f64 = 25.0;
/// The goals above and the distance of two pushes.
const PACED_P99_MS_MAX: f64 = 125.0;
const CORE_PERCENT_MAX: f64 = 10.0;
const MEGABYTES_MAX: f64 = 128.0;

pub(crate) fn run() -> anyhow::Result<Vec<Row>> {
    let mut rows = measure(100)?;
    rows.extend(measure(5_000)?);
    Ok(rows)
}

fn measure(symbols: u32) -> anyhow::Result<Vec<Row>> {
    let scratch = Scratch::new("latency")?;
    let data = scratch.path().join("data").to_string_lossy().into_owned();
    let (sent, stop) = (Arc::new(Sent::default()), Arc::new(AtomicBool::new(false)));
    let load = (symbols, FRAME_DISTANCE);
    let venue = Venue::start(load, Arc::clone(&sent), Arc::clone(&stop))?;
    let names: Vec<String> = (0..symbols).map(name).collect();
    let mut run = Program::start(
        [
            "run",
            "--venue",
            "finnhub",
            "--data-dir",
            &data,
            "--listen",
            "127.0.0.1:0",
            "--symbols",
            &names.join(","),
        ],
        &[
            ("QUOTE_SERVER", format!("ws://{}", venue.address)),
            ("QUOTE_API_TOKEN", "bench".to_owned()),
            ("STOCK_UP__VENUE__MAX_SYMBOLS", symbols.to_string()),
        ],
    )?;
    let reading = reader::start(run.address, Arc::clone(&sent), Arc::clone(&stop))?;
    thread::sleep(WARM);
    run.check_alive()?;
    let (begin, before) = (now(), run.cpu_time()?);
    thread::sleep(MEASURED);
    let (took, spent) = (begin.elapsed(), run.cpu_time()?.saturating_sub(before));
    let megabytes = run.peak_megabytes()?;
    stop.store(true, Ordering::Relaxed);
    let ages = reading.join().expect("the reader does not panic")?;
    venue.finish()?;
    run.check_alive()?;
    let ages = ages.since(begin);
    ensure!(ages.newest.len() > 50, "only {} pushes", ages.newest.len());
    let percent = spent.as_secs_f64() / took.as_secs_f64() * 100.0;
    Ok(shown(symbols, &ages, percent, megabytes))
}

fn shown(symbols: u32, ages: &Ages, percent: f64, megabytes: f64) -> Vec<Row> {
    let millis = |name: &str, age: Duration, bound: f64| {
        let millis = age.as_secs_f64() * 1e3;
        Row::alone(
            format!("latency, {symbols} symbols: {name}"),
            format!("{millis:.1} ms"),
            millis,
            Target::AtMost(bound),
        )
    };
    let newest = |share| quantile(&ages.newest, share);
    vec![
        millis("frame to page, p50", newest(0.5), P50_MS_MAX),
        millis("frame to page, p99", newest(0.99), P99_MS_MAX),
        millis(
            "the same of every row, its wait for the push included, p99",
            quantile(&ages.all, 0.99),
            PACED_P99_MS_MAX,
        ),
        Row::alone(
            format!("latency, {symbols} symbols: processor, % of a core"),
            format!("{percent:.1} %"),
            percent,
            Target::AtMost(CORE_PERCENT_MAX),
        ),
        Row::alone(
            format!("latency, {symbols} symbols: resident memory, MB"),
            format!("{megabytes:.0} MB"),
            megabytes,
            Target::AtMost(MEGABYTES_MAX),
        ),
    ]
}
