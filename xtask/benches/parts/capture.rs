//! Part `capture`: a served tape through a websocket into log, points and store, as fast as it
//! goes; the sender works on the same cores.

use std::time::Duration;

use anyhow::ensure;

use crate::http::{metric, wait};
use crate::measure::now;
use crate::program::Program;
use crate::row::{Row, Target};
use crate::scratch::Scratch;
use crate::tape::name;
use crate::tape_file;

const TRADES: usize = 10_000_000;
const SYMBOLS: u32 = 40;
const ROUNDS: u32 = 2;
const PATIENCE: Duration = Duration::from_mins(2);

/// Trades per second.
const SPEED_MIN: f64 = 500_000.0;

const APPLIED: &str = "stock_up_trades_applied_total";

pub(crate) fn run() -> anyhow::Result<Vec<Row>> {
    let scratch = Scratch::new("capture")?;
    let tape = scratch.path().join("tape.csv");
    tape_file::write(&tape, SYMBOLS, TRADES)?;
    let mut best = Duration::MAX;
    for round in 0..ROUNDS {
        let data = scratch.path().join(format!("data-{round}"));
        best = best.min(capture(&tape.to_string_lossy(), &data.to_string_lossy())?);
    }
    let speed = TRADES as f64 / best.as_secs_f64();
    Ok(vec![Row::alone(
        "capture: trades/s from websocket to log, points and store",
        format!("{:.0} k/s", speed / 1e3),
        speed,
        Target::AtLeast(SPEED_MIN),
    )])
}

/// From the first trade that is analysed to the last.
fn capture(tape: &str, data: &str) -> anyhow::Result<Duration> {
    let venue = Program::start(
        [
            "venue",
            "serve",
            "--tape",
            tape,
            "--listen",
            "127.0.0.1:0",
            "--speed",
            "max",
        ],
        &[],
    )?;
    let symbols: Vec<String> = (0..SYMBOLS).map(name).collect();
    let mut run = Program::start(
        [
            "run",
            "--venue",
            "finnhub",
            "--data-dir",
            data,
            "--listen",
            "127.0.0.1:0",
            "--until-idle",
            "2s",
            "--symbols",
            &symbols.join(","),
        ],
        &variables(&venue),
    )?;
    let applied = |address| metric(address, APPLIED).ok();
    wait(&mut run, PATIENCE, |address| {
        applied(address).filter(|count| *count > 0)
    })?;
    let start = now();
    wait(&mut run, PATIENCE, |address| {
        applied(address).filter(|count| *count >= TRADES as u64)
    })?;
    let took = start.elapsed();
    // It ends well only when everything is in the store.
    run.finish()?;
    ensure!(took > Duration::ZERO, "no time passed");
    Ok(took)
}

/// What leads `stock-up run` to a local venue.
pub(crate) fn variables(venue: &Program) -> Vec<(&'static str, String)> {
    vec![
        ("QUOTE_SERVER", format!("ws://{}", venue.address)),
        ("QUOTE_API_TOKEN", "bench".to_owned()),
    ]
}
