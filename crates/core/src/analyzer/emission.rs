//! Which points are emitted, and when.
//!
//! A grid time is emitted when the log's time has passed it by more than the lateness. What changes
//! later (a late trade, news about the feed) is collected, and the points it touches are emitted again
//! just before the next grid time: so the number of revisions depends on the log alone, not on how it
//! was cut into batches.

use super::{Analyzer, Emission, first_grid, hold};
use crate::book::{End, Past};
use crate::point::{Metrics, Point, Status, SymbolId};

/// Points that wait to be emitted again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Revise {
    /// Symbols with late trades, in the order in which these came.
    pub(super) symbols: Vec<u32>,
    /// Grid times, first to last, whose trust may have changed for every symbol.
    pub(super) recheck: Option<(i64, i64)>,
    /// The first emitted grid time that waits for a sign of life.
    pub(super) unproven: Option<i64>,
}

/// What one flush looks at for one symbol.
struct Span {
    index: u32,
    /// Late event times, sorted.
    late: Vec<i64>,
    recheck: Option<(i64, i64)>,
    /// The last emitted grid time.
    emitted_to: i64,
}

impl Analyzer {
    /// Moves the log's time on, emitting what is due before.
    #[inline]
    pub(super) fn advance(&mut self, time: i64, out: &mut Vec<Point>) {
        if self.log_time.is_some_and(|now| time <= now) {
            return;
        }
        if let Some(next) = self.next_grid
            && next.saturating_add(self.settings.lateness.ns()) < time
        {
            self.emit_before(next, time, out);
        }
        self.log_time = Some(time);
        self.first_time.get_or_insert(time);
    }

    /// Emits every grid time that `time` has passed by more than the lateness.
    fn emit_before(&mut self, mut next: i64, time: i64, out: &mut Vec<Point>) {
        self.flush(out);
        let (grid, lateness) = (self.settings.grid.ns(), self.settings.lateness.ns());
        while next.saturating_add(lateness) < time {
            if !self.emit(next, out) {
                // Nobody holds a trade: the rest of the way is silent.
                next = first_grid(time.saturating_sub(lateness), self.settings.grid);
                break;
            }
            next += grid;
        }
        self.next_grid = Some(next);
        self.forget(next);
    }

    /// Emits every grid time up to the first at or after the log's time.
    pub(super) fn finish(&mut self, out: &mut Vec<Point>) {
        self.flush(out);
        let (Some(now), Some(mut next)) = (self.log_time, self.next_grid) else {
            return;
        };
        let end = first_grid(now, self.settings.grid);
        while next <= end {
            if !self.emit(next, out) {
                next = end + self.settings.grid.ns();
                break;
            }
            next += self.settings.grid.ns();
        }
        self.next_grid = Some(next);
    }

    /// Emits one grid time; false if no symbol holds a trade any more.
    fn emit(&mut self, time: i64, out: &mut Vec<Point>) -> bool {
        let first_point = out.len();
        let cutoff = time.saturating_sub(hold(&self.settings));
        let grid = self.settings.grid.ns();
        let mut any_held = false;
        for index in &self.order {
            let Some(symbol) = self.symbols.get_mut(*index as usize) else {
                continue;
            };
            if symbol.book.held() == 0 || symbol.first_grid.is_none_or(|first| first > time) {
                any_held |= symbol.book.held() > 0;
                continue;
            }
            let since = symbol
                .since
                .or(self.first_time)
                .unwrap_or(time)
                .max(self.held_from);
            for (place, window) in self.settings.windows.iter().enumerate() {
                // A late trade may have come behind the place where the view stands.
                let was_empty = symbol.book.advance(End::Grid, place, time - grid);
                let is_empty = symbol.book.advance(End::Grid, place, time);
                if is_empty && was_empty {
                    continue;
                }
                let from = time.saturating_sub(window.ns());
                let (status, coverage) = self.coverage.judge(since, from, time);
                let metrics = if is_empty {
                    Metrics::EMPTY
                } else {
                    symbol.book.metrics(End::Grid, place)
                };
                let revision = symbol
                    .emitted
                    .get_mut(place)
                    .map_or(0, |emitted| emitted.note(time, grid));
                out.push(Point {
                    symbol: SymbolId(*index),
                    window: *window,
                    time,
                    revision,
                    status,
                    coverage,
                    metrics,
                });
            }
            symbol.book.evict(cutoff, time);
            any_held |= symbol.book.held() > 0;
        }
        let emitted = out.get(first_point..).unwrap_or_default();
        if emitted
            .iter()
            .any(|point| point.status == Status::Provisional)
        {
            self.revise.unproven.get_or_insert(time);
        }
        self.counters.points += (out.len() - first_point) as u64;
        any_held
    }

    /// Notes a trade before it is put into its book: the first of its symbol starts the series, and
    /// one behind the last emitted grid time changes points.
    #[inline]
    pub(super) fn note_late(&mut self, index: u32, time: i64) {
        if self.emission == Emission::Trade {
            return;
        }
        let next = match self.next_grid {
            Some(next) => next,
            None => *self.next_grid.insert(first_grid(time, self.settings.grid)),
        };
        let Some(symbol) = self.symbols.get_mut(index as usize) else {
            return;
        };
        if symbol
            .first_grid
            .is_none_or(|first| time <= first - self.settings.grid.ns())
        {
            symbol.first_grid = Some(first_grid(time, self.settings.grid));
        }
        if time <= next - self.settings.grid.ns() {
            self.counters.late_applied += 1;
            if symbol.late.is_empty() {
                self.revise.symbols.push(index);
            }
            symbol.late.push(time);
        }
    }

    /// Asks for the points from `from` to `to` to be emitted again, because their trust changed.
    pub(super) fn recheck(&mut self, from: i64, to: i64) {
        let (from, to) = match self.revise.recheck {
            Some((first, last)) => (from.min(first), to.max(last)),
            None => (from, to),
        };
        self.revise.recheck = Some((from, to));
    }

    /// Notes a sign of life, which may prove points that were emitted without one.
    pub(super) fn hear(&mut self, time: i64) {
        self.coverage.hear(time);
        let Some(first) = self.revise.unproven.filter(|first| *first <= time) else {
            return;
        };
        self.recheck(first, time);
        let grid = self.settings.grid;
        let emitted_to = self.next_grid.unwrap_or(i64::MIN).saturating_sub(grid.ns());
        let rest = first_grid(time.saturating_add(1), grid);
        self.revise.unproven = Some(rest).filter(|rest| *rest <= emitted_to);
    }

    /// Emits again what has changed since the last grid time.
    pub(super) fn flush(&mut self, out: &mut Vec<Point>) {
        let recheck = self.revise.recheck.take();
        let late = std::mem::take(&mut self.revise.symbols);
        if recheck.is_none() && late.is_empty() {
            return;
        }
        let Some(emitted_to) = self.next_grid.map(|next| next - self.settings.grid.ns()) else {
            return;
        };
        let reach = emitted_to.saturating_sub(self.settings.reach().ns());
        let recheck = recheck
            .map(|(from, to)| {
                (
                    first_grid(from.max(reach), self.settings.grid),
                    to.min(emitted_to),
                )
            })
            .filter(|(from, to)| from <= to);
        let indexes = if recheck.is_some() {
            self.order.clone()
        } else {
            late
        };
        let mut changed = Vec::new();
        for index in indexes {
            let Some(symbol) = self.symbols.get_mut(index as usize) else {
                continue;
            };
            let mut late = std::mem::take(&mut symbol.late);
            late.sort_unstable();
            self.revise_symbol(
                &Span {
                    index,
                    late,
                    recheck,
                    emitted_to,
                },
                &mut changed,
            );
        }
        // Rows come by grid time, then symbol, then window.
        changed.sort_by(|left, right| {
            let name = |point: &Point| self.symbol(point.symbol);
            (left.time, name(left), left.window).cmp(&(right.time, name(right), right.window))
        });
        self.counters.points += changed.len() as u64;
        out.append(&mut changed);
    }

    fn revise_symbol(&mut self, span: &Span, changed: &mut Vec<Point>) {
        let grid = self.settings.grid;
        let Some(symbol) = self.symbols.get_mut(span.index as usize) else {
            return;
        };
        let since = symbol
            .since
            .or(self.first_time)
            .unwrap_or(i64::MIN)
            .max(self.held_from);
        for (place, window) in self.settings.windows.iter().enumerate() {
            let length = window.ns();
            let late_from = span.late.first().map(|first| first_grid(*first, grid));
            let late_to = span
                .late
                .last()
                .map(|last| last.saturating_add(length + grid.ns()));
            let from = late_from
                .into_iter()
                .chain(span.recheck.map(|(from, _)| from))
                .min();
            let to = late_to
                .into_iter()
                .chain(span.recheck.map(|(_, to)| to))
                .max();
            let (Some(from), Some(to)) = (from, to.map(|to| to.min(span.emitted_to))) else {
                continue;
            };
            let Some(emitted) = symbol.emitted.get_mut(place) else {
                continue;
            };
            let step = usize::try_from(grid.ns()).unwrap_or(usize::MAX);
            let times = (from - grid.ns()..=to).step_by(step);
            symbol.book.walk(length, times, &mut |past: Past| {
                if !span.concerns(&past, length, emitted.contains(past.time)) {
                    return;
                }
                let (status, coverage) = self.coverage.judge(since, past.time - length, past.time);
                changed.push(Point {
                    symbol: SymbolId(span.index),
                    window: *window,
                    time: past.time,
                    revision: emitted.note(past.time, grid.ns()),
                    status,
                    coverage,
                    metrics: if past.is_empty {
                        Metrics::EMPTY
                    } else {
                        past.metrics
                    },
                });
            });
        }
    }

    /// Forgets what lies too far back to be revised.
    fn forget(&mut self, next: i64) {
        let horizon = next.saturating_sub(hold(&self.settings));
        self.coverage.forget(horizon);
        let grid = self.settings.grid.ns();
        for symbol in &mut self.symbols {
            for emitted in &mut symbol.emitted {
                emitted.forget(horizon, grid);
            }
        }
    }
}

impl Span {
    /// Whether a past point is to be emitted (again).
    fn concerns(&self, past: &Past, length: i64, was_emitted: bool) -> bool {
        let rechecked = self
            .recheck
            .is_some_and(|(from, to)| from <= past.time && past.time <= to);
        if rechecked && was_emitted {
            return true;
        }
        let first_within = self
            .late
            .partition_point(|late| *late < past.time.saturating_sub(length));
        if self
            .late
            .get(first_within)
            .is_some_and(|late| *late <= past.time)
        {
            return true;
        }
        // A late trade also moves the time at which its window became empty.
        !self.late.is_empty() && past.is_empty && !past.was_empty && !was_emitted
    }
}
