//! How long a step took, and until when to wait.

use std::fmt;
use std::time::{Duration, Instant};

/// A running stopwatch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "wall time of a step is what is measured here"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// A duration for people: `0.42 s`, `3 min 07 s`.
#[derive(Debug)]
pub(crate) struct Shown(pub(crate) Duration);

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds < 60 {
            // The text as a whole obeys the width, so that tables line up.
            return out.pad(&format!("{:.1} s", self.0.as_secs_f64()));
        }
        out.pad(&format!("{} min {:02} s", seconds / 60, seconds % 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let shown = |millis| Shown(Duration::from_millis(millis)).to_string();
        assert_eq!(shown(420), "0.4 s");
        assert_eq!(shown(59_900), "59.9 s");
        assert_eq!(shown(187_000), "3 min 07 s");
    }
}
