//! A bell: one thread waits for a while, others can cut the wait short.
//!
//! Not `thread::park`: channels use the same token, so a ring could be lost in a `recv` before it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    heard: Condvar,
}

impl Bell {
    /// Ends the wait, or the next one if nobody waits.
    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.heard.notify_one();
    }

    /// Waits until the bell is rung, for at most `timeout`.
    pub(crate) fn wait(&self, timeout: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.heard.wait_timeout_while(rung, timeout, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_before_or_during_the_wait_ends_it_and_is_used_up() {
        let bell = Bell::default();
        bell.ring();
        bell.ring();
        bell.wait(Duration::MAX);
        bell.wait(Duration::ZERO);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| bell.wait(Duration::MAX));
            bell.ring();
            waiting.join().unwrap();
        });
    }
}
