//! What was observed: which share of a window the feed was provably live for.

#![expect(
    clippy::float_arithmetic,
    reason = "the observed share becomes an f64 here"
)]

use std::collections::VecDeque;

use crate::point::Status;
use crate::record::Clock;

/// How far the last sign of life may lag behind the live view without making it provisional: the
/// feed is asked for one every second.
const LIVE_GRACE: i64 = 2_500_000_000;

/// Most intervals that are remembered; older ones are merged with the next.
const MAX_INTERVALS: usize = 4_096;

/// An interval of the log's time, closed at both ends; `to` is `i64::MAX` while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// The history of one feed's health, as far back as points can still be emitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) clock: Clock,
    /// The last proof that the feed was live.
    pub(crate) heard: i64,
    pub(crate) gaps: VecDeque<Interval>,
    pub(crate) stale: VecDeque<Interval>,
}

impl Coverage {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            heard: i64::MIN,
            gaps: VecDeque::new(),
            stale: VecDeque::new(),
        }
    }

    pub(crate) fn hear(&mut self, time: i64) {
        self.heard = self.heard.max(time);
    }

    pub(crate) fn open_gap(&mut self, from: i64) {
        open(&mut self.gaps, from);
    }

    pub(crate) fn close_gap(&mut self, to: i64) {
        close(&mut self.gaps, to);
        self.hear(to);
    }

    pub(crate) fn open_stale(&mut self, from: i64) {
        open(&mut self.stale, from);
    }

    pub(crate) fn close_stale(&mut self, to: i64) {
        close(&mut self.stale, to);
    }

    /// Forgets what ended before `horizon`.
    pub(crate) fn forget(&mut self, horizon: i64) {
        for list in [&mut self.gaps, &mut self.stale] {
            while list.front().is_some_and(|interval| interval.to < horizon) {
                list.pop_front();
            }
        }
    }

    /// Where later times wait for a sign of life: the last one, and the start of the gap that is
    /// open now, in which none can prove anything.
    pub(crate) fn proven(&self) -> Option<(i64, i64)> {
        let open = self.gaps.back().filter(|gap| gap.to == i64::MAX);
        let lost = open.map_or(i64::MAX, |gap| gap.from);
        (self.clock == Clock::Wall).then_some((self.heard, lost))
    }

    /// Trust in a point of the series: the window `[from, to]` of a symbol observed since `since`.
    pub(crate) fn judge(&self, since: i64, from: i64, to: i64) -> (Status, f64) {
        let proven = match self.clock {
            Clock::Event => i64::MAX,
            Clock::Wall => self.heard,
        };
        self.judge_proven(since, proven, from, to)
    }

    /// Until when a live view is complete, if all of its window was observed; at least.
    #[inline]
    pub(crate) fn sure_until(&self) -> i64 {
        match self.clock {
            _ if !self.is_untouched() => i64::MIN,
            Clock::Event => i64::MAX,
            Clock::Wall => self.heard.saturating_add(LIVE_GRACE),
        }
    }

    #[inline]
    fn is_untouched(&self) -> bool {
        self.gaps.is_empty() && self.stale.is_empty()
    }

    /// Trust in the live view, which is always a little ahead of the last sign of life.
    #[cold]
    pub(crate) fn judge_live(&self, since: i64, from: i64, to: i64) -> (Status, f64) {
        let proven = match self.clock {
            Clock::Wall if self.heard < to.saturating_sub(LIVE_GRACE) => self.heard,
            Clock::Wall | Clock::Event => i64::MAX,
        };
        self.judge_proven(since, proven, from, to)
    }

    #[inline]
    fn judge_proven(&self, since: i64, proven: i64, from: i64, to: i64) -> (Status, f64) {
        if self.is_untouched() && since <= from && to <= proven {
            return (Status::Complete, 1.0);
        }
        self.weigh(since, proven, from, to)
    }

    /// As [`Coverage::judge_proven`] where something may be missing.
    fn weigh(&self, since: i64, proven: i64, from: i64, to: i64) -> (Status, f64) {
        let start = from.max(since);
        let end = to.min(proven);
        let mut missed = 0_i64;
        let mut status = Status::Complete;
        for gap in self
            .gaps
            .iter()
            .filter(|gap| gap.from <= to && gap.to >= start)
        {
            status = Status::Gap;
            missed += (gap.to.min(end) - gap.from.max(start)).max(0);
        }
        if status == Status::Complete {
            let stale = self
                .stale
                .iter()
                .any(|span| span.from <= to && span.to >= start);
            status = if stale {
                Status::Stale
            } else if since > from {
                Status::Warming
            } else if proven < to {
                Status::Provisional
            } else {
                Status::Complete
            };
        }
        let observed = (end.saturating_sub(start) - missed).max(0);
        (status, share(observed, to - from))
    }
}

/// Opens an interval, unless one is open already.
fn open(list: &mut VecDeque<Interval>, from: i64) {
    match list.back_mut() {
        Some(last) if last.to == i64::MAX => {}
        // Overlapping intervals would be counted twice.
        Some(last) if last.to >= from => last.to = i64::MAX,
        _ => {
            if list.len() >= MAX_INTERVALS
                && let Some(oldest) = list.pop_front()
                && let Some(next) = list.front_mut()
            {
                next.from = oldest.from;
            }
            list.push_back(Interval { from, to: i64::MAX });
        }
    }
}

fn close(list: &mut VecDeque<Interval>, to: i64) {
    if let Some(last) = list.back_mut().filter(|last| last.to == i64::MAX) {
        last.to = to.max(last.from);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share needs no more than 53 bits"
)]
fn share(observed: i64, length: i64) -> f64 {
    if length <= 0 {
        1.0
    } else {
        observed as f64 / length as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(coverage: &Coverage, since: i64, expected: (Status, f64)) {
        let (status, share) = coverage.judge(since, 100, 200);
        assert_eq!(status, expected.0);
        assert!(
            (share - expected.1).abs() < 1e-12,
            "{share} is not {}",
            expected.1
        );
    }

    #[test]
    fn a_window_is_complete_only_when_all_of_it_was_observed() {
        let mut coverage = Coverage::new(Clock::Wall);
        coverage.hear(150);
        check(&coverage, 0, (Status::Provisional, 0.5));
        coverage.hear(200);
        check(&coverage, 0, (Status::Complete, 1.0));
        check(&coverage, 130, (Status::Warming, 0.7));
    }

    #[test]
    fn a_gap_taints_every_window_that_it_touches() {
        let mut coverage = Coverage::new(Clock::Event);
        coverage.open_gap(120);
        check(&coverage, 0, (Status::Gap, 0.2));
        coverage.close_gap(140);
        check(&coverage, 0, (Status::Gap, 0.8));
        coverage.open_gap(200);
        check(&coverage, 0, (Status::Gap, 0.8));
        coverage.close_gap(200);
        coverage.forget(141);
        check(&coverage, 0, (Status::Gap, 1.0));
        coverage.forget(300);
        check(&coverage, 0, (Status::Complete, 1.0));
    }

    #[test]
    fn a_gap_that_reaches_into_another_is_counted_once() {
        let mut coverage = Coverage::new(Clock::Event);
        coverage.open_gap(110);
        coverage.close_gap(130);
        coverage.open_gap(120);
        coverage.close_gap(140);
        check(&coverage, 0, (Status::Gap, 0.7));
    }
}
