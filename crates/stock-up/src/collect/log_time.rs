//! The log's time, as `collect` gives it out.
//!
//! It is the running maximum of ticks and event times. Which of the two leads is decided once per
//! log, by its first trade: live trades are seconds old, recorded ones are older than that.

use stock_up_core::Clock;

/// A first trade that lags the wall clock by more is a recorded one.
const RECORDED_AGE: i64 = 3_600_000_000_000;

/// What the log's time is, and what leads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogTime {
    /// `None` before the first trade.
    clock: Option<Clock>,
    now: i64,
}

impl LogTime {
    /// Goes on where a log stands; `begun` says that it holds trades.
    pub(crate) fn resume(clock: Clock, begun: bool, now: Option<i64>) -> Self {
        Self {
            clock: begun.then_some(clock),
            now: now.unwrap_or(i64::MIN),
        }
    }

    /// Decides by the first trade; the answer is what is news to the log.
    pub(crate) fn decide(&mut self, first_event: i64, wall: i64) -> Option<Clock> {
        if self.clock.is_some() {
            return None;
        }
        let recorded = first_event < wall.saturating_sub(RECORDED_AGE);
        if !recorded {
            self.clock = Some(Clock::Wall);
            return None;
        }
        // What was noted so far came from a clock that this log does not follow.
        *self = Self {
            clock: Some(Clock::Event),
            now: i64::MIN,
        };
        self.clock
    }

    /// Whether trades lead: recorded ones, played again.
    pub(crate) fn follows_trades(self) -> bool {
        self.clock == Some(Clock::Event)
    }

    /// The log's time of something that happens when the wall clock says `wall`.
    pub(crate) fn at(&mut self, wall: i64) -> i64 {
        if !self.follows_trades() {
            self.now = self.now.max(wall);
        }
        self.now
    }

    /// A trade moves the log's time on.
    pub(crate) fn trade(&mut self, event: i64) {
        self.now = self.now.max(event);
    }

    /// The log's time; `i64::MIN` before the first record.
    pub(crate) fn now(self) -> i64 {
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_000_000_000;
    const YEARS_AGO: i64 = 1_381_219_217_034_000_000;

    #[test]
    fn live_trades_leave_the_wall_clock_in_the_lead() {
        let mut time = LogTime::resume(Clock::Wall, false, None);
        assert_eq!(time.at(NOW), NOW);
        assert_eq!(time.decide(NOW - 1_000, NOW), None);
        time.trade(NOW + 5);
        assert_eq!(time.at(NOW), NOW + 5, "time never goes back");
        assert_eq!(time.at(NOW + 9), NOW + 9);
    }

    #[test]
    fn recorded_trades_take_the_lead_and_keep_it() {
        let mut time = LogTime::resume(Clock::Wall, false, None);
        assert_eq!(time.at(NOW), NOW);
        assert_eq!(time.decide(YEARS_AGO, NOW), Some(Clock::Event));
        time.trade(YEARS_AGO);
        assert_eq!(time.at(NOW), YEARS_AGO);
        assert_eq!(time.decide(NOW, NOW), None);
    }

    #[test]
    fn a_log_with_trades_has_decided() {
        let mut time = LogTime::resume(Clock::Wall, true, Some(NOW));
        assert_eq!(time.decide(YEARS_AGO, NOW), None);
        assert!(!time.follows_trades());
    }
}
