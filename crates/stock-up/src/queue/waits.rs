//! How long to wait before a broker is tried again.

use std::time::Duration;

/// The first wait; it doubles with every failure.
const FIRST: Duration = Duration::from_millis(100);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(5);

/// Waits that grow until something works.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    failures: u32,
}

impl Waits {
    /// The wait after one more failure.
    pub(crate) fn after_failure(&mut self) -> Duration {
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        FIRST.saturating_mul(factor).min(LONGEST)
    }

    /// It works again.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_begin_again() {
        let mut waits = Waits::default();
        assert_eq!(waits.after_failure(), FIRST);
        assert_eq!(waits.after_failure(), FIRST * 2);
        for _ in 0..100 {
            assert!(waits.after_failure() <= LONGEST);
        }
        waits.succeeded();
        assert_eq!(waits.after_failure(), FIRST);
    }
}
