//! `verify`: looks at every byte of a data directory and changes nothing.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use stock_up_io::store::{FILE_NAME, StoreReader};
use stock_up_log::VerifyReport;

use super::value::shown_time;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::progress::Bar;
use crate::replay::{Entry, Records};

/// Most problems with records that are told.
const MAX_PROBLEMS: usize = 100;

const EXAMPLES: &str = "\
Example:
  stock-up verify data

Exit codes: 0 sound, 1 damaged, 3 unreadable.";

/// Checks a data directory: the log, every record in it, and the store
///
/// Changes nothing, and works while stock-up runs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct VerifyArgs {
    /// The data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Does `verify`.
pub(super) fn verify(args: &VerifyArgs) -> Outcome {
    let dir = DataDir::open(&args.dir)?;
    dir.source_id()?;
    let mut out = io::stdout().lock();
    let mut problems = Vec::new();
    let log = stock_up_log::verify(dir.log()).map_err(Failure::data_dir)?;
    tell_log(&log, &mut out)?;
    let damages = log.damages.iter().map(|at| {
        format!(
            "segment `{}` at offset {}: {}",
            at.segment.display(),
            at.offset,
            at.damage
        )
    });
    problems.extend(damages);
    if log.is_sound() {
        let records = check_records(&dir, &mut problems)?;
        writeln!(out, "records: {records} read")?;
    } else {
        writeln!(out, "records: not read, because the log is damaged")?;
    }
    let store = check_store(&dir, log.end_seq, &mut problems, &mut out);
    for problem in &problems {
        writeln!(out, "damaged: {problem}")?;
    }
    out.flush()?;
    // What could not be read is told only where nothing worse is known.
    if problems.is_empty() {
        return store;
    }
    let count = problems.len();
    Err(anyhow!(
        "data directory `{}` is damaged in {count} place{}; restore it from a copy, or move it \
         away and begin a new one",
        dir.path().display(),
        if count == 1 { "" } else { "s" },
    )
    .into())
}

fn tell_log(report: &VerifyReport, out: &mut impl Write) -> io::Result<()> {
    let first = report.first_seq.unwrap_or(report.end_seq);
    writeln!(
        out,
        "log: {} segments, {} bytes, {} frames with the numbers {first} up to {}",
        report.segments, report.bytes, report.frames, report.end_seq,
    )?;
    if let Some((least, most)) = report.times {
        writeln!(
            out,
            "log: received {} to {}",
            shown_time(least),
            shown_time(most)
        )?;
    }
    if report.torn_bytes > 0 {
        let torn = report.torn_bytes;
        writeln!(
            out,
            "log: {torn} unfinished bytes at the end, as a crash leaves them; no damage"
        )?;
    }
    Ok(())
}

/// Reads every record and says how many.
fn check_records(dir: &DataDir, problems: &mut Vec<String>) -> Outcome<u64> {
    let mut count = 0;
    Records::open(dir, Bar::Allowed)?.each_entry(|entry| {
        count += 1;
        if problems.len() < MAX_PROBLEMS {
            problems.extend(problem_of(&entry));
        }
        Ok(())
    })?;
    Ok(count)
}

fn problem_of(entry: &Entry<'_>) -> Option<String> {
    let seq = entry.seq;
    match &entry.record {
        Ok(record) if record.count() == entry.count => None,
        Ok(record) => Some(format!(
            "record {seq} takes {} numbers, what it holds takes {}",
            entry.count,
            record.count()
        )),
        Err(error) => Some(format!("record {seq}: {}", chain(error))),
    }
}

fn check_store(
    dir: &DataDir,
    log_end: u64,
    problems: &mut Vec<String>,
    out: &mut impl Write,
) -> Outcome {
    if !dir.path().join(FILE_NAME).exists() {
        writeln!(out, "store: none; it is made from the log")?;
        return Ok(());
    }
    let store = StoreReader::open(dir.path()).map_err(Failure::data_dir)?;
    match store.verify() {
        Ok(report) => {
            writeln!(
                out,
                "store: {} points in {} chunks",
                report.points, report.chunks
            )?;
            problems.extend(
                report
                    .problems
                    .into_iter()
                    .map(|problem| format!("store: {problem}")),
            );
        }
        Err(error) => problems.push(chain(&error)),
    }
    if let Ok(Some(checkpoint)) = store.checkpoint()
        && checkpoint.position > log_end
    {
        problems.push(format!(
            "store: its checkpoint is at {}, but the log ends at {log_end}; they do not belong together",
            checkpoint.position
        ));
    }
    Ok(())
}

/// An error and its causes on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
