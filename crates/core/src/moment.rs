//! One symbol at the log's time: what makes a live point of a window there.

use crate::coverage::Coverage;
use crate::metric::{Scales, metrics};
use crate::point::{Point, Status, SymbolId};
use crate::span::Span;
use crate::unit::Unit;
use crate::view::View;

/// What is the same for all windows of the symbol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) id: SymbolId,
    /// The symbol is observed since this time.
    pub(crate) since: i64,
    /// The log's time.
    pub(crate) now: i64,
    /// See [`Coverage::sure_until`].
    pub(crate) sure_until: i64,
    pub(crate) coverage: &'a Coverage,
}

impl Moment<'_> {
    /// The point of `view`, which stands at the log's time.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "it is written where it stays: copying what was just written is slow"
    )]
    pub(crate) fn point<U: Unit>(&self, view: &View<U>, scales: Scales) -> Point {
        let length = view.length();
        let from = self.now.saturating_sub(length);
        // Asked first: what is known already has to be put aside for a call.
        let (status, coverage) = if self.since <= from && self.now <= self.sure_until {
            (Status::Complete, 1.0)
        } else {
            self.coverage.judge_live(self.since, from, self.now)
        };
        Point {
            symbol: self.id,
            window: Span::from_ns(length),
            time: self.now,
            revision: 0,
            status,
            coverage,
            metrics: metrics(view, scales),
        }
    }
}
