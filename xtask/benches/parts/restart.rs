//! Part `restart`: how long until windows are whole again after `kill -9`.

use std::time::Duration;

use anyhow::ensure;
use serde_json::Value;

use crate::capture::variables;
use crate::http::{get, metric, wait};
use crate::measure::now;
use crate::program::Program;
use crate::row::{Row, Target};
use crate::scratch::Scratch;
use crate::tape::name;
use crate::tape_file;

/// 100 s of 5,000 trades: the last minute holds 300,000.
const TRADES: usize = 500_000;
const HELD_MIN: u64 = 290_000;
const SYMBOLS: u32 = 40;
const ROUNDS: usize = 3;
const PATIENCE: Duration = Duration::from_mins(1);

const SECONDS_MAX: f64 = 1.0;

pub(crate) fn run() -> anyhow::Result<Vec<Row>> {
    let scratch = Scratch::new("restart")?;
    let tape = scratch.path().join("tape.csv");
    tape_file::write(&tape, SYMBOLS, TRADES)?;
    let tape = tape.to_string_lossy().into_owned();
    let data = scratch.path().join("data").to_string_lossy().into_owned();
    let venue = Program::start(
        [
            "venue",
            "serve",
            "--tape",
            &tape,
            "--listen",
            "127.0.0.1:0",
            "--speed",
            "max",
        ],
        &[],
    )?;
    let variables = variables(&venue);
    let start = || {
        let symbols: Vec<String> = (0..SYMBOLS).map(name).collect();
        let arguments = [
            "run",
            "--venue",
            "finnhub",
            "--data-dir",
            &data,
            "--listen",
            "127.0.0.1:0",
            "--symbols",
            &symbols.join(","),
        ];
        Program::start(arguments, &variables)
    };
    let mut run = start()?;
    wait(&mut run, PATIENCE, |address| {
        let applied = metric(address, "stock_up_trades_applied_total").ok()?;
        (applied >= TRADES as u64).then_some(())
    })?;
    // The slowest counts: a restart is needed when something is wrong already.
    let mut slowest = Duration::ZERO;
    for _ in 0..ROUNDS {
        run.kill()?;
        let begin = now();
        run = start()?;
        wait(&mut run, PATIENCE, |address| {
            (get(address, "/readyz").ok()?.0 == 200).then_some(())
        })?;
        slowest = slowest.max(begin.elapsed());
        let held = held_trades(&run)?;
        ensure!(held >= HELD_MIN, "only {held} trades in the windows");
    }
    Ok(vec![Row::alone(
        "restart: ready after kill -9 with 300,000 trades in the windows",
        format!("{:.3} s", slowest.as_secs_f64()),
        slowest.as_secs_f64(),
        Target::AtMost(SECONDS_MAX),
    )])
}

/// What the 60 s windows hold together, by the API.
fn held_trades(run: &Program) -> anyhow::Result<u64> {
    let (status, body) = get(run.address, "/api/v1/symbols")?;
    ensure!(status == 200, "/api/v1/symbols: {status}");
    let answer: Value = serde_json::from_str(&body)?;
    let symbols = answer["symbols"].as_array().map_or(&[][..], Vec::as_slice);
    let rows = symbols
        .iter()
        .filter_map(|symbol| symbol["rows"].as_array());
    Ok(rows
        .flatten()
        .filter(|row| row["window"] == "60s")
        .filter_map(|row| row["transactions"].as_u64())
        .sum())
}
