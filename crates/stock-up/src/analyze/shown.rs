//! Which symbols have to be shown anew: those with a new trade, and those that have aged.
//!
//! With thousands of symbols most do not change from one tick to the next. What a symbol shows
//! holds until a trade comes or the oldest one leaves a window, if it is complete; what is not
//! complete changes with time alone.

use stock_up_core::{Point, Status};

/// What is shown of all symbols, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Shown(Vec<Symbol>);

/// What is known of one symbol's rows.
#[derive(Debug, Clone, Copy)]
struct Symbol {
    /// They may say something else now.
    changed: bool,
    /// The log's time from which they do, although no trade came.
    ages_at: i64,
}

impl Shown {
    /// There are so many symbols; new ones have not been shown.
    pub(super) fn grow(&mut self, count: usize) {
        let new = Symbol {
            changed: true,
            ages_at: i64::MAX,
        };
        self.0.resize(count, new);
    }

    /// A trade of a symbol came.
    pub(super) fn traded(&mut self, index: usize) {
        if let Some(symbol) = self.0.get_mut(index) {
            symbol.changed = true;
        }
    }

    /// Something happened that concerns all of them.
    pub(super) fn change_all(&mut self) {
        for symbol in &mut self.0 {
            symbol.changed = true;
        }
    }

    /// The log's time has moved on to `now`.
    pub(super) fn age(&mut self, now: i64) {
        for symbol in &mut self.0 {
            symbol.changed |= symbol.ages_at <= now;
        }
    }

    /// The numbers of those that have to be shown, once: whoever shows one notes it.
    pub(super) fn take(&mut self) -> impl Iterator<Item = usize> {
        let symbols = self.0.iter_mut().enumerate();
        symbols.filter_map(|(index, symbol)| std::mem::take(&mut symbol.changed).then_some(index))
    }

    /// `rows` are shown of a symbol; no trade leaves its windows before `ages_at`.
    pub(super) fn note(&mut self, index: usize, rows: &[Point], ages_at: Option<i64>) {
        if let Some(symbol) = self.0.get_mut(index) {
            let is_complete = rows.iter().all(|row| row.status == Status::Complete);
            symbol.ages_at = if is_complete {
                ages_at.unwrap_or(i64::MAX)
            } else {
                i64::MIN
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use stock_up_core::{Metrics, Span, SymbolId};

    use super::*;

    fn row(status: Status) -> Point {
        Point {
            symbol: SymbolId(0),
            window: Span::from_secs(60),
            time: 0,
            revision: 0,
            status,
            coverage: 1.0,
            metrics: Metrics::EMPTY,
        }
    }

    fn taken(shown: &mut Shown) -> Vec<usize> {
        shown.take().collect()
    }

    #[test]
    fn only_what_has_changed_is_shown_anew() {
        let mut shown = Shown::default();
        shown.grow(3);
        assert_eq!(taken(&mut shown), [0, 1, 2]);
        shown.note(0, &[row(Status::Complete)], Some(100));
        shown.note(1, &[row(Status::Complete), row(Status::Warming)], Some(100));
        shown.note(2, &[row(Status::Complete)], None);

        shown.age(99);
        assert_eq!(
            taken(&mut shown),
            [1],
            "what is not complete changes with time"
        );
        shown.age(100);
        assert_eq!(taken(&mut shown), [0, 1], "a trade has left");
        shown.traded(2);
        assert_eq!(taken(&mut shown), [2]);
        shown.change_all();
        assert_eq!(taken(&mut shown), [0, 1, 2]);
    }

    /// It was shown as provisional for ever when the feed came back.
    #[test]
    fn an_empty_window_that_is_not_complete_is_looked_at_until_it_is() {
        let mut shown = Shown::default();
        shown.grow(1);
        assert_eq!(taken(&mut shown), [0]);
        shown.note(0, &[row(Status::Provisional)], None);
        shown.age(1);
        assert_eq!(taken(&mut shown), [0]);
        shown.note(0, &[row(Status::Complete)], None);
        shown.age(2);
        assert!(taken(&mut shown).is_empty());
    }
}
