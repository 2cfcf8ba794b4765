//! The live view: a symbol's windows at the log's time, whatever the grid.

use super::Analyzer;
use crate::book::Entry;
use crate::coverage::Coverage;
use crate::point::{Metrics, Point, SymbolId};
use crate::span::Span;

/// What is the same for all windows of one symbol.
struct View<'a> {
    id: SymbolId,
    /// The symbol is observed since this time.
    since: i64,
    now: i64,
    coverage: &'a Coverage,
}

impl View<'_> {
    #[inline]
    fn point(&self, length: i64, metrics: Metrics) -> Point {
        let from = self.now.saturating_sub(length);
        let (status, coverage) = self.coverage.judge_live(self.since, from, self.now);
        Point {
            symbol: self.id,
            window: Span::from_ns(length),
            time: self.now,
            revision: 0,
            status,
            coverage,
            metrics,
        }
    }
}

impl Analyzer {
    /// The live view of a symbol's windows at the log's time, appended to `out`.
    pub fn live(&mut self, id: SymbolId, out: &mut Vec<Point>) {
        let (Some(now), Some(first)) = (self.log_time, self.first_time) else {
            return;
        };
        if let Some(symbol) = self.symbols.get_mut(id.0 as usize) {
            let view = View {
                id,
                since: symbol.observed_since(first, self.held_from),
                now,
                coverage: &self.coverage,
            };
            let point = |length, metrics| view.point(length, metrics);
            symbol.book.live(now, out, point);
        }
    }

    /// The log's time from which what [`Analyzer::live`] said last of a symbol is not true any more
    /// although no trade came: one leaves a window. `None` if all its windows are empty.
    ///
    /// Status and coverage are not looked at: see [`Analyzer::is_heard`].
    pub fn ages_at(&self, id: SymbolId) -> Option<i64> {
        self.symbols.get(id.0 as usize)?.book.ages_at()
    }

    /// Whether the feed was heard from lately, so that the passing of time alone makes no complete
    /// live view provisional.
    pub fn is_heard(&self) -> bool {
        let now = self.log_time.unwrap_or(i64::MIN);
        self.coverage.is_proven_live(now)
    }

    /// As [`Analyzer::live`], after `entry` if there is one; the symbol then holds no more than its
    /// longest window.
    #[inline]
    pub(super) fn follow(&mut self, id: SymbolId, entry: Option<&Entry>, out: &mut Vec<Point>) {
        let (Some(now), Some(first)) = (self.log_time, self.first_time) else {
            return;
        };
        if let Some(symbol) = self.symbols.get_mut(id.0 as usize) {
            let view = View {
                id,
                since: symbol.observed_since(first, self.held_from),
                now,
                coverage: &self.coverage,
            };
            let before = out.len();
            let point = |length, metrics| view.point(length, metrics);
            symbol.book.follow(entry, now, out, point);
            self.counters.points += (out.len() - before) as u64;
        }
    }
}
