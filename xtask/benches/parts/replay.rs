//! Part `replay`: a day of trades from a file to points of a 1 s grid, beside a loop that only
//! splits the same file.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;

use crate::measure::{now, try_best_of_each};
use crate::program::binary;
use crate::row::{Row, Target};
use crate::scratch::Scratch;
use crate::tape_file;

const TRADES: usize = 20_000_000;
const SYMBOLS: u32 = 100;
const ROUNDS: u32 = 3;
/// Fields of a row of the tape.
const FIELDS: usize = 5;

/// Our wall time to that of the loop.
const RATIO_MAX: f64 = 2.0;

pub(crate) fn run() -> anyhow::Result<Vec<Row>> {
    let scratch = Scratch::new("replay")?;
    let tape = scratch.path().join("tape.csv");
    eprintln!("    writing a tape of {TRADES} trades");
    tape_file::write(&tape, SYMBOLS, TRADES)?;
    let series = scratch.path().join("series.csv");
    let (ours, peer) = try_best_of_each(ROUNDS, || replay(&tape, &series), || split(&tape))?;
    let points = fs::read_to_string(&series)?.lines().count() - 1;
    eprintln!("    {points} points");
    let million = |time: Duration| TRADES as f64 / time.as_secs_f64() / 1e6;
    Ok(vec![Row {
        name: "replay: wall time to a loop over the csv crate's byte records".to_owned(),
        ours: format!("{:.2} s, {:.1} M rows/s", ours.as_secs_f64(), million(ours)),
        peer: format!("{:.2} s", peer.as_secs_f64()),
        ratio: ours.as_secs_f64() / peer.as_secs_f64(),
        target: Target::AtMost(RATIO_MAX),
    }])
}

fn replay(tape: &Path, series: &Path) -> anyhow::Result<Duration> {
    let start = now();
    let status = Command::new(binary()?)
        .arg("replay")
        .arg(tape)
        .args(["--emit", "1s", "--output"])
        .arg(series)
        .status()?;
    ensure!(status.success(), "`stock-up replay` ended with {status}");
    Ok(start.elapsed())
}

fn split(tape: &Path) -> anyhow::Result<Duration> {
    let start = now();
    let mut reader = csv::Reader::from_path(tape)?;
    let (mut record, mut fields) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record)? {
        fields += record.len();
    }
    let took = start.elapsed();
    ensure!(fields == TRADES * FIELDS, "{fields} fields");
    Ok(took)
}
