//! Which points are emitted again.
//!
//! What changes after a grid time was emitted (a late trade, news about the feed) is collected, and
//! the points it touches are emitted again just before the next grid time: so the number of
//! revisions depends on the log alone, not on how it was cut into batches.

use super::Analyzer;
use super::grid::first_grid;
use super::symbol::Context;
use crate::book::Past;
use crate::point::{Point, SymbolId};

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

/// What changed for one symbol.
struct Change {
    index: u32,
    /// Late event times, sorted.
    late: Vec<i64>,
    /// As [`Revise::recheck`], within what can be revised.
    recheck: Option<(i64, i64)>,
    /// The last emitted grid time.
    emitted_to: i64,
}

impl Analyzer {
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
        let rest = first_grid(time.saturating_add(1), self.settings.grid);
        let emitted_to = self.emitted_to();
        self.revise.unproven = Some(rest).filter(|rest| Some(*rest) <= emitted_to);
    }

    /// Emits again what has changed since the last grid time.
    pub(super) fn flush(&mut self, out: &mut Vec<Point>) {
        let recheck = self.revise.recheck.take();
        let late = std::mem::take(&mut self.revise.symbols);
        if recheck.is_none() && late.is_empty() {
            return;
        }
        let Some(emitted_to) = self.emitted_to() else {
            return;
        };
        let reach = emitted_to.saturating_sub(self.settings.reach().ns());
        let within = |(from, to): (i64, i64)| {
            (
                first_grid(from.max(reach), self.settings.grid),
                to.min(emitted_to),
            )
        };
        let recheck = recheck.map(within).filter(|(from, to)| from <= to);
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
                &Change {
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
        out.append(&mut changed);
    }

    /// The last grid time that was emitted, or passed in silence.
    fn emitted_to(&self) -> Option<i64> {
        self.next_grid.map(|next| next - self.settings.grid.ns())
    }

    fn revise_symbol(&mut self, change: &Change, changed: &mut Vec<Point>) {
        let (settings, coverage) = (&self.settings, &self.coverage);
        let Some(symbol) = self.symbols.get_mut(change.index as usize) else {
            return;
        };
        let since = symbol.observed_since(self.first_time.unwrap_or(i64::MIN), self.held_from);
        let context = Context {
            id: SymbolId(change.index),
            settings,
            coverage,
            since,
        };
        for (place, window) in settings.windows.iter().enumerate() {
            let length = window.ns();
            if let Some((from, to)) = change.span(length, settings.grid) {
                let concerned =
                    |past: &Past, was_emitted| change.concerns(past, length, was_emitted);
                symbol.emit_again((place, from, to), context, concerned, changed);
            }
        }
    }
}

impl Change {
    /// The grid times, first to last, that may have changed for a window of `length`.
    fn span(&self, length: i64, grid: crate::Span) -> Option<(i64, i64)> {
        let late = self
            .late
            .first()
            .zip(self.late.last())
            .map(|(first, last)| {
                (
                    first_grid(*first, grid),
                    last.saturating_add(length + grid.ns()),
                )
            });
        let (from, to) = match (late, self.recheck) {
            (Some(late), Some(recheck)) => (late.0.min(recheck.0), late.1.max(recheck.1)),
            (Some(span), None) | (None, Some(span)) => span,
            (None, None) => return None,
        };
        Some((from, to.min(self.emitted_to))).filter(|(from, to)| from <= to)
    }

    /// Whether a past point is to be emitted (again).
    fn concerns(&self, past: &Past, length: i64, was_emitted: bool) -> bool {
        let rechecked = self
            .recheck
            .is_some_and(|(from, to)| from <= past.time && past.time <= to);
        if rechecked && was_emitted {
            return true;
        }
        let start = past.time.saturating_sub(length);
        let first_within = self.late.partition_point(|late| *late < start);
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
