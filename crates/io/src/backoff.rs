//! How long to wait before the next try to connect or to write.
//!
//! Exponential with full jitter and a cap, so that many clients do not come back at once. A success
//! alone does not start it afresh: a venue that lets us in and cuts us off at once would be
//! hammered. Only a connection that held for [`BackoffPolicy::stable_after`] does, or a request that
//! was answered as it should be.

use std::time::Duration;

use crate::chance::Chance;

/// Bounds of the waiting times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffPolicy {
    /// Upper bound of the first wait; it doubles with every failure.
    pub first: Duration,
    /// Upper bound of all waits.
    pub cap: Duration,
    /// Least wait after an answer that trying again does not mend: a bad key, no certificate.
    pub refused: Duration,
    /// A connection that lived so long starts the row afresh.
    pub stable_after: Duration,
    /// Longest wait that a venue may ask for (`Retry-After`).
    pub ask_cap: Duration,
}

impl Default for BackoffPolicy {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            cap: Duration::from_secs(30),
            refused: Duration::from_mins(1),
            stable_after: Duration::from_mins(1),
            ask_cap: Duration::from_hours(1),
        }
    }
}

/// Counts failures and gives the waits between tries.
#[derive(Debug)]
pub(crate) struct Backoff {
    policy: BackoffPolicy,
    failures: u32,
    chance: Chance,
}

impl Backoff {
    pub(crate) fn new(policy: BackoffPolicy, seed: u64) -> Self {
        Self {
            policy,
            failures: 0,
            chance: Chance::new(seed),
        }
    }

    /// The wait after one more failure that time may mend.
    pub(crate) fn after_failure(&mut self) -> Duration {
        let bound = self
            .policy
            .first
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(self.policy.cap);
        self.failures = self.failures.saturating_add(1);
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.chance.below(nanos))
    }

    /// The wait after an answer that only people can mend: never less than the policy says.
    pub(crate) fn after_refusal(&mut self) -> Duration {
        self.policy.refused + self.after_failure().min(self.policy.refused / 4)
    }

    /// The wait that the venue asked for, with a little on top against a rush.
    pub(crate) fn after_request(&mut self, asked: Duration) -> Duration {
        asked.min(self.policy.ask_cap) + self.after_failure()
    }

    /// A whole request was answered as it should be: the row starts afresh.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// A connection ended that had lived for `lifetime`.
    pub(crate) fn lived(&mut self, lifetime: Duration) {
        if lifetime >= self.policy.stable_after {
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_never_beyond() {
        let policy = BackoffPolicy::default();
        let mut longest = [Duration::ZERO; 12];
        for seed in 0..400 {
            let mut backoff = Backoff::new(policy, seed);
            for longest in &mut longest {
                *longest = (*longest).max(backoff.after_failure());
            }
        }
        assert!(longest[0] < Duration::from_millis(250), "{longest:?}");
        assert!(longest[1] > Duration::from_millis(250), "{longest:?}");
        assert!(longest[11] < policy.cap && longest[11] > policy.cap * 9 / 10);
    }

    #[test]
    fn only_a_stable_connection_starts_the_row_afresh() {
        let mut backoff = Backoff::new(BackoffPolicy::default(), 1);
        for _ in 0..5 {
            backoff.after_failure();
            backoff.lived(Duration::from_secs(59));
        }
        assert_eq!(backoff.failures, 5);
        backoff.lived(Duration::from_mins(1));
        assert_eq!(backoff.failures, 0);
    }

    #[test]
    fn a_refusal_waits_a_minute_at_least_and_a_request_is_honoured() {
        let mut backoff = Backoff::new(BackoffPolicy::default(), 1);
        for _ in 0..50 {
            assert!(backoff.after_refusal() >= Duration::from_mins(1));
        }
        let asked = Duration::from_secs(90);
        assert!(backoff.after_request(asked) >= asked);
        let never = backoff.after_request(Duration::MAX);
        assert!(never <= Duration::from_secs(3_630), "{never:?}");
    }
}
