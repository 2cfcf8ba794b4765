//! How a batch of trades is taken in: whose each is, what it may move, whether it comes too late.

use super::fetch::{Fetch, Step};
use super::symbol::Symbol;
use super::{Analyzer, ApplyError, Emission, Everything};
use crate::book::Entry;
use crate::eligibility;
use crate::names::{NameId, Names};
use crate::point::{Point, SymbolId};
use crate::record::Clock;
use crate::ring::flag;
use crate::settings::Conditions;
use crate::trade::{Trade, TradeBatch};

/// What the names of a batch mean to the analyzer.
#[derive(Debug, Clone, Default)]
pub(super) struct Meanings {
    /// The numbers of its symbols, as far as they are known.
    symbols: Vec<Option<u32>>,
    /// What its conditions let a trade move, as far as somebody asked.
    flags: Vec<Option<u8>>,
}

impl Meanings {
    fn reset(&mut self, known: &Names, names: &Names) {
        self.symbols.clear();
        let found = known.find_all(names).map(|id| id.map(|id| id.0));
        self.symbols.extend(found);
        self.flags.clear();
        self.flags.resize(names.len(), None);
    }

    fn flags_of(&mut self, conditions: NameId, policy: Conditions, names: &Names) -> u8 {
        let read = || eligibility::flags(policy, names.get(conditions));
        match self.flags.get_mut(conditions.index()) {
            Some(known) => *known.get_or_insert_with(read),
            None => read(),
        }
    }
}

impl Analyzer {
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
        let mut meanings = std::mem::take(&mut self.meanings);
        meanings.reset(&self.names, &batch.names);
        let step = match self.emission {
            Emission::Grid => Step::Add,
            Emission::Trade => Step::Follow,
        };
        let fetch = Fetch::new(self.symbols.len(), step);
        fetch.begin(|place| self.known(batch, place, &meanings));
        if self.coverage.clock == Clock::Wall {
            self.hear(batch.ts_recv);
        }
        let (before, sure_until) = (out.len(), self.coverage.sure_until());
        for (place, trade) in batch.trades.iter().enumerate() {
            fetch.ask(|ahead| self.known(batch, place + ahead, &meanings));
            let entry = Entry {
                time: trade.ts_event,
                price: trade.price,
                size: trade.size,
                flags: self.flags_of(trade, batch, &mut meanings),
            };
            let symbol = self.symbol_of(trade, batch, &mut meanings);
            self.trade(symbol, &entry, (batch, sure_until), out);
        }
        self.counters.points += (out.len() - before) as u64;
        self.meanings = meanings;
        Ok(())
    }

    #[inline]
    fn flags_of(&self, trade: &Trade, batch: &TradeBatch, meanings: &mut Meanings) -> u8 {
        let flags = match self.settings.conditions {
            // Usual, and the same for every text.
            Conditions::All => flag::ALL,
            policy @ Conditions::Sip => meanings.flags_of(trade.conditions, policy, &batch.names),
        };
        if trade.size.is_zero() {
            flags & flag::LAST
        } else {
            flags
        }
    }

    /// The symbol of the trade at a place of the batch, if it is known.
    #[inline]
    fn known(&self, batch: &TradeBatch, place: usize, meanings: &Meanings) -> Option<&Symbol> {
        let trade = batch.trades.get(place)?;
        let known = meanings.symbols.get(trade.symbol.index()).copied()?;
        self.symbols.get(known? as usize)
    }

    #[inline]
    fn symbol_of(&mut self, trade: &Trade, batch: &TradeBatch, meanings: &mut Meanings) -> u32 {
        let place = trade.symbol.index();
        if let Some(known) = meanings.symbols.get(place).copied().flatten() {
            return known;
        }
        let index = self.intern(batch.names.get(trade.symbol), trade.ts_event);
        if let Some(slot) = meanings.symbols.get_mut(place) {
            *slot = Some(index);
        }
        index
    }

    /// The number of a symbol, which is made if it is new; `time` is that of its first trade.
    #[cold]
    pub(super) fn intern(&mut self, name: &str, time: i64) -> u32 {
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
    fn trade(
        &mut self,
        index: u32,
        entry: &Entry,
        (batch, sure_until): (&TradeBatch, i64),
        out: &mut Vec<Point>,
    ) {
        self.advance(entry.time, out);
        let entry = self.admits(entry, batch).then_some(entry);
        match self.emission {
            Emission::Trade => self.follow(SymbolId(index), entry, sure_until, out),
            Emission::Grid => {
                if let Some(entry) = entry {
                    self.put(index, entry);
                }
            }
        }
    }

    /// Whether a trade may move anything; log time has been moved on to it.
    #[inline]
    fn admits(&mut self, entry: &Entry, batch: &TradeBatch) -> bool {
        let now = self.log_time.unwrap_or(entry.time);
        let reach = || self.settings.reach().ns();
        if entry.time < now && entry.time < now.saturating_sub(reach()) {
            self.drop_late(entry.time, batch);
            return false;
        }
        let count = match entry.flags {
            0 => &mut self.counters.ineligible,
            _ => &mut self.counters.applied,
        };
        *count += 1;
        entry.flags != 0
    }

    /// Counts a trade that is too late, by cause.
    #[cold]
    fn drop_late(&mut self, ts_event: i64, batch: &TradeBatch) {
        let delay = batch.ts_recv.saturating_sub(ts_event);
        // Recorded trades were received when they were played, not when they came.
        let is_live = self.coverage.clock == Clock::Wall;
        let dropped = &mut self.counters.late_dropped;
        if is_live && delay > self.settings.reach().ns() {
            dropped.delayed += 1;
        } else {
            dropped.out_of_order += 1;
        }
    }
}
