//! The newest points, on their way from analysis to a sink.
//!
//! Analysis pushes and never waits: what is too much leaves at the old end, and the sink reads it
//! from the store instead. So the tail bounds memory, and loses nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::store::PointRow;

/// Most points that wait; more are read from the store.
pub(super) const MAX_TAIL_POINTS: usize = 50_000;

/// The queue between analysis and one sink; a clone is another handle.
#[derive(Debug, Clone, Default)]
pub struct Tail(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    queue: Mutex<Queue>,
    news: Notify,
    acknowledgements: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    /// Contiguous numbers, ascending.
    rows: VecDeque<PointRow>,
    /// The number after the last one that was pushed; `None` before the first push.
    end: Option<u64>,
    /// The first number that the sink has not acknowledged.
    acknowledged: u64,
}

impl Queue {
    fn push(&mut self, row: PointRow) {
        if self.end.is_some_and(|end| end != row.emission) {
            // What lies between was never shown live: only the store can tell it.
            self.rows.clear();
        }
        self.end = Some(row.emission + 1);
        self.rows.push_back(row);
    }
}

/// What the tail holds from a number on.
#[derive(Debug, PartialEq)]
pub(super) enum Taken {
    /// Points, the first with that number.
    Rows(Vec<PointRow>),
    /// Points from that number on are not here: the store has them, or will soon.
    Elsewhere,
    /// No point with that number was emitted yet.
    Nothing,
}

impl Tail {
    /// A tail for a store that holds all points before number `saved`.
    pub fn new(saved: u64) -> Self {
        let tail = Self::default();
        tail.saved(saved);
        tail
    }

    /// Adds points in the order of their emission.
    pub fn push(&self, rows: impl IntoIterator<Item = PointRow>) {
        self.with(|queue| {
            rows.into_iter().for_each(|row| queue.push(row));
            let surplus = queue.rows.len().saturating_sub(MAX_TAIL_POINTS);
            queue.rows.drain(..surplus);
        });
        self.0.news.notify_one();
    }

    /// All points before number `next` are in the store; some may never have been pushed.
    pub fn saved(&self, next: u64) {
        self.with(|queue| {
            if queue.end.is_none_or(|end| end < next) {
                queue.rows.clear();
                queue.end = Some(next);
            }
        });
        self.0.news.notify_one();
    }

    /// The first number that the sink has not acknowledged: what is saved as its cursor.
    pub fn cursor(&self) -> u64 {
        self.with(|queue| queue.acknowledged)
    }

    /// How many points were emitted and are not acknowledged.
    pub fn lag(&self) -> u64 {
        self.with(|queue| {
            queue
                .end
                .map_or(0, |end| end.saturating_sub(queue.acknowledged))
        })
    }

    pub(super) fn acknowledge(&self, next: u64) {
        self.with(|queue| queue.acknowledged = next);
        self.0.acknowledgements.notify_one();
    }

    /// Completes when the sink has acknowledged something since this was last called.
    pub(super) async fn acknowledgement(&self) {
        self.0.acknowledgements.notified().await;
    }

    /// Takes out up to `most` points from number `next` on; older ones are let go of.
    pub(super) fn take(&self, next: u64, most: usize) -> Taken {
        self.with(|queue| {
            while queue.rows.front().is_some_and(|row| row.emission < next) {
                queue.rows.pop_front();
            }
            match (queue.rows.front(), queue.end) {
                (Some(first), _) if first.emission == next => {
                    let count = most.min(queue.rows.len());
                    let rows = queue.rows.drain(..count).collect();
                    queue.rows.shrink_to(1_024);
                    Taken::Rows(rows)
                }
                (None, Some(end)) if end <= next => Taken::Nothing,
                _ => Taken::Elsewhere,
            }
        })
    }

    /// How many points from number `next` on wait here.
    pub(super) fn waiting(&self, next: u64) -> usize {
        self.with(|queue| {
            let end = queue.end.filter(|_| !queue.rows.is_empty());
            usize::try_from(end.unwrap_or(0).saturating_sub(next)).unwrap_or(usize::MAX)
        })
    }

    /// Completes when points were pushed since this was last called.
    pub(super) async fn news(&self) {
        self.0.news.notified().await;
    }

    fn with<T>(&self, ask: impl FnOnce(&mut Queue) -> T) -> T {
        ask(&mut self.0.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stock_up_core::{Metrics, Point, Span, Status, SymbolId};

    fn row(emission: u64) -> PointRow {
        PointRow {
            emission,
            symbol: "SPY".into(),
            point: Point {
                symbol: SymbolId(0),
                window: Span::from_secs(60),
                time: 0,
                revision: 0,
                status: Status::Complete,
                coverage: 1.0,
                metrics: Metrics::EMPTY,
            },
        }
    }

    fn rows(numbers: std::ops::Range<u64>) -> Vec<PointRow> {
        numbers.map(row).collect()
    }

    #[test]
    fn points_are_taken_in_order_and_once() {
        let tail = Tail::new(3);
        assert_eq!(tail.take(2, 10), Taken::Elsewhere, "the store has it");
        assert_eq!(tail.take(3, 10), Taken::Nothing);
        tail.push(rows(3..8));
        tail.acknowledge(3);
        assert_eq!((tail.lag(), tail.waiting(3)), (5, 5));
        assert_eq!(tail.take(3, 2), Taken::Rows(rows(3..5)));
        assert_eq!(tail.take(5, 10), Taken::Rows(rows(5..8)));
        assert_eq!(tail.take(8, 10), Taken::Nothing);
        tail.acknowledge(8);
        assert_eq!((tail.lag(), tail.cursor()), (0, 8));
    }

    #[test]
    fn what_is_too_much_or_was_not_shown_is_elsewhere() {
        let tail = Tail::default();
        assert_eq!(tail.take(0, 1), Taken::Elsewhere, "nothing is known yet");
        tail.push(rows(0..MAX_TAIL_POINTS as u64 + 5));
        assert_eq!(tail.take(0, 1), Taken::Elsewhere);
        assert_eq!(tail.take(5, 1), Taken::Rows(rows(5..6)));
        let far = 2 * MAX_TAIL_POINTS as u64;
        tail.push(rows(far..far + 1));
        assert_eq!(
            tail.take(6, 1),
            Taken::Elsewhere,
            "a hole is not stepped over"
        );
        assert_eq!(tail.take(far, 9), Taken::Rows(rows(far..far + 1)));
        tail.push(rows(far + 1..far + 2));
        tail.saved(far + 4);
        tail.push(rows(far + 4..far + 5));
        assert_eq!(tail.take(far + 1, 9), Taken::Elsewhere, "saved unseen");
        assert_eq!(tail.take(far + 4, 9), Taken::Rows(rows(far + 4..far + 5)));
    }
}
