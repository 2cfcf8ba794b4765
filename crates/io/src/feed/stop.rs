//! Being told to stop, once, and asked about it in many places.

use std::fmt;
use std::pin::Pin;

/// Completes when it is time to stop; may be awaited again and again.
pub(super) struct Stop {
    signal: Pin<Box<dyn Future<Output = ()> + Send>>,
    told: bool,
}

impl Stop {
    pub(super) fn new(signal: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            signal: Box::pin(signal),
            told: false,
        }
    }

    /// Waits for the word; returns at once after it came. Safe to drop and call again.
    pub(super) async fn told(&mut self) {
        if !self.told {
            self.signal.as_mut().await;
            self.told = true;
        }
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop")
            .field("told", &self.told)
            .finish_non_exhaustive()
    }
}
