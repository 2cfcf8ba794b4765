//! How long a piece of work takes when others use the machine as well.
//!
//! Where one thread works, time is that of the thread's own CPU, so waiting for a core does not
//! count; where a disk or several threads work, it is the wall clock's. Of several interleaved runs
//! the fastest is taken, because noise only ever adds.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this thread so far.
pub(crate) fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).expect("CPU time is positive");
    let nanos = u32::try_from(now.tv_nsec).expect("nanoseconds of a second");
    Duration::new(seconds, nanos)
}

/// CPU time that `work` takes.
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = cpu_time();
    black_box(work());
    cpu_time().saturating_sub(start)
}

/// A moment of the wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "wall time is what is measured here"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
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

/// The same for work that can fail.
pub(crate) fn try_best_of_each(
    rounds: u32,
    mut ours: impl FnMut() -> anyhow::Result<Duration>,
    mut peer: impl FnMut() -> anyhow::Result<Duration>,
) -> anyhow::Result<(Duration, Duration)> {
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..rounds {
        best.0 = best.0.min(ours()?);
        best.1 = best.1.min(peer()?);
    }
    Ok(best)
}

/// Nanoseconds per item.
pub(crate) fn ns_per(time: Duration, items: usize) -> f64 {
    time.as_secs_f64() * 1e9 / items as f64
}

/// The value below which a share of the sorted values lies.
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index below the length"
    )]
    let place = (sorted.len() as f64 * share) as usize;
    let last = sorted.len().saturating_sub(1);
    sorted.get(place.min(last)).copied().unwrap_or_default()
}
