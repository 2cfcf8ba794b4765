//! The live view: a symbol's windows at the log's time, whatever the grid.

use super::Analyzer;
use crate::book::{Book, Entry};
use crate::moment::Moment;
use crate::point::{Point, SymbolId};

impl Analyzer {
    /// The live view of a symbol's windows at the log's time, appended to `out`.
    pub fn live(&mut self, id: SymbolId, out: &mut Vec<Point>) {
        let sure_until = self.coverage.sure_until();
        self.at_now(id, sure_until, |book, moment| book.live(moment, out));
    }

    /// The log's time from which what [`Analyzer::live`] said last of a symbol is not true any more
    /// although no trade came: one leaves a window. `None` if all its windows are empty.
    ///
    /// Status and coverage are not looked at: see [`Analyzer::is_sure`].
    pub fn ages_at(&self, id: SymbolId) -> Option<i64> {
        self.symbols.get(id.0 as usize)?.book.ages_at()
    }

    /// Whether a live view that was complete still is: the feed was heard from lately, and nothing
    /// was missed.
    pub fn is_sure(&self) -> bool {
        self.log_time
            .is_some_and(|now| now <= self.coverage.sure_until())
    }

    /// As [`Analyzer::live`], after `entry` if there is one; the symbol then holds no more than its
    /// longest window.
    #[inline]
    pub(super) fn follow(
        &mut self,
        id: SymbolId,
        entry: Option<&Entry>,
        sure_until: i64,
        out: &mut Vec<Point>,
    ) {
        self.at_now(id, sure_until, |book, moment| {
            book.follow(entry, moment, out);
        });
    }

    /// Calls `see` with the book of a symbol, once there is a time of the log; `sure_until` is that
    /// of the coverage, which is the same for all trades of a batch.
    #[inline]
    fn at_now(&mut self, id: SymbolId, sure_until: i64, see: impl FnOnce(&mut Book, &Moment<'_>)) {
        let (Some(now), Some(first)) = (self.log_time, self.first_time) else {
            return;
        };
        if let Some(symbol) = self.symbols.get_mut(id.0 as usize) {
            let moment = Moment {
                id,
                since: symbol.observed_since(first, self.held_from),
                now,
                sure_until,
                coverage: &self.coverage,
            };
            see(&mut symbol.book, &moment);
        }
    }
}
