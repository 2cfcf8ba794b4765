//! What the log tells the publisher: that there is more, and what of it shall not wait for company.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// No record shall go soon.
const NOTHING: u64 = 0;

/// Between the log and the publisher; one of each.
#[derive(Debug, Default)]
pub(crate) struct LogNews {
    more: Notify,
    due: Notify,
    /// The sequence number after the record that shall go soon, until it is durable.
    due_end: AtomicU64,
}

impl LogNews {
    /// The log is durable up to `end`.
    pub(crate) fn durable(&self, end: u64) {
        self.more.notify_one();
        let due_end = self.due_end.load(Ordering::Acquire);
        let is_due = due_end != NOTHING && due_end <= end;
        // If another has become due meanwhile, a later call tells of both.
        if is_due && self.settle(due_end) {
            self.due.notify_one();
        }
    }

    /// The record before `record_end` shall go soon; the log is durable up to `end`.
    pub(crate) fn becomes_due(&self, record_end: u64, end: u64) {
        self.due_end.fetch_max(record_end, Ordering::AcqRel);
        // Order matters: if the log came so far before it was noted here, nobody else tells of it.
        self.durable(end);
    }

    /// Waits until more of the log is durable.
    pub(super) async fn more(&self) {
        self.more.notified().await;
    }

    /// Waits until a record is durable that shall go soon.
    pub(super) async fn due(&self) {
        self.due.notified().await;
    }

    fn settle(&self, due_end: u64) -> bool {
        let settled =
            self.due_end
                .compare_exchange(due_end, NOTHING, Ordering::AcqRel, Ordering::Relaxed);
        settled.is_ok()
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
        news.becomes_due(10, 4);
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
    fn what_was_durable_before_it_was_noted_is_told_as_well() {
        let news = LogNews::default();
        news.durable(10);
        news.becomes_due(10, 10);
        assert!(is_told(news.due()));
    }

    #[test]
    fn the_later_of_two_is_told() {
        let news = LogNews::default();
        news.becomes_due(10, 4);
        news.becomes_due(20, 4);
        news.durable(20);
        assert!(is_told(news.due()));
        assert!(!is_told(news.due()));
    }
}
