//! `replay`: trades of files, or the records of a data directory, through the analyzer to text.
//!
//! Reading and parsing happen on a thread of their own ([`tapes`]), analysing and writing on the
//! caller's ([`engine`]); batches go round between them, so nothing is allocated per trade. Neither
//! reads a clock: equal input gives equal bytes.

mod engine;
mod merge;
mod overrides;
mod records;
mod tapes;

use engine::Engine;

pub(crate) use overrides::Overrides;
pub(crate) use records::{Entry, Records};
pub(crate) use tapes::{Order, Tapes};

use std::io::Write;

use stock_up_core::Emission;
use stock_up_io::text::Format;

use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::progress::Bar;

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
pub(crate) fn replay_tapes(plan: &Plan, tapes: Tapes, out: &mut dyn Write) -> Outcome {
    let mut engine = Engine::new(plan, 0, out)?;
    engine.begin_tape()?;
    tapes.each_batch(plan.bar, |batch| engine.trades(batch))?;
    engine.end_tape()?;
    engine.finish()
}

/// Replays the log of a data directory as far as it is durable now.
pub(crate) fn replay_log(plan: &Plan, dir: &DataDir, out: &mut dyn Write) -> Outcome {
    let records = Records::open(dir, plan.bar)?;
    let mut engine = Engine::new(plan, records.first_seq(), out)?;
    records.each(|seq, record| engine.record(seq, record))?;
    engine.finish()
}
