//! Where every trade is: received, settled in one of five ways, or still under way.
//!
//! Invariant: `received = applied + duplicate + ineligible + late_dropped + refused + in_flight`,
//! in every snapshot. It holds because all counters sit under one lock, which is taken once per
//! batch of trades, never per trade; separate atomics could be read between two of their updates.

use std::sync::{Arc, Mutex, PoisonError};

use stock_up_core::LateDropped;

/// How trades were settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    /// They moved a window.
    pub(crate) applied: u64,
    /// They were received before, by another slot or in a repeated frame.
    pub(crate) duplicate: u64,
    /// Their conditions let them move nothing.
    pub(crate) ineligible: u64,
    /// They were too late for every window, by cause.
    pub(crate) late_dropped: LateDropped,
    /// They could not be held: out of range, or no symbol.
    pub(crate) refused: u64,
}

impl Settled {
    fn total(self) -> u64 {
        [
            self.applied,
            self.duplicate,
            self.ineligible,
            self.late_dropped.total(),
            self.refused,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    fn add(&mut self, more: Self) {
        self.applied += more.applied;
        self.duplicate += more.duplicate;
        self.ineligible += more.ineligible;
        self.late_dropped += more.late_dropped;
        self.refused += more.refused;
    }
}

/// One consistent reading of the counters, since the start of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Trades that came in: from the venue, or from the log of an earlier run.
    pub(crate) received: u64,
    /// What became of them.
    pub(crate) settled: Settled,
    /// Grid points emitted, revisions included.
    pub(crate) points: u64,
    /// Records of the log that are not analysed yet.
    pub(crate) lag_records: u64,
    /// Size of the log on disk.
    pub(crate) log_bytes: u64,
}

impl Counts {
    /// Trades that are not settled yet.
    pub(crate) fn in_flight(&self) -> u64 {
        self.received.saturating_sub(self.settled.total())
    }
}

/// The counters, shared by the roles; a clone is another handle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pipeline(Arc<Mutex<Counts>>);

impl Pipeline {
    /// Trades came in. Order matters: this is called before they can be settled.
    pub(crate) fn received(&self, trades: u64) {
        self.change(|counts| counts.received += trades);
    }

    /// Trades were settled, and points came of it.
    pub(crate) fn settled(&self, settled: Settled, points: u64) {
        self.change(|counts| {
            counts.settled.add(settled);
            counts.points += points;
        });
    }

    /// How far analysis is behind the log.
    pub(crate) fn set_lag(&self, records: u64) {
        self.change(|counts| counts.lag_records = records);
    }

    /// How large the log is.
    pub(crate) fn set_log_bytes(&self, bytes: u64) {
        self.change(|counts| counts.log_bytes = bytes);
    }

    /// All counters of one moment.
    pub(crate) fn counts(&self) -> Counts {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_received_is_settled_or_in_flight() {
        let pipeline = Pipeline::default();
        pipeline.received(10);
        let settled = Settled {
            applied: 4,
            duplicate: 1,
            late_dropped: LateDropped {
                delayed: 1,
                out_of_order: 2,
            },
            ..Settled::default()
        };
        pipeline.settled(settled, 3);
        let counts = pipeline.counts();
        assert_eq!(counts.in_flight(), 2);
        assert_eq!(counts.received, counts.settled.total() + counts.in_flight());
        assert_eq!(counts.points, 3);
    }
}
