//! Venues that say things twice.
//!
//! Equal trades in one millisecond are mostly two trades, so nothing is merged by value. What is
//! watched instead: whole frames that come again byte for byte, and frames in which every trade
//! stands an even number of times. Both are counted; only repeated frames can be dropped, by a
//! setting.

use stock_up_core::Trade;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// What to do with a frame that is equal to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicateFrames {
    /// Take its trades: better twice and visible than lost.
    #[default]
    Keep,
    /// Drop it.
    Collapse,
}

/// Sees frames that are equal to the frame before them.
#[derive(Debug, Default)]
pub(super) struct RepeatedFrames {
    before: Utf8Bytes,
}

impl RepeatedFrames {
    /// Whether `frame` repeats the one before, which it then becomes.
    pub(super) fn is_repeat(&mut self, frame: &Utf8Bytes) -> bool {
        if !frame.is_empty() && self.before.as_str() == frame.as_str() {
            return true;
        }
        self.before = frame.clone();
        false
    }

    /// A new connection: nothing was before.
    pub(super) fn restart(&mut self) {
        self.before = Utf8Bytes::default();
    }
}

/// Finds lists in which everything stands an even number of times.
#[derive(Debug)]
pub(super) struct Pairs;

impl Pairs {
    /// Whether every trade of a list of two or more occurs an even number of times.
    ///
    /// Equal trades cancel out in an exclusive or of their hashes; what is left of others is zero
    /// once in 2^64, and it is only a counter.
    pub(super) fn all_in(trades: &[Trade]) -> bool {
        let Some((first, others)) = trades.split_first() else {
            return false;
        };
        // Most frames are done with after this look for their first trade.
        trades.len().is_multiple_of(2)
            && others.contains(first)
            && trades.iter().fold(0, |sum, trade| sum ^ hash(trade)) == 0
    }
}

fn hash(trade: &Trade) -> u64 {
    let names = (u64::from(trade.symbol.0) << 32) | u64::from(trade.conditions.0);
    let scales = (u64::from(trade.price.scale()) << 8) | u64::from(trade.size.scale());
    let words = [
        names,
        trade.ts_event.cast_unsigned(),
        trade.price.mantissa(),
        trade.size.mantissa(),
        scales,
    ];
    words.into_iter().fold(0, |hash, word| {
        let mixed = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stock_up_core::{Decimal, TradeBatch};

    #[test]
    fn only_the_very_next_equal_frame_is_a_repeat() {
        let mut repeats = RepeatedFrames::default();
        let [one, two] = ["{1}", "{2}"].map(Utf8Bytes::from_static);
        assert!(!repeats.is_repeat(&one));
        assert!(repeats.is_repeat(&one));
        assert!(repeats.is_repeat(&one));
        assert!(!repeats.is_repeat(&two));
        assert!(!repeats.is_repeat(&one));
        repeats.restart();
        assert!(!repeats.is_repeat(&one));
    }

    #[track_caller]
    fn check(sizes: &[u64], expect: bool) {
        let mut batch = TradeBatch::default();
        for size in sizes {
            let size = Decimal::new(*size, 0).unwrap();
            batch.push("AAPL", 1, (Decimal::new(31_777, 2).unwrap(), size), "1");
        }
        assert_eq!(Pairs::all_in(&batch.trades), expect, "{sizes:?}");
    }

    #[test]
    fn pairs_are_found_in_any_order() {
        check(&[200, 40, 200, 40], true);
        check(&[80, 80, 98, 120, 120, 98], true);
        check(&[200, 40, 200, 41], false);
        check(&[7, 7, 7], false);
        check(&[], false);
    }
}
