//! The analyzer: records in, points out.
//!
//! It is a pure function of the log. Equal records give equal points, byte for byte, however they
//! are split into batches and wherever a checkpoint was taken in between. Its time is the log's:
//! the running maximum of ticks, feed changes and event times.

mod change;
mod checkpoint;
mod counters;
mod emission;
mod feed;
mod fetch;
mod grid;
mod intake;
mod live;
mod revision;
mod sequence;
mod symbol;

pub use checkpoint::{CHECKPOINT_FORMAT, CheckpointError};
pub use counters::{Counters, LateDropped};
pub(crate) use grid::{first_grid, regrid};
pub use sequence::ApplyError;

use crate::coverage::Coverage;
use crate::names::{NameId, Names};
use crate::point::{Point, SymbolId};
use crate::record::{Clock, Record};
use crate::settings::AnalyzerSettings;
use intake::Meanings;
use revision::Revise;
use symbol::Symbol;

/// When points are emitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emission {
    /// At every grid time, once the log's time passes it by the allowed lateness.
    Grid,
    /// After every trade, for its symbol, at the log's time.
    Trade,
}

/// Sliding windows over every symbol of a log.
#[derive(Debug, Clone)]
pub struct Analyzer {
    settings: AnalyzerSettings,
    settings_revision: u64,
    emission: Emission,
    /// The sequence number that comes next.
    position: u64,
    /// The running maximum of all times; `None` before the first.
    log_time: Option<i64>,
    /// The first of them: observation cannot have begun earlier.
    first_time: Option<i64>,
    /// Trades before this were dropped while windows were shorter.
    held_from: i64,
    /// The next grid time to emit; `None` before the first trade.
    next_grid: Option<i64>,
    coverage: Coverage,
    /// Whether symbols that nobody named are observed too.
    everything: Everything,
    /// `collect` has begun anew: its first list of subscriptions replaces the old ones.
    restarted: bool,
    names: Names,
    symbols: Vec<Symbol>,
    /// Symbols in bytewise order of their names.
    order: Vec<u32>,
    revise: Revise,
    counters: Counters,
    /// Of the names of the batch at hand; kept for its memory.
    meanings: Meanings,
}

/// Whether symbols that nobody named are observed, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Everything {
    No,
    /// Since the log's first time.
    FromStart,
    Since(i64),
}

impl Analyzer {
    /// An analyzer of a log whose next record has sequence number `position`.
    ///
    /// `settings` hold until the log says otherwise.
    pub fn new(settings: AnalyzerSettings, emission: Emission, position: u64) -> Self {
        Self {
            settings,
            settings_revision: 0,
            emission,
            position,
            log_time: None,
            first_time: None,
            held_from: i64::MIN,
            next_grid: None,
            coverage: Coverage::new(Clock::Wall),
            everything: Everything::No,
            restarted: false,
            names: Names::new(),
            symbols: Vec::new(),
            order: Vec::new(),
            revise: Revise::default(),
            counters: Counters::default(),
            meanings: Meanings::default(),
        }
    }

    /// The sequence number of the next record.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The log's time; `None` before the first record that has one.
    pub fn log_time(&self) -> Option<i64> {
        self.log_time
    }

    /// How the log's time runs.
    pub fn clock(&self) -> Clock {
        self.coverage.clock
    }

    /// Whether a trade was applied: from then on the clock cannot be changed.
    pub fn has_begun(&self) -> bool {
        self.next_grid.is_some()
    }

    /// The last proof that the feed was live, in the log's time; `None` before the first.
    pub fn heard(&self) -> Option<i64> {
        Some(self.coverage.heard).filter(|heard| *heard != i64::MIN)
    }

    /// Whether trades may be missing right now.
    pub fn gap_is_open(&self) -> bool {
        self.coverage
            .gaps
            .back()
            .is_some_and(|gap| gap.to == i64::MAX)
    }

    /// The settings in force.
    pub fn settings(&self) -> &AnalyzerSettings {
        &self.settings
    }

    /// Which change of the settings is in force; 0 before the first in the log.
    pub fn settings_revision(&self) -> u64 {
        self.settings_revision
    }

    /// What became of the trades so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Trades held for windows and revisions.
    pub fn held_trades(&self) -> usize {
        self.symbols.iter().map(|symbol| symbol.book.held()).sum()
    }

    /// Bytes on the heap for symbols and the trades they hold.
    pub fn heap_bytes(&self) -> usize {
        let lists = self.symbols.capacity() * size_of::<Symbol>();
        lists
            + self
                .symbols
                .iter()
                .map(|symbol| symbol.book.heap_bytes())
                .sum::<usize>()
    }

    /// How many symbols have appeared; they are numbered from 0 on.
    pub fn symbol_count(&self) -> usize {
        self.names.len()
    }

    /// The symbols that have appeared, in the order of their numbers.
    pub fn symbols(&self) -> impl Iterator<Item = (SymbolId, &str)> {
        self.names
            .iter()
            .enumerate()
            .map(|(index, name)| (symbol_id(index), name))
    }

    /// The name of a symbol; empty for a number of another analyzer.
    pub fn symbol(&self, id: SymbolId) -> &str {
        self.names.get(NameId(id.0))
    }

    /// The number of a symbol that has appeared.
    pub fn find(&self, symbol: &str) -> Option<SymbolId> {
        self.names.find(symbol).map(|id| SymbolId(id.0))
    }

    /// Applies the record with sequence numbers from `first_seq`; points are appended to `out`.
    ///
    /// A record that was applied before is counted and dropped, so a redelivery is harmless.
    ///
    /// # Errors
    /// A hole or an overlap in the numbers; nothing was applied then.
    pub fn apply(
        &mut self,
        first_seq: u64,
        record: &Record,
        out: &mut Vec<Point>,
    ) -> Result<(), ApplyError> {
        if let Record::Trades(batch) = record {
            return self.apply_trades(first_seq, batch, out);
        }
        if !self.accept(first_seq, u64::from(record.count()))? {
            return Ok(());
        }
        let before = out.len();
        match record {
            Record::Trades(_) => {}
            Record::Tick(tick) => self.tick(*tick, out),
            Record::Feed(change) => self.feed_changed(change, out),
            Record::Settings(epoch) => self.change_settings(epoch, out),
            Record::Watermark(mark) => self.watermark(*mark, out),
        }
        self.counters.points += (out.len() - before) as u64;
        Ok(())
    }
}

fn symbol_id(index: usize) -> SymbolId {
    SymbolId(u32::try_from(index).unwrap_or(u32::MAX))
}
