//! What became of the trades that went in.

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
    pub late_dropped: u64,
    /// Applied trades that changed points already emitted.
    pub late_applied: u64,
    /// Points emitted, revisions included.
    pub points: u64,
}
