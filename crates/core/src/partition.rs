//! One log as several: each partition holds the trades of its symbols and everything that
//! concerns all.
//!
//! An analyzer over one partition emits, for its symbols, just the points that an analyzer over the
//! whole log emits. For that it has to know the whole log's time, which trades of other partitions
//! move: wherever that can make a difference, the splitter puts a [`Watermark`] before what follows.
//!
//! The partitions are a pure function of the log: a splitter that is taken up again from its saved
//! bytes gives the same records the same numbers.

mod hash;
mod state;

use crate::analyzer::{first_grid, regrid};
use crate::eligibility;
use crate::record::{Clock, FeedChange, FeedEvent, Record, Tick, Watermark};
use crate::ring::flag;
use crate::settings::AnalyzerSettings;
use crate::trade::{Trade, TradeBatch};

pub use hash::partition_of;
pub use state::SplitterError;

/// Most partitions that a log is split into.
pub const MAX_PARTITIONS: u32 = 1_024;

/// A record of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which partition.
    pub partition: u32,
    /// The record's first sequence number there.
    pub first_seq: u64,
    /// The record.
    pub record: Record,
}

/// Splits a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splitter {
    clock: Clock,
    settings: AnalyzerSettings,
    /// Where the whole log is.
    whole: Watermark,
    /// The next grid time that an analyzer of the whole log emits; `None` before the first trade.
    next_grid: Option<i64>,
    parts: Vec<Part>,
}

/// What an analyzer of one partition knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Part {
    next_seq: u64,
    known: Watermark,
    /// Trades of the record at hand that were not passed on yet.
    run: TradeBatch,
}

impl Splitter {
    /// A splitter for a log from its first record on; at least one partition, at most
    /// [`MAX_PARTITIONS`].
    pub fn new(partitions: u32) -> Self {
        let count = partitions.clamp(1, MAX_PARTITIONS) as usize;
        Self {
            clock: Clock::Wall,
            settings: AnalyzerSettings::default(),
            whole: Watermark::default(),
            next_grid: None,
            parts: vec![Part::default(); count],
        }
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(MAX_PARTITIONS)
    }

    /// The number of the next record of a partition.
    pub fn next_seq(&self, partition: u32) -> u64 {
        let part = self.parts.get(partition as usize);
        part.map_or(0, |part| part.next_seq)
    }

    /// Goes back, or on, to the record with this number in a log of one partition, which needs no
    /// watermarks and so no memory of what was before.
    pub fn seek(&mut self, next_seq: u64) {
        if let [part] = self.parts.as_mut_slice() {
            part.next_seq = next_seq;
        }
    }

    /// Splits the next record of the log; what belongs to partitions is appended to `out`, in
    /// order.
    pub fn split(&mut self, record: &Record, out: &mut Vec<Piece>) {
        match record {
            Record::Trades(batch) => self.split_trades(batch, out),
            // What concerns all is told to all, each brought up to date before.
            other => {
                let mut passed_over = Vec::new();
                for partition in 0..self.parts.len() {
                    self.bring_up(partition, out);
                    match self.share(partition, other) {
                        Some(record) => self.push(partition, record, out),
                        None => passed_over.push(partition),
                    }
                }
                self.note(other, &passed_over);
                // The record may have moved time all the same.
                for partition in passed_over {
                    self.bring_up(partition, out);
                }
            }
        }
    }

    /// As [`Splitter::split`] for a batch that is not moved into a record.
    pub fn split_trades(&mut self, batch: &TradeBatch, out: &mut Vec<Piece>) {
        if self.clock == Clock::Wall {
            self.whole.heard = self.whole.heard.max(Some(batch.ts_recv));
        }
        let mut places: Vec<Option<u32>> = vec![None; batch.names.len()];
        for trade in &batch.trades {
            let name = batch.names.get(trade.symbol);
            let place = places.get_mut(trade.symbol.index());
            let count = u32::try_from(self.parts.len()).unwrap_or(MAX_PARTITIONS);
            let partition = match place {
                Some(place) => *place.get_or_insert_with(|| partition_of(name, count)),
                None => partition_of(name, count),
            };
            self.before_trade(trade, partition as usize, batch.ts_recv, out);
            self.add(trade, batch, (name, partition as usize));
            self.after_trade(trade, batch, out);
        }
        for partition in 0..self.parts.len() {
            self.end_run(partition, out);
        }
    }

    /// Tells what the trade at hand could make a difference by.
    fn before_trade(
        &mut self,
        trade: &Trade,
        partition: usize,
        ts_recv: i64,
        out: &mut Vec<Piece>,
    ) {
        let time = trade.ts_event;
        if self.whole.time.is_some_and(|now| time <= now) {
            // A trade behind the log's time may be too late by it.
            if self
                .parts
                .get(partition)
                .is_some_and(|part| part.known.time < self.whole.time)
            {
                self.bring_up(partition, out);
            }
            return;
        }
        if self.advance(time) {
            self.tell_all(partition, ts_recv, out);
        }
    }

    /// What is emitted now must be emitted with what is known now, everywhere.
    fn tell_all(&mut self, but: usize, ts_recv: i64, out: &mut Vec<Piece>) {
        // The partition of the trade learns from it, unless it has missed a sign of life.
        let hears = (self.clock == Clock::Wall).then_some(ts_recv);
        let hears_all = self.whole.heard <= hears;
        for partition in 0..self.parts.len() {
            let known = self.parts.get(partition).map(|part| part.known.heard);
            if partition != but || !(hears_all || known == Some(self.whole.heard)) {
                self.bring_up(partition, out);
            }
        }
    }

    /// Moves the log's time on; true if that makes a grid time due.
    fn advance(&mut self, time: i64) -> bool {
        if self.whole.time.is_some_and(|now| time <= now) {
            return false;
        }
        self.whole.time = Some(time);
        let settled = time.saturating_sub(self.settings.lateness.ns());
        let emits = self.next_grid.is_some_and(|next| next < settled);
        if emits {
            self.next_grid = Some(first_grid(settled, self.settings.grid));
        }
        emits
    }

    fn add(&mut self, trade: &Trade, batch: &TradeBatch, (name, partition): (&str, usize)) {
        let Some(part) = self.parts.get_mut(partition) else {
            return;
        };
        part.run.ts_recv = batch.ts_recv;
        let conditions = batch.names.get(trade.conditions);
        part.run
            .push(name, trade.ts_event, (trade.price, trade.size), conditions);
        part.known.time = part.known.time.max(Some(trade.ts_event));
        if self.clock == Clock::Wall {
            part.known.heard = part.known.heard.max(Some(batch.ts_recv));
        }
    }

    /// The first trade that moves a window begins the grid, for every partition.
    fn after_trade(&mut self, trade: &Trade, batch: &TradeBatch, out: &mut Vec<Piece>) {
        if self.whole.begun.is_some() || !self.begins(trade, batch) {
            return;
        }
        self.whole.begun = Some(trade.ts_event);
        self.next_grid = Some(first_grid(trade.ts_event, self.settings.grid));
        for partition in 0..self.parts.len() {
            self.bring_up(partition, out);
        }
    }

    fn begins(&self, trade: &Trade, batch: &TradeBatch) -> bool {
        let horizon = |now: i64| now.saturating_sub(self.settings.reach().ns());
        let too_late = self
            .whole
            .time
            .is_some_and(|now| trade.ts_event < horizon(now));
        let conditions = batch.names.get(trade.conditions);
        let flags = eligibility::flags(self.settings.conditions, conditions);
        let moves = if trade.size.is_zero() {
            flags & flag::LAST
        } else {
            flags
        };
        !too_late && moves != 0
    }

    /// Tells a partition how far the whole log is, if it does not know.
    fn bring_up(&mut self, partition: usize, out: &mut Vec<Piece>) {
        let whole = self.whole;
        let Some(part) = self.parts.get(partition) else {
            return;
        };
        // A single partition sees everything itself.
        if part.known == whole || self.parts.len() == 1 {
            return;
        }
        self.end_run(partition, out);
        self.push(partition, Record::Watermark(whole), out);
        if let Some(part) = self.parts.get_mut(partition) {
            part.known = whole;
        }
    }

    /// Passes on the trades that are held for a partition.
    fn end_run(&mut self, partition: usize, out: &mut Vec<Piece>) {
        let Some(part) = self.parts.get_mut(partition) else {
            return;
        };
        if !part.run.trades.is_empty() {
            let run = std::mem::take(&mut part.run);
            self.push(partition, Record::Trades(run), out);
        }
    }

    fn push(&mut self, partition: usize, record: Record, out: &mut Vec<Piece>) {
        let Some(part) = self.parts.get_mut(partition) else {
            return;
        };
        let first_seq = part.next_seq;
        part.next_seq += u64::from(record.count());
        let partition = u32::try_from(partition).unwrap_or(MAX_PARTITIONS);
        out.push(Piece {
            partition,
            first_seq,
            record,
        });
    }

    /// What of a record that is no trades concerns a partition.
    fn share(&self, partition: usize, record: &Record) -> Option<Record> {
        let Record::Feed(change) = record else {
            return Some(record.clone());
        };
        let mine = |symbols: &[String]| -> Vec<String> {
            let here =
                |symbol: &&String| partition_of(symbol, self.partitions()) as usize == partition;
            symbols.iter().filter(here).cloned().collect()
        };
        let event = match &change.event {
            // An empty list means every symbol, so none of ours must not become one.
            FeedEvent::Subscribed(symbols) if !symbols.is_empty() => {
                FeedEvent::Subscribed(mine(symbols).into_some_if_any()?)
            }
            FeedEvent::Unsubscribed(symbols) => {
                FeedEvent::Unsubscribed(mine(symbols).into_some_if_any()?)
            }
            event => event.clone(),
        };
        Some(Record::Feed(FeedChange {
            event,
            ..change.clone()
        }))
    }

    /// Follows what a record that is no trades does to the log's time, as the analyzer does.
    fn note(&mut self, record: &Record, passed_over: &[usize]) {
        match record {
            Record::Trades(_) | Record::Watermark(_) => {}
            Record::Settings(epoch) => self.change_settings(&epoch.settings),
            Record::Tick(Tick { time, heard }) => {
                if self.clock == Clock::Wall {
                    self.whole.heard = self.whole.heard.max(Some(*heard));
                    self.advance(*time);
                }
            }
            Record::Feed(change) => self.note_feed(change),
        }
        for (partition, part) in self.parts.iter_mut().enumerate() {
            if !passed_over.contains(&partition) {
                part.known = self.whole;
            }
        }
    }

    fn change_settings(&mut self, new: &AnalyzerSettings) {
        let old = std::mem::replace(&mut self.settings, new.clone());
        if old.grid != new.grid {
            self.next_grid = self.next_grid.map(|next| regrid(next, old.grid, new.grid));
        }
    }

    fn note_feed(&mut self, change: &FeedChange) {
        if let FeedEvent::Clock(clock) = change.event {
            if clock != self.clock && self.whole.begun.is_none() {
                self.clock = clock;
                self.whole = Watermark::default();
            }
            return;
        }
        if self.clock == Clock::Wall {
            self.advance(change.at);
            if matches!(change.event, FeedEvent::Connected | FeedEvent::GapClosed) {
                self.whole.heard = self.whole.heard.max(Some(change.at));
            }
        }
    }
}

/// A list, unless it is empty.
trait SomeIfAny: Sized {
    fn into_some_if_any(self) -> Option<Self>;
}

impl SomeIfAny for Vec<String> {
    fn into_some_if_any(self) -> Option<Self> {
        (!self.is_empty()).then_some(self)
    }
}
