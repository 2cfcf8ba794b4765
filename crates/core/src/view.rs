//! One sliding window over a ring of trades, at one time.
//!
//! A view adds what has become part of the window and takes off what has left it; it never looks at
//! a trade in between. Several views (window lengths, the grid and the live end) share one ring.

use crate::extreme::Extremes;
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
    /// Place of the trade that gives `last_price`, and that price.
    last: Option<(u64, U)>,
    /// Trades that count as transactions.
    pub(crate) transactions: u64,
    pub(crate) prices: U::Sum,
    pub(crate) sizes: U::Sum,
    pub(crate) products: U::ProductSum,
    pub(crate) squares: U::ProductSum,
    extremes: Extremes<U>,
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
            extremes: Extremes::new(ring.first()),
        }
    }

    /// Reads from all of it; see `analyzer/fetch.rs`.
    #[inline]
    pub(crate) fn touch(&self) -> u64 {
        self.start ^ self.transactions ^ self.extremes.touch()
    }

    /// Reads the trades where it goes on.
    #[inline]
    pub(crate) fn touch_trades(&self, ring: &Ring<U>) -> u64 {
        let time = |place| ring.at(place).map_or(0, |trade| trade.time.cast_unsigned());
        time(self.start) ^ time(self.end)
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
    #[inline]
    pub(crate) fn last_price(&self) -> Option<U> {
        self.last.map(|(_, price)| price)
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
        while self.end < ring.end() {
            let Some(trade) = ring.at(self.end).filter(|trade| trade.time <= time) else {
                break;
            };
            let place = self.end;
            self.end += 1;
            self.count(trade);
            self.extremes.push(trade, place);
            if trade.flags() & flag::LAST != 0 {
                self.last = Some((place, trade.price));
            }
        }
        self.evict(ring, time.saturating_sub(self.length));
    }

    /// The lowest and the highest price.
    #[inline]
    pub(crate) fn extremes(&self) -> Option<(U, U)> {
        self.extremes.get(self.start)
    }

    /// Takes up a trade that was put into the ring at `place`, before its end.
    pub(crate) fn inserted(&mut self, ring: &Ring<U>, trade: &Held<U>, place: u64) {
        if place >= self.end {
            // The next advance comes to it.
            return;
        }
        self.end += 1;
        if let Some((last, _)) = self.last.as_mut().filter(|(last, _)| *last >= place) {
            *last += 1;
        }
        if trade.time < self.time.saturating_sub(self.length) {
            self.start += 1;
        } else {
            self.count(trade);
            let is_later = self.last.is_none_or(|(last, _)| last < place);
            if trade.flags() & flag::LAST != 0 && is_later {
                self.last = Some((place, trade.price));
            }
        }
        self.extremes.inserted(ring, place, (self.start, self.end));
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.extremes.heap_bytes()
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
            let Some(trade) = ring.at(self.start).filter(|trade| trade.time < cutoff) else {
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
        if self.last.is_some_and(|(last, _)| last < self.start) {
            self.last = None;
        }
        self.extremes.evict(ring, (self.start, self.end));
    }
}
