//! How fast time on the tape runs.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

/// Largest factor; above it, say `max`.
const MAX_FACTOR: f64 = 1e6;

/// How fast time on the tape runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as it was.
    Factor(f64),
    /// As fast as the clients read; without clients the tape waits.
    Max,
}

impl Default for Speed {
    fn default() -> Self {
        Self::Factor(1.0)
    }
}

/// Why a text is no speed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("speed `{0}` is not `max` or a factor above 0 and up to 1000000, such as `1` or `60`")]
pub struct SpeedError(String);

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let factor = text.trim_end_matches('x').parse::<f64>().ok();
        let valid = factor.filter(|factor| *factor > 0.0 && *factor <= MAX_FACTOR);
        valid.map_or_else(
            || Err(SpeedError(text.chars().take(40).collect())),
            |factor| Ok(Self::Factor(factor)),
        )
    }
}

/// Maps times on the tape to moments.
#[derive(Debug)]
pub(super) struct Pace {
    speed: Speed,
    /// A time on the tape and the moment at which it was due; `None` before the start and on hold.
    origin: Option<(i64, Instant)>,
}

impl Pace {
    pub(super) fn new(speed: Speed) -> Self {
        Self {
            speed,
            origin: None,
        }
    }

    /// Time on the tape runs from now on, beginning at `tape_time`, unless it runs already.
    pub(super) fn run(&mut self, tape_time: i64, now: Instant) {
        self.origin.get_or_insert((tape_time, now));
    }

    /// Time on the tape stands still.
    pub(super) fn hold(&mut self) {
        self.origin = None;
    }

    /// When a trade of `tape_time` is due. Times that run backwards are due at once.
    pub(super) fn due(&self, tape_time: i64, now: Instant) -> Instant {
        let (Speed::Factor(factor), Some((begin, started))) = (self.speed, self.origin) else {
            return now;
        };
        let passed = u64::try_from(tape_time.saturating_sub(begin)).unwrap_or(0);
        started + Duration::from_nanos(passed).div_f64(factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_read() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("60".parse(), Ok(Speed::Factor(60.0)));
        assert_eq!("0.5x".parse(), Ok(Speed::Factor(0.5)));
        for text in ["0", "-1", "fast", "nan", "inf", "1e9"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_on_the_tape_runs_holds_and_runs_on() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(Speed::Factor(2.0));
        pace.run(1_000_000_000, now);
        assert_eq!(pace.due(5_000_000_000, now), now + 2 * second);
        assert_eq!(pace.due(0, now), now);
        pace.hold();
        let later = now + 100 * second;
        pace.run(3_000_000_000, later);
        assert_eq!(pace.due(5_000_000_000, later), later + second);
        assert_eq!(Pace::new(Speed::Max).due(i64::MAX, now), now);
    }
}
