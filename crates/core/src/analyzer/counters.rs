//! What became of the trades that went in.

use std::ops::{AddAssign, Sub};

/// What became of the trades that the analyzer was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Trades that moved a window.
    pub applied: u64,
    /// Trades in records that had been applied before.
    pub duplicate: u64,
    /// Trades whose conditions let them move nothing.
    pub ineligible: u64,
    /// Trades that came later than points are revised.
    pub late_dropped: LateDropped,
    /// Applied trades that changed points already emitted.
    pub late_applied: u64,
    /// Points emitted, revisions included.
    pub points: u64,
}

/// Trades that stood behind log time by more than points are revised, by cause.
///
/// The causes are told apart as stream processors do: late arrival is event time against receive
/// time, out of order is event time against how far time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LateDropped {
    /// They reached us too late: `ts_recv - ts_event` alone is more than points are revised.
    pub delayed: u64,
    /// They reached us in time, but log time was ahead already: another trade or the clock had
    /// moved it on.
    ///
    /// Where trades lead log time, in replayed files and recorded days, this is the only cause:
    /// a receive time is absent there, or that of the day on which the recording was played.
    pub out_of_order: u64,
}

impl LateDropped {
    /// All of them.
    pub fn total(self) -> u64 {
        self.delayed.saturating_add(self.out_of_order)
    }

    /// Each cause by its name, in the order in which they are told.
    pub fn by_cause(self) -> [(&'static str, u64); 2] {
        [
            ("delayed", self.delayed),
            ("out_of_order", self.out_of_order),
        ]
    }
}

impl AddAssign for LateDropped {
    fn add_assign(&mut self, more: Self) {
        self.delayed += more.delayed;
        self.out_of_order += more.out_of_order;
    }
}

impl Sub for LateDropped {
    type Output = Self;

    /// What was dropped since `before`.
    fn sub(self, before: Self) -> Self {
        Self {
            delayed: self.delayed - before.delayed,
            out_of_order: self.out_of_order - before.out_of_order,
        }
    }
}
