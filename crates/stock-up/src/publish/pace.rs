//! When the next group is published: what costs is not the records but the messages.
//!
//! A lone record goes at once. What comes soon after it waits for company, so that a stream of
//! small frames becomes a few messages a second for each partition, and every process on the way
//! wakes up as seldom. A record that lets points be emitted does not wait ([`LogNews`]): the points
//! are what somebody waits for.

use std::time::Duration;

use stock_up_io::clock::Stopwatch;
use tokio::time::sleep;

use super::LogNews;

/// Keeps the distance between groups.
#[derive(Debug)]
pub(super) struct Pace {
    distance: Duration,
    /// When the last group was closed, unless the next may follow at once.
    last: Option<Stopwatch>,
}

impl Pace {
    pub(super) fn new(distance: Duration) -> Self {
        let last = None;
        Self { distance, last }
    }

    /// A group was closed; after one that was full there is more, which has waited long enough.
    pub(super) fn published(&mut self, was_full: bool) {
        self.last = (!was_full).then(Stopwatch::start);
    }

    /// Waits until the next group may be closed: its time has come, or it has a record that shall
    /// go soon.
    pub(super) async fn closes(&self, news: &LogNews) {
        tokio::select! {
            // Asked first: what goes with this group shall not close the next one as well.
            biased;
            () = news.due() => {}
            () = self.wait() => {}
        }
    }

    async fn wait(&self) {
        let left = self.left();
        if !left.is_zero() {
            sleep(left).await;
        }
    }

    fn left(&self) -> Duration {
        let passed = |last: &Stopwatch| self.distance.saturating_sub(last.elapsed());
        self.last.as_ref().map_or(Duration::ZERO, passed)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    /// Longer than any test takes.
    const DISTANCE: Duration = Duration::from_hours(1);

    #[test]
    fn the_first_group_goes_at_once() {
        assert_eq!(Pace::new(DISTANCE).left(), Duration::ZERO);
    }

    #[test]
    fn the_next_one_waits_for_company() {
        let mut pace = Pace::new(DISTANCE);
        pace.published(false);
        assert!(pace.left() > DISTANCE / 2, "{:?}", pace.left());
    }

    #[test]
    fn what_did_not_fit_follows_at_once() {
        let mut pace = Pace::new(DISTANCE);
        pace.published(false);
        pace.published(true);
        assert_eq!(pace.left(), Duration::ZERO);
    }

    #[tokio::test]
    async fn what_shall_go_soon_does_not_wait_for_company() {
        let news = LogNews::default();
        let mut pace = Pace::new(DISTANCE);
        pace.published(false);
        let mut closes = pin!(pace.closes(&news));
        let mut context = Context::from_waker(Waker::noop());
        assert!(closes.as_mut().poll(&mut context).is_pending());
        news.durable(5);
        let is_pending = closes.as_mut().poll(&mut context).is_pending();
        assert!(is_pending, "none of these shall go soon");
        news.becomes_due(6, || 5);
        let is_pending = closes.as_mut().poll(&mut context).is_pending();
        assert!(is_pending, "not durable yet");
        news.durable(6);
        assert!(closes.as_mut().poll(&mut context).is_ready());
    }

    #[tokio::test]
    async fn what_went_with_a_group_does_not_close_the_next_one() {
        let news = LogNews::default();
        let mut pace = Pace::new(DISTANCE);
        news.becomes_due(6, || 6);
        pace.closes(&news).await;
        pace.published(false);
        let closes = pin!(pace.closes(&news));
        let mut context = Context::from_waker(Waker::noop());
        assert!(closes.poll(&mut context).is_pending());
    }
}
