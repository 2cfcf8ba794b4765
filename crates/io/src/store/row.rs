//! Points with their names, on the way in and out.

use std::sync::Arc;

use stock_up_core::Point;

/// A point on its way into the store.
#[derive(Debug, Clone, Copy)]
pub struct NewPoint<'a> {
    /// Its number in the order of emission over all series, contiguous from 0.
    pub emission: u64,
    /// The symbol; the number in `point` is not looked at.
    pub symbol: &'a str,
    /// The numbers.
    pub point: &'a Point,
}

/// A stored point.
#[derive(Debug, Clone, PartialEq)]
pub struct PointRow {
    /// Its number in the order of emission over all series.
    pub emission: u64,
    /// The symbol.
    pub symbol: Arc<str>,
    /// The numbers; the number of the symbol in it is 0, because a store outlives an analyzer.
    pub point: Point,
}
