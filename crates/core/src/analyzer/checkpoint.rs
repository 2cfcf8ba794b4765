//! The analyzer's whole state as bytes: `docs/formats/checkpoint.md`, version 2.
//!
//! Sums and extremes are not stored: they are functions of the held trades, and are made anew.

use thiserror::Error;

use super::revision::Revise;
use super::symbol::{NO_GRID, Symbol, lengths};
use super::{Analyzer, Counters, Emission, Everything, LateDropped};
use crate::book::{Book, Entry};
use crate::bytes::{BytesError, Decoder, Encoder};
use crate::coverage::{Coverage, Interval};
use crate::names::{NameId, Names};
use crate::record::Clock;
use crate::record::codec::{
    decode_analyzer_settings, decode_decimal, encode_analyzer_settings, encode_decimal,
};
use crate::ring::flag;
use crate::series::Emitted;
use crate::trade::MAX_SYMBOL_BYTES;

/// Version of the checkpoint format that this code writes.
pub const CHECKPOINT_FORMAT: u8 = 2;

/// The version before, which is read too: it did not tell causes of late trades.
const WITHOUT_CAUSES: u8 = 1;

/// Most items of one list in a checkpoint: bounds what damaged bytes can make us allocate.
const MAX_ITEMS: usize = 1 << 28;

/// Why bytes are no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// Written by a newer program.
    #[error(
        "checkpoint format {found} is newer than supported {CHECKPOINT_FORMAT}; upgrade stock-up"
    )]
    Newer {
        /// The version found.
        found: u8,
    },
    /// Damaged or foreign bytes.
    #[error("checkpoint is damaged or not ours")]
    Bytes(#[from] BytesError),
}

impl Analyzer {
    /// Appends the whole state to `out`.
    pub fn checkpoint(&self, out: &mut Vec<u8>) {
        let mut to = Encoder::new(out);
        to.byte(CHECKPOINT_FORMAT);
        encode_analyzer_settings(&self.settings, &mut to);
        to.unsigned(self.settings_revision);
        to.byte(u8::from(self.emission == Emission::Trade));
        to.unsigned(self.position);
        for time in [
            self.log_time,
            self.first_time,
            self.next_grid,
            self.revise.unproven,
        ] {
            optional(time, &mut to);
        }
        to.signed(self.held_from);
        let (everything, since) = match self.everything {
            Everything::No => (0, 0),
            Everything::FromStart => (1, 0),
            Everything::Since(since) => (2, since),
        };
        to.byte(everything);
        to.signed(since);
        to.byte(u8::from(self.restarted));
        optional(self.revise.recheck.map(|(from, _)| from), &mut to);
        optional(self.revise.recheck.map(|(_, last)| last), &mut to);
        encode_counters(&self.counters, &mut to);
        encode_coverage(&self.coverage, &mut to);
        to.count(self.symbols.len());
        for (index, symbol) in self.symbols.iter().enumerate() {
            to.text(
                self.names
                    .get(NameId(u32::try_from(index).unwrap_or(u32::MAX))),
            );
            symbol.encode(&mut to);
        }
        to.count(self.revise.symbols.len());
        for index in &self.revise.symbols {
            to.unsigned(u64::from(*index));
        }
    }

    /// The analyzer that wrote `input`, as it was.
    ///
    /// # Errors
    /// [`CheckpointError`] says what is wrong and where.
    pub fn restore(input: &[u8]) -> Result<Self, CheckpointError> {
        let mut from = Decoder::new(input);
        let format = match from.byte("format version")? {
            known @ (WITHOUT_CAUSES | CHECKPOINT_FORMAT) => known,
            0 => return Err(from.invalid("format version").into()),
            found => return Err(CheckpointError::Newer { found }),
        };
        let settings = decode_analyzer_settings(&mut from)?;
        let settings_revision = from.unsigned("settings revision")?;
        let emission = if from.flag("emission")? {
            Emission::Trade
        } else {
            Emission::Grid
        };
        let mut analyzer = Self::new(settings, emission, from.unsigned("position")?);
        analyzer.settings_revision = settings_revision;
        analyzer.log_time = decode_optional(&mut from)?;
        analyzer.first_time = decode_optional(&mut from)?;
        analyzer.next_grid = decode_optional(&mut from)?;
        let unproven = decode_optional(&mut from)?;
        analyzer.held_from = from.signed("held from")?;
        let kind = from.byte("observation of all")?;
        let since = from.signed("observation of all")?;
        analyzer.everything = match kind {
            0 => Everything::No,
            1 => Everything::FromStart,
            2 => Everything::Since(since),
            _ => return Err(from.invalid("observation of all").into()),
        };
        analyzer.restarted = from.flag("restarted")?;
        let recheck = decode_optional(&mut from)?.zip(decode_optional(&mut from)?);
        analyzer.counters = decode_counters(format, &mut from)?;
        analyzer.coverage = decode_coverage(&mut from)?;
        analyzer.decode_symbols(&mut from)?;
        let count = from.count("late symbols", 1, MAX_ITEMS)?;
        let mut late = Vec::with_capacity(count);
        for _ in 0..count {
            late.push(
                u32::try_from(from.unsigned("late symbol")?)
                    .map_err(|_| from.invalid("late symbol"))?,
            );
        }
        analyzer.revise = Revise {
            symbols: late,
            recheck,
            unproven,
        };
        from.finish()?;
        Ok(analyzer)
    }

    fn decode_symbols(&mut self, from: &mut Decoder<'_>) -> Result<(), BytesError> {
        self.names = Names::new();
        for index in 0..from.count("number of symbols", 4, MAX_ITEMS)? {
            let name = from.text("symbol", MAX_SYMBOL_BYTES)?;
            if self.names.intern(name).index() != index {
                return Err(from.invalid("symbol, which stands there twice"));
            }
            let mut symbol = Symbol::new(&self.settings, self.emission, None);
            symbol.decode(self, from)?;
            self.symbols.push(symbol);
        }
        let count = u32::try_from(self.symbols.len()).unwrap_or(u32::MAX);
        self.order = (0..count).collect();
        self.order.sort_by(|left, right| {
            self.names
                .get(NameId(*left))
                .cmp(self.names.get(NameId(*right)))
        });
        Ok(())
    }
}

impl Symbol {
    fn encode(&self, to: &mut Encoder<'_>) {
        optional(self.since, to);
        to.byte(u8::from(self.subscribed));
        optional(Some(self.first_grid).filter(|first| *first != NO_GRID), to);
        to.count(self.late.len());
        for time in &self.late {
            to.signed(*time);
        }
        for emitted in &self.emitted {
            encode_emitted(emitted, to);
        }
        let entries = self.book.entries();
        to.count(entries.len());
        let mut before = 0;
        for entry in entries {
            to.signed(entry.time.wrapping_sub(before));
            before = entry.time;
            encode_decimal(entry.price.normalized(), to);
            encode_decimal(entry.size.normalized(), to);
            to.byte(entry.flags);
        }
    }

    fn decode(&mut self, analyzer: &Analyzer, from: &mut Decoder<'_>) -> Result<(), BytesError> {
        self.since = decode_optional(from)?;
        self.subscribed = from.flag("subscribed")?;
        self.first_grid = decode_optional(from)?.unwrap_or(NO_GRID);
        for _ in 0..from.count("late trades", 1, MAX_ITEMS)? {
            self.late.push(from.signed("late trade")?);
        }
        for emitted in &mut self.emitted {
            decode_emitted(emitted, from)?;
        }
        let mut before = 0_i64;
        for _ in 0..from.count("held trades", 6, MAX_ITEMS)? {
            let time = before.wrapping_add(from.signed("trade time")?);
            before = time;
            let (price, size) = (decode_decimal(from)?, decode_decimal(from)?);
            let flags = from.byte("trade flags")?;
            if flags > flag::ALL {
                return Err(from.invalid("trade flags"));
            }
            self.book.push(&Entry {
                time,
                price,
                size,
                flags,
            });
        }
        let grid = analyzer.settings.grid.ns();
        if let Some(next) = analyzer.next_grid {
            // The views stand where the last grid time left them.
            let lengths = lengths(&analyzer.settings);
            Book::set_windows(&mut self.book, &lengths, next.saturating_sub(grid));
        }
        Ok(())
    }
}

fn optional(time: Option<i64>, to: &mut Encoder<'_>) {
    to.byte(u8::from(time.is_some()));
    if let Some(time) = time {
        to.signed(time);
    }
}

fn decode_optional(from: &mut Decoder<'_>) -> Result<Option<i64>, BytesError> {
    if from.flag("optional time")? {
        from.signed("time").map(Some)
    } else {
        Ok(None)
    }
}

fn encode_emitted(emitted: &Emitted, to: &mut Encoder<'_>) {
    to.count(emitted.runs.len());
    for (first, last) in &emitted.runs {
        to.signed(*first);
        to.signed(*last);
    }
    to.count(emitted.revisions.len());
    for (time, revision) in &emitted.revisions {
        to.signed(*time);
        to.unsigned(u64::from(*revision));
    }
}

fn decode_emitted(emitted: &mut Emitted, from: &mut Decoder<'_>) -> Result<(), BytesError> {
    for _ in 0..from.count("emitted runs", 2, MAX_ITEMS)? {
        let first = from.signed("first of a run")?;
        emitted.runs.push((first, from.signed("last of a run")?));
    }
    for _ in 0..from.count("revisions", 2, MAX_ITEMS)? {
        let time = from.signed("revised time")?;
        let revision =
            u32::try_from(from.unsigned("revision")?).map_err(|_| from.invalid("revision"))?;
        emitted.revisions.insert(time, revision);
    }
    Ok(())
}

fn encode_counters(counters: &Counters, to: &mut Encoder<'_>) {
    let Counters {
        applied,
        duplicate,
        ineligible,
        late_dropped: LateDropped {
            delayed,
            out_of_order,
        },
        late_applied,
        points,
    } = *counters;
    for value in [
        applied,
        duplicate,
        ineligible,
        delayed,
        out_of_order,
        late_applied,
        points,
    ] {
        to.unsigned(value);
    }
}

fn decode_counters(format: u8, from: &mut Decoder<'_>) -> Result<Counters, BytesError> {
    Ok(Counters {
        applied: from.unsigned("counter")?,
        duplicate: from.unsigned("counter")?,
        ineligible: from.unsigned("counter")?,
        late_dropped: LateDropped {
            delayed: from.unsigned("counter")?,
            out_of_order: match format {
                WITHOUT_CAUSES => 0,
                _ => from.unsigned("counter")?,
            },
        },
        late_applied: from.unsigned("counter")?,
        points: from.unsigned("counter")?,
    })
}

fn encode_coverage(coverage: &Coverage, to: &mut Encoder<'_>) {
    to.byte(u8::from(coverage.clock == Clock::Event));
    to.signed(coverage.heard);
    for list in [&coverage.gaps, &coverage.stale] {
        to.count(list.len());
        for interval in list {
            to.signed(interval.from);
            to.signed(interval.to);
        }
    }
}

fn decode_coverage(from: &mut Decoder<'_>) -> Result<Coverage, BytesError> {
    let clock = if from.flag("clock")? {
        Clock::Event
    } else {
        Clock::Wall
    };
    let mut coverage = Coverage::new(clock);
    coverage.heard = from.signed("last sign of life")?;
    for list in [&mut coverage.gaps, &mut coverage.stale] {
        for _ in 0..from.count("intervals", 2, MAX_ITEMS)? {
            let start = from.signed("start of an interval")?;
            list.push_back(Interval {
                from: start,
                to: from.signed("end of an interval")?,
            });
        }
    }
    Ok(coverage)
}
