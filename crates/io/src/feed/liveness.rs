//! Is the connection alive, and do trades come?
//!
//! A dead network is no error: a socket can stay open for hours with nobody at the other end. So
//! the driver pings, and what is watched is an *unanswered ping*, not silence: while the driver
//! itself was held up (a slow disk behind a full channel) it asked nothing, and no answer is owed.

use std::time::Duration;

use tokio::time::Instant;

/// What a look at the clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pulse {
    /// Nothing to say.
    Alive,
    /// A question was left unanswered for too long.
    Silent,
}

/// Watches one connection.
#[derive(Debug)]
pub(super) struct Liveness {
    /// Longest wait for an answer.
    silence: Duration,
    /// Since when an answer is owed.
    asked_at: Option<Instant>,
}

impl Liveness {
    pub(super) fn new(silence: Duration) -> Self {
        Self {
            silence,
            asked_at: None,
        }
    }

    /// A ping goes out.
    pub(super) fn asked(&mut self, now: Instant) {
        self.asked_at.get_or_insert(now);
    }

    /// A frame of any kind came in.
    pub(super) fn heard(&mut self) {
        self.asked_at = None;
    }

    /// Call it only after everything that has arrived was read.
    pub(super) fn pulse(&self, now: Instant) -> Pulse {
        match self.asked_at {
            Some(asked) if now.saturating_duration_since(asked) >= self.silence => Pulse::Silent,
            _ => Pulse::Alive,
        }
    }
}

/// Watches whether trades come, across the connections of a feed.
#[derive(Debug)]
pub(super) struct Staleness {
    /// No trades for so long is worth a word; `None` says it never is.
    after: Option<Duration>,
    traded_at: Instant,
    stale: bool,
}

impl Staleness {
    pub(super) fn new(after: Option<Duration>, now: Instant) -> Self {
        Self {
            after,
            traded_at: now,
            stale: false,
        }
    }

    /// The feed is observed from now on: earlier silence does not count.
    pub(super) fn restart(&mut self, now: Instant) {
        self.traded_at = now;
    }

    /// Trades came; true when that ends a stale spell.
    pub(super) fn traded(&mut self, now: Instant) -> bool {
        self.traded_at = now;
        std::mem::take(&mut self.stale)
    }

    /// True at the moment at which the feed becomes stale.
    pub(super) fn falls_stale(&mut self, now: Instant) -> bool {
        let Some(after) = self.after.filter(|_| !self.stale) else {
            return false;
        };
        self.stale = now.saturating_duration_since(self.traded_at) >= after;
        self.stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn only_an_unanswered_question_is_silence() {
        let mut liveness = Liveness::new(10 * SECOND);
        let start = Instant::now();
        // Held up for an hour without asking: nothing is owed.
        assert_eq!(liveness.pulse(start + 3_600 * SECOND), Pulse::Alive);
        liveness.asked(start);
        liveness.asked(start + SECOND);
        assert_eq!(liveness.pulse(start + 9 * SECOND), Pulse::Alive);
        assert_eq!(liveness.pulse(start + 10 * SECOND), Pulse::Silent);
        liveness.heard();
        assert_eq!(liveness.pulse(start + 60 * SECOND), Pulse::Alive);
    }

    #[tokio::test(start_paused = true)]
    async fn a_feed_falls_stale_once_and_gets_fresh_once() {
        let start = Instant::now();
        let mut staleness = Staleness::new(Some(5 * SECOND), start);
        assert!(!staleness.falls_stale(start + 4 * SECOND));
        assert!(staleness.falls_stale(start + 5 * SECOND));
        assert!(!staleness.falls_stale(start + 6 * SECOND));
        assert!(staleness.traded(start + 7 * SECOND));
        assert!(!staleness.traded(start + 8 * SECOND));
        assert!(staleness.falls_stale(start + 13 * SECOND));
        assert!(!Staleness::new(None, start).falls_stale(start + 3_600 * SECOND));
    }
}
