//! How long records wait until they are durable and can be read.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::histogram::Histogram;
use stock_up_io::clock::Stopwatch;

/// Appends that are watched at once: twice as many as may wait for the disk. More are not counted.
const MAX_WATCHED: usize = 8_192;

/// Watches appends on their way to the disk.
#[derive(Debug)]
pub(crate) struct Commits {
    seconds: Histogram,
    /// Where each append ends in the log, and since when it waits.
    waiting: Mutex<VecDeque<(u64, Stopwatch)>>,
}

impl Commits {
    pub(super) fn new(seconds: Histogram) -> Self {
        Self {
            seconds,
            waiting: Mutex::default(),
        }
    }

    /// Records up to `end` are being appended.
    pub(crate) fn appended(&self, end: u64) {
        let mut waiting = self.waiting();
        if waiting.len() < MAX_WATCHED {
            waiting.push_back((end, Stopwatch::start()));
        }
    }

    /// Everything before `end` is durable.
    pub(crate) fn durable(&self, end: u64) {
        let mut waiting = self.waiting();
        while let Some((_, since)) = waiting.pop_front_if(|(upto, _)| *upto <= end) {
            self.seconds.observe(since.elapsed().as_secs_f64());
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(u64, Stopwatch)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_append_is_counted_once_it_is_durable() {
        let commits = Commits::new(Histogram::new([1.0]));
        commits.appended(3);
        commits.appended(5);
        commits.durable(4);
        assert_eq!(commits.waiting().len(), 1);
        commits.durable(5);
        assert!(commits.waiting().is_empty());
    }
}
