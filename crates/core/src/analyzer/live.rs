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
