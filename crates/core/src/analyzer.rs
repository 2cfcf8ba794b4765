//! The analyzer: records in, points out.
//!
//! It is a pure function of the log. Equal records give equal points, byte for byte, however they
//! are split into batches and wherever a checkpoint was taken in between. Its time is the log's:
//! the running maximum of ticks, feed changes and event times.

mod checkpoint;
mod emission;
mod feed;
mod fetch;
mod revision;
mod symbol;

use thiserror::Error;

pub use checkpoint::{CHECKPOINT_FORMAT, CheckpointError};

use crate::book::{Entry, Kind};
use crate::coverage::Coverage;
use crate::eligibility;
use crate::names::{NameId, Names};
use crate::point::{Point, SymbolId};
use crate::record::{Clock, Record, SettingsEpoch};
use crate::ring::flag;
use crate::settings::AnalyzerSettings;
use crate::span::Span;
use crate::trade::{Trade, TradeBatch};
use fetch::fetch;
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

/// Why a record cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// Records are missing; going on would lose trades silently.
    #[error("the log has a hole: expected sequence number {expected}, found {found}")]
    Hole {
        /// The number that comes next.
        expected: u64,
        /// The number of the record at hand.
        found: u64,
    },
    /// A record overlaps what was applied without being a repetition.
    #[error("record {first}..{end} overlaps what was applied up to {position}")]
    Overlap {
        /// First sequence number of the record.
        first: u64,
        /// The number after its last.
        end: u64,
        /// The number that comes next.
        position: u64,
    },
}

/// What became of the trades that the analyzer was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Trades that moved a window.
    pub applied: u64,
    /// Trades in records that had been applied before.
    pub duplicate: u64,
    /// Trades whose conditions let them move nothing.
    pub ineligible: u64,
    /// Trades that came later than points are revised.
    pub late_dropped: u64,
    /// Applied trades that changed points already emitted.
    pub late_applied: u64,
    /// Points emitted, revisions included.
    pub points: u64,
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
    scratch: Scratch,
}

/// Whether symbols that nobody named are observed, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Everything {
    No,
    /// Since the log's first time.
    FromStart,
    Since(i64),
}

/// What a batch's names mean to the analyzer; kept between batches for its memory.
#[derive(Debug, Clone, Default)]
struct Scratch {
    symbols: Vec<Option<u32>>,
    flags: Vec<Option<u8>>,
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
            scratch: Scratch::default(),
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

    /// Whether any trade of a symbol is held: only then does the passing of time change its
    /// windows.
    pub fn holds_trades(&self, id: SymbolId) -> bool {
        self.symbols
            .get(id.0 as usize)
            .is_some_and(|symbol| symbol.book.held() > 0)
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
        match record {
            Record::Trades(_) => {}
            Record::Tick(tick) => self.tick(*tick, out),
            Record::Feed(change) => self.feed_changed(change, out),
            Record::Settings(epoch) => self.change_settings(epoch, out),
            Record::Watermark(mark) => self.watermark(*mark, out),
        }
        Ok(())
    }

    /// As [`Analyzer::apply`] for a batch that is not moved into a record.
    ///
    /// # Errors
    /// As [`Analyzer::apply`].
    pub fn apply_trades(
        &mut self,
        first_seq: u64,
        batch: &TradeBatch,
        out: &mut Vec<Point>,
    ) -> Result<(), ApplyError> {
        let count = batch.trades.len() as u64;
        if !self.accept(first_seq, count.max(1))? {
            self.counters.duplicate += count;
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.reset(&self.names, &batch.names);
        let kind = match self.emission {
            Emission::Grid => None,
            Emission::Trade => Some(Kind::Live),
        };
        fetch(&self.symbols, &scratch.symbols.iter().flatten(), kind);
        if self.coverage.clock == Clock::Wall {
            self.hear(batch.ts_recv);
        }
        for trade in &batch.trades {
            let flags = self.flags_of(trade, batch, &mut scratch);
            let symbol = self.symbol_of(trade, batch, &mut scratch);
            self.trade(symbol, trade, flags, out);
        }
        self.scratch = scratch;
        Ok(())
    }

    /// The live view of a symbol's windows at the log's time, appended to `out`.
    #[inline]
    pub fn live(&mut self, id: SymbolId, out: &mut Vec<Point>) {
        let (Some(now), Some(first)) = (self.log_time, self.first_time) else {
            return;
        };
        let Some(symbol) = self.symbols.get_mut(id.0 as usize) else {
            return;
        };
        let since = symbol.observed_since(first, self.held_from);
        let coverage = &self.coverage;
        symbol.book.live(now, out, |length, metrics| {
            let from = now.saturating_sub(length);
            let (status, coverage) = coverage.judge_live(since, from, now);
            Point {
                symbol: id,
                window: Span::from_ns(length),
                time: now,
                revision: 0,
                status,
                coverage,
                metrics,
            }
        });
    }

    /// Whether a record is the next one; false for one that was applied before.
    fn accept(&mut self, first: u64, count: u64) -> Result<bool, ApplyError> {
        let (end, position) = (first.saturating_add(count), self.position);
        if first == position {
            self.position = end;
            return Ok(true);
        }
        if end <= position {
            return Ok(false);
        }
        Err(match first {
            found if found > position => ApplyError::Hole {
                expected: position,
                found,
            },
            _ => ApplyError::Overlap {
                first,
                end,
                position,
            },
        })
    }

    fn flags_of(&self, trade: &Trade, batch: &TradeBatch, scratch: &mut Scratch) -> u8 {
        let policy = self.settings.conditions;
        let read = || eligibility::flags(policy, batch.names.get(trade.conditions));
        let flags = match scratch.flags.get_mut(trade.conditions.index()) {
            Some(known) => *known.get_or_insert_with(read),
            None => read(),
        };
        if trade.size.is_zero() {
            flags & flag::LAST
        } else {
            flags
        }
    }

    fn symbol_of(&mut self, trade: &Trade, batch: &TradeBatch, scratch: &mut Scratch) -> u32 {
        let slot = scratch.symbols.get_mut(trade.symbol.index());
        if let Some(known) = slot.as_ref().and_then(|slot| **slot) {
            return known;
        }
        let index = self.intern(batch.names.get(trade.symbol), trade.ts_event);
        if let Some(slot) = slot {
            *slot = Some(index);
        }
        index
    }

    /// The number of a symbol, which is made if it is new; `time` is that of its first trade.
    fn intern(&mut self, name: &str, time: i64) -> u32 {
        let id = self.names.intern(name).0;
        if (id as usize) < self.symbols.len() {
            return id;
        }
        let since = match self.everything {
            Everything::FromStart => None,
            Everything::Since(time) => Some(time),
            // Nobody said that it is observed: what was before its first trade is unknown.
            Everything::No => Some(self.log_time.unwrap_or(time).max(time)),
        };
        self.symbols
            .push(Symbol::new(&self.settings, self.emission, since));
        let place = self
            .order
            .partition_point(|other| self.names.get(NameId(*other)) < name);
        self.order.insert(place, id);
        id
    }

    #[inline]
    fn trade(&mut self, index: u32, trade: &Trade, flags: u8, out: &mut Vec<Point>) {
        let time = trade.ts_event;
        self.advance(time, out);
        let now = self.log_time.unwrap_or(time);
        if time < now && time < now.saturating_sub(self.settings.reach().ns()) {
            self.counters.late_dropped += 1;
        } else if flags == 0 {
            self.counters.ineligible += 1;
        } else {
            self.counters.applied += 1;
            self.note_trade(index, time);
            if let Some(symbol) = self.symbols.get_mut(index as usize) {
                symbol.book.push(Entry {
                    time,
                    price: trade.price,
                    size: trade.size,
                    flags,
                });
            }
        }
        if self.emission == Emission::Trade {
            let before = out.len();
            self.live(SymbolId(index), out);
            self.counters.points += (out.len() - before) as u64;
            self.trim(index);
        }
    }

    /// Without a grid, a symbol holds no more than its longest window.
    #[inline]
    fn trim(&mut self, index: u32) {
        if let Some(symbol) = self.symbols.get_mut(index as usize) {
            symbol.book.trim();
        }
    }

    fn change_settings(&mut self, epoch: &SettingsEpoch, out: &mut Vec<Point>) {
        self.flush(out);
        let (old, new) = (self.settings.clone(), epoch.settings.clone());
        self.settings_revision = epoch.revision;
        if old == new {
            return;
        }
        if let Some(now) = self.log_time {
            self.held_from = self.held_from.max(now.saturating_sub(hold(&old)));
        }
        let grids = (old.grid, new.grid);
        self.settings = new;
        if grids.0 != grids.1 {
            self.next_grid = self.next_grid.map(|next| regrid(next, grids.0, grids.1));
        }
        let emitted_to = self
            .next_grid
            .unwrap_or(i64::MIN)
            .saturating_sub(self.settings.grid.ns());
        for symbol in &mut self.symbols {
            symbol.reconfigure((&old, &self.settings), emitted_to);
        }
    }
}

impl Scratch {
    fn reset(&mut self, known: &Names, names: &Names) {
        self.symbols.clear();
        let found = known.find_all(names).map(|id| id.map(|id| id.0));
        self.symbols.extend(found);
        self.flags.clear();
        self.flags.resize(names.len(), None);
    }
}

fn lengths(settings: &AnalyzerSettings) -> Vec<i64> {
    settings.windows.iter().map(|window| window.ns()).collect()
}

fn symbol_id(index: usize) -> SymbolId {
    SymbolId(u32::try_from(index).unwrap_or(u32::MAX))
}

/// The next grid time on a new grid: after the last of the old one.
pub(crate) fn regrid(next: i64, old: Span, new: Span) -> i64 {
    first_grid(next - old.ns() + 1, new)
}

/// The first multiple of `grid` at or after `time`.
pub(crate) fn first_grid(time: i64, grid: Span) -> i64 {
    let grid = grid.ns();
    let rest = time.rem_euclid(grid);
    if rest == 0 {
        time
    } else {
        time.saturating_add(grid - rest)
    }
}

/// How long trades are held: every point that can still be revised needs its whole window, and the
/// point before it, to know whether a window became empty.
fn hold(settings: &AnalyzerSettings) -> i64 {
    let spans = [
        settings.reach(),
        settings.longest(),
        settings.lateness,
        settings.grid,
        settings.grid,
    ];
    spans.iter().map(|span| span.ns()).sum()
}
