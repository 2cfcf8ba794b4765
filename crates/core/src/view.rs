//! One sliding window over a ring of trades, at one time.
//!
//! A view adds what has become part of the window and takes off what has left it; it never looks at
//! a trade in between. Several views (window lengths, the grid and the live end) share one ring.

use crate::extreme::Extreme;
use crate::ring::{Held, Ring, flag};
use crate::unit::{Sum, Unit};

/// The window `[time - length, time]`, closed at both ends.
#[derive(Debug, Clone)]
pub(crate) struct View<U: Unit> {
    /// Length of the window, ns.
    length: i64,
    /// End of the window; nothing was added before it is first set.
    time: i64,
    /// Place of the first trade in the window.
    start: u64,
    /// Place after the last trade in the window.
    end: u64,
    /// Place of the trade that gives `last_price`.
    last: Option<u64>,
    /// Trades that count as transactions.
    pub(crate) transactions: u64,
    pub(crate) prices: U::Sum,
    pub(crate) sizes: U::Sum,
    pub(crate) products: U::ProductSum,
    pub(crate) squares: U::ProductSum,
    pub(crate) lowest: Extreme<U, false>,
    pub(crate) highest: Extreme<U, true>,
}

impl<U: Unit> View<U> {
    /// An empty window of `length` that starts to read `ring` at its first trade.
    pub(crate) fn new(length: i64, ring: &Ring<U>) -> Self {
        Self {
            length,
            time: i64::MIN,
            start: ring.first(),
            end: ring.first(),
            last: None,
            transactions: 0,
            prices: U::Sum::default(),
            sizes: U::Sum::default(),
            products: U::ProductSum::default(),
            squares: U::ProductSum::default(),
            lowest: Extreme::default(),
            highest: Extreme::default(),
        }
    }

    pub(crate) fn length(&self) -> i64 {
        self.length
    }

    pub(crate) fn time(&self) -> i64 {
        self.time
    }

    /// Place of the first trade in the window.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Whether the window holds no trade at all, not even a price update.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Price of the trade that is last in event time.
    pub(crate) fn last_price(&self, ring: &Ring<U>) -> Option<U> {
        self.last
            .and_then(|place| ring.get(place))
            .map(|trade| trade.price)
    }

    /// Moves the end of the window to `time`, which is not before its present one.
    #[inline]
    pub(crate) fn advance(&mut self, ring: &Ring<U>, time: i64) {
        self.time = time;
        if self.end < ring.first() {
            // Trades that were dropped unseen are older than any window: start afresh after them.
            *self = Self {
                time,
                ..Self::new(self.length, ring)
            };
        }
        while let Some(trade) = ring.get(self.end) {
            if trade.time > time {
                break;
            }
            let place = self.end;
            self.end += 1;
            self.count(trade);
            if trade.flags() & flag::RANGE != 0 {
                self.lowest.push(trade.time, trade.price);
                self.highest.push(trade.time, trade.price);
            }
            if trade.flags() & flag::LAST != 0 {
                self.last = Some(place);
            }
        }
        self.evict(ring, time.saturating_sub(self.length));
    }

    /// Takes up a trade that was put into the ring at `place`, before its end.
    pub(crate) fn inserted(&mut self, trade: &Held<U>, place: u64) {
        if place >= self.end {
            // The next advance comes to it.
            return;
        }
        self.end += 1;
        if let Some(last) = self.last.as_mut().filter(|last| **last >= place) {
            *last += 1;
        }
        if trade.time < self.time.saturating_sub(self.length) {
            self.start += 1;
            return;
        }
        self.count(trade);
        if trade.flags() & flag::RANGE != 0 {
            self.lowest.insert(trade.time, trade.price);
            self.highest.insert(trade.time, trade.price);
        }
        if trade.flags() & flag::LAST != 0 && self.last.is_none_or(|last| last < place) {
            self.last = Some(place);
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.lowest.heap_bytes() + self.highest.heap_bytes()
    }

    #[inline]
    fn count(&mut self, trade: &Held<U>) {
        if trade.flags() & flag::VOLUME == 0 {
            return;
        }
        let (price, size) = (trade.price, trade.size());
        self.transactions += 1;
        self.prices.add(price);
        self.sizes.add(size);
        self.products.add(price.times(size));
        self.squares.add(price.times(price));
    }

    #[inline]
    fn evict(&mut self, ring: &Ring<U>, cutoff: i64) {
        let before = self.start;
        while self.start < self.end {
            let Some(trade) = ring.get(self.start).filter(|trade| trade.time < cutoff) else {
                break;
            };
            self.start += 1;
            if trade.flags() & flag::VOLUME == 0 {
                continue;
            }
            let (price, size) = (trade.price, trade.size());
            self.transactions -= 1;
            self.prices.take(price);
            self.sizes.take(size);
            self.products.take(price.times(size));
            self.squares.take(price.times(price));
        }
        if self.start == before {
            return;
        }
        if self.last.is_some_and(|last| last < self.start) {
            self.last = None;
        }
        self.lowest.evict(cutoff);
        self.highest.evict(cutoff);
    }
}
