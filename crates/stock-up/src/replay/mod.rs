//! `replay`: trades of files, or the records of a data directory, through the analyzer to text.
//!
//! ```text
//! tapes or records ──pipe──▶ engine ──pipe──▶ sheet ──▶ file or standard output
//! ```
//!
//! Reading, analysing and writing have a thread each, with bounded pipes between them whose loads
//! go round. None of them reads a clock: equal input gives equal bytes.

mod engine;
mod merge;
mod overrides;
mod pipe;
mod records;
mod sheet;
mod tapes;

use std::io::Write;

use stock_up_core::Emission;
use stock_up_io::text::Format;

use engine::Engine;
use sheet::Sheet;

pub(crate) use overrides::Overrides;
pub(crate) use records::{Entry, Records};
pub(crate) use tapes::{Order, Tapes};

use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::progress::{Bar, Progress};

/// What a replay computes and how it is written.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Settings that were given, in place of the defaults or of the log's.
    pub(crate) overrides: Overrides,
    /// On the grid, or after every trade.
    pub(crate) emission: Emission,
    /// The text.
    pub(crate) format: Format,
    /// Whether progress may be shown.
    pub(crate) bar: Bar,
}

/// Replays trade files as one feed without gaps, to its end.
pub(crate) fn replay_tapes(plan: Plan, tapes: Tapes, out: &mut dyn Write) -> Outcome {
    let mut sheet = Sheet::new(plan.format, out);
    let progress = Progress::of_bytes(tapes.total_bytes(), plan.bar);
    let meter = progress.meter();
    let analyze = move |rows: &_| {
        let mut engine = Engine::new(&plan, 0, rows)?;
        engine.begin_tape()?;
        let read = move |batches: &_| tapes.read(batches, &meter);
        pipe::run("read", read, |batch| engine.trades(batch))?;
        engine.end_tape()?;
        engine.finish()
    };
    pipe::run("analyze", analyze, |rows| sheet.write(rows))?;
    sheet.finish()
}

/// Replays the log of a data directory as far as it is durable now.
pub(crate) fn replay_log(plan: Plan, dir: &DataDir, out: &mut dyn Write) -> Outcome {
    let mut sheet = Sheet::new(plan.format, out);
    let records = Records::open(dir, plan.bar)?;
    let analyze = move |rows: &_| {
        let mut engine = Engine::new(&plan, records.first_seq(), rows)?;
        records.each(|seq, record| engine.record(seq, record))?;
        engine.finish()
    };
    pipe::run("analyze", analyze, |rows| sheet.write(rows))?;
    sheet.finish()
}
