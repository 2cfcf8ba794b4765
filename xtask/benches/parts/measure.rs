//! How long a piece of work takes when others use the machine as well.
//!
//! Time is that of the thread's own CPU, so waiting for a core does not count; and of several
//! interleaved runs the fastest is taken, because noise only ever adds.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this thread so far.
pub(crate) fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).expect("CPU time is positive");
    let nanos = u32::try_from(now.tv_nsec).expect("nanoseconds of a second");
    Duration::new(seconds, nanos)
}

/// The fastest of `rounds` runs of each of two pieces of work, taken in turns.
///
/// Each returns what it measured itself, so that its preparation does not count.
pub(crate) fn best_of_each(
    rounds: u32,
    mut ours: impl FnMut() -> Duration,
    mut peer: impl FnMut() -> Duration,
) -> (Duration, Duration) {
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..rounds {
        best.0 = best.0.min(ours());
        best.1 = best.1.min(peer());
    }
    best
}

/// Nanoseconds per item.
pub(crate) fn ns_per(time: Duration, items: usize) -> f64 {
    time.as_secs_f64() * 1e9 / items as f64
}
