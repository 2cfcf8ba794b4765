//! What the log tells the publisher: that there is more, and what of it shall not wait for company.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Between the log and the publisher; one of each.
#[derive(Debug, Default)]
pub(crate) struct LogNews {
    more: Notify,
    due: Notify,
    awaited: Mutex<Option<Awaited>>,
}

/// Records that shall go soon and are not durable yet, by the sequence numbers after them.
#[derive(Debug, Clone, Copy)]
struct Awaited {
    first: u64,
    last: u64,
}

impl LogNews {
    /// The log is durable up to `end`.
    pub(crate) fn durable(&self, end: u64) {
        self.more.notify_one();
        let mut awaited = self.awaited();
        let Some(Awaited { first, last }) = *awaited else {
            return;
        };
        if first <= end {
            *awaited = (last > end).then_some(Awaited { first: last, last });
            self.due.notify_one();
        }
    }

    /// The record before `record_end` shall go soon. `durable_end` looks how far the log is durable.
    pub(crate) fn becomes_due(&self, record_end: u64, durable_end: impl FnOnce() -> u64) {
        {
            let mut awaited = self.awaited();
            // A log that was opened again may have gone back behind what was awaited.
            let pending = awaited.filter(|awaited| awaited.last <= record_end);
            *awaited = Some(Awaited {
                first: pending.map_or(record_end, |awaited| awaited.first),
                last: record_end,
            });
        }
        // Order matters: if the log came so far before it was noted, nobody else tells of it.
        self.durable(durable_end());
    }

    /// Waits until more of the log is durable.
    pub(super) async fn more(&self) {
        self.more.notified().await;
    }

    /// Waits until a record is durable that shall go soon.
    pub(super) async fn due(&self) {
        self.due.notified().await;
    }

    /// A panic elsewhere cannot leave it half changed: every change is one assignment.
    fn awaited(&self) -> MutexGuard<'_, Option<Awaited>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn is_told(waits: impl Future<Output = ()>) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(waits).poll(&mut context).is_ready()
    }

    #[test]
    fn what_shall_go_soon_is_told_once_it_is_durable() {
        let news = LogNews::default();
        news.becomes_due(10, || 4);
        assert!(!is_told(news.due()), "not durable yet");
        news.durable(9);
        assert!(!is_told(news.due()), "not durable yet");
        news.durable(12);
        assert!(is_told(news.due()));
        news.durable(20);
        assert!(!is_told(news.due()), "told once");
        assert!(is_told(news.more()));
    }

    #[test]
    fn what_becomes_durable_while_it_is_noted_is_told_as_well() {
        let news = LogNews::default();
        news.durable(10);
        news.becomes_due(10, || 10);
        assert!(is_told(news.due()), "durable before");
        news.becomes_due(20, || {
            news.durable(20);
            10
        });
        assert!(
            is_told(news.due()),
            "durable before the look that missed it"
        );
    }

    #[test]
    fn each_of_several_is_told() {
        let news = LogNews::default();
        for end in [10, 20, 30] {
            news.becomes_due(end, || 4);
        }
        news.durable(10);
        assert!(is_told(news.due()), "although more is awaited");
        news.durable(30);
        assert!(is_told(news.due()));
        news.durable(40);
        assert!(!is_told(news.due()));
    }

    #[test]
    fn what_a_log_lost_when_it_was_opened_again_is_not_waited_for() {
        let news = LogNews::default();
        news.becomes_due(100, || 50);
        news.becomes_due(60, || 50);
        news.durable(60);
        assert!(is_told(news.due()));
    }
}
