//! A served tape as fast as it goes, until the database holds every point.

use std::time::Duration;

use super::roles::{APPLIED, Roles};
use super::transport::Transport;
use crate::http::{metric, wait};
use crate::program::Program;
use crate::row::{Row, Target};
use crate::scratch::Scratch;
use crate::tape_file;

/// 1,000 s of a market; a minute of full windows for each of ours, and more.
const TRADES: usize = 5_000_000;
const SYMBOLS: u32 = 100;
const PATIENCE: Duration = Duration::from_mins(3);

pub(super) fn measure(transport: &Transport) -> anyhow::Result<Row> {
    let scratch = Scratch::new("stack")?;
    let tape = scratch.path().join("tape.csv");
    tape_file::write(&tape, SYMBOLS, TRADES)?;
    let venue = venue(&tape.to_string_lossy())?;
    let to = (venue.address, transport.influxdb.as_str());
    let mut roles = Roles::start(transport, to, (SYMBOLS, &scratch.path().join("rate")))?;
    wait(&mut roles.analyze, PATIENCE, |address| {
        let applied = metric(address, APPLIED).ok();
        applied.filter(|count| *count >= TRADES as u64)
    })?;
    let points = roles.wait_until_stored(PATIENCE)?;
    // From the start of collect: its way to venue and broker counts as well.
    let took = roles.began.elapsed();
    eprintln!("    {points} points stored after {took:.1?}");
    let rate = TRADES as f64 / took.as_secs_f64();
    Ok(Row::alone(
        format!("stack, {}: trades/s from frame to InfluxDB", transport.name),
        format!("{:.0} k/s", rate / 1e3),
        rate,
        Target::AtLeast(transport.rate_min),
    ))
}

/// It has one connection: each run needs its own. Finnhub's limit of 50 symbols is lifted.
fn venue(tape: &str) -> anyhow::Result<Program> {
    Program::start(
        [
            "venue",
            "serve",
            "--tape",
            tape,
            "--listen",
            "127.0.0.1:0",
            "--speed",
            "max",
            "--max-symbols",
            &SYMBOLS.to_string(),
        ],
        &[],
    )
}
