//! When points are emitted: a grid time is due once the log's time has passed it by more than the
//! lateness.

use super::Analyzer;
use super::fetch::{Fetch, Step};
use super::grid::{first_grid, hold};
use super::symbol::{Context, Symbol};
use crate::book::Entry;
use crate::point::{Point, SymbolId};

impl Analyzer {
    /// Moves the log's time on, emitting what is due before.
    #[inline]
    pub(super) fn advance(&mut self, time: i64, out: &mut Vec<Point>) {
        let now = self.log_time.unwrap_or(i64::MIN);
        if let Some(next) = self.next_grid
            && next.saturating_add(self.settings.lateness.ns()) < time
            && now < time
        {
            let before = time.saturating_sub(self.settings.lateness.ns());
            self.emit_before((next, before), time, out);
        }
        // Not asked whether it moves: which of the trades of a millisecond is the first is hard to
        // predict.
        self.log_time = Some(now.max(time));
        self.first_time.get_or_insert(time);
    }

    /// Emits every grid time up to the first at or after the log's time.
    pub(super) fn finish(&mut self, out: &mut Vec<Point>) {
        let (Some(now), Some(next)) = (self.log_time, self.next_grid) else {
            return;
        };
        let end = first_grid(now, self.settings.grid);
        self.emit_before((next, end.saturating_add(1)), now, out);
    }

    /// Emits what waits to be emitted again, and every grid time from `next` that is before `end`;
    /// the log's time will be `now`.
    fn emit_before(&mut self, (mut next, end): (i64, i64), now: i64, out: &mut Vec<Point>) {
        self.flush(out);
        let first = next;
        while next < end {
            if !self.emit(next, now, out) {
                // Nobody holds a trade: the rest of the way is silent.
                next = first_grid(end, self.settings.grid);
                self.forget_emitted(next);
                break;
            }
            next += self.settings.grid.ns();
        }
        self.next_grid = Some(next);
        self.await_proof(first, next);
        let horizon = next.saturating_sub(hold(&self.settings));
        self.coverage.forget(horizon);
    }

    /// Notes that grid times from `first` on wait for a sign of life: their coverage may still rise,
    /// whatever their status is; also where nobody holds a trade yet, because a late one may come.
    fn await_proof(&mut self, first: i64, next: i64) {
        let Some((heard, lost)) = self.coverage.proven() else {
            return;
        };
        let unheard = first_grid(heard.saturating_add(1), self.settings.grid).max(first);
        if unheard < next.min(lost) {
            self.revise.unproven.get_or_insert(unheard);
        }
    }

    /// Emits one grid time; false if no symbol holds a trade any more.
    fn emit(&mut self, time: i64, now: i64, out: &mut Vec<Point>) -> bool {
        let cutoff = time.saturating_sub(hold(&self.settings));
        let grid = self.settings.grid.ns();
        let first_time = self.first_time.unwrap_or(time);
        let mut any_held = false;
        let fetch = Fetch::new(self.symbols.len(), Step::Emit);
        fetch.begin(|number| self.in_order(number));
        for (number, index) in self.order.iter().enumerate() {
            fetch.ask(|ahead| self.in_order(number + ahead));
            let Some(symbol) = self.symbols.get_mut(*index as usize) else {
                continue;
            };
            if symbol.is_due(time) {
                let since = symbol.observed_since(first_time, self.held_from);
                let (settings, coverage) = (&self.settings, &self.coverage);
                let context = Context {
                    id: SymbolId(*index),
                    settings,
                    coverage,
                    since,
                };
                symbol.emit(time, context, out);
                // The last grid time of an input lies beyond the log's time; a live view never does.
                symbol.book.evict(cutoff, time.min(now));
            }
            symbol.forget(cutoff.saturating_add(grid), grid);
            any_held |= symbol.book.held() > 0;
        }
        any_held
    }

    #[inline]
    fn in_order(&self, number: usize) -> Option<&Symbol> {
        self.symbols.get(*self.order.get(number)? as usize)
    }

    /// Puts a trade into its book: the first of its symbol starts the series, and one behind the
    /// last emitted grid time changes points.
    #[inline]
    pub(super) fn put(&mut self, index: u32, entry: &Entry) {
        let time = entry.time;
        let grid = self.settings.grid;
        let next = *self.next_grid.get_or_insert_with(|| first_grid(time, grid));
        let Some(symbol) = self.symbols.get_mut(index as usize) else {
            return;
        };
        if time <= symbol.first_grid.saturating_sub(grid.ns()) {
            symbol.first_grid = first_grid(time, grid);
        }
        if time <= next - grid.ns() {
            self.counters.late_applied += 1;
            if symbol.late.is_empty() {
                self.revise.symbols.push(index);
            }
            symbol.late.push(time);
        }
        symbol.book.push(entry);
    }

    /// Forgets what lies too far back to be revised when `next` is the next grid time.
    fn forget_emitted(&mut self, next: i64) {
        let horizon = next.saturating_sub(hold(&self.settings));
        for symbol in &mut self.symbols {
            symbol.forget(horizon, self.settings.grid.ns());
        }
    }
}
