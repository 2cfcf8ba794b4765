//! One sliding window over a ring of trades, at one time.
//!
//! A view adds what has become part of the window and takes off what has left it; it never looks at
//! a trade in between. Several views (window lengths, the grid and the live end) share one ring.

use std::mem::offset_of;

use crate::extreme::Extremes;
use crate::prefetch::prefetch;
use crate::ring::{Held, Ring, flag};
use crate::unit::{Sum, Unit};

/// The window `[time - length, time]`, closed at both ends.
///
/// What every trade needs comes first; see `analyzer/fetch.rs`.
#[derive(Debug, Clone)]
#[repr(C)]
pub(crate) struct View<U: Unit> {
    /// The sums over its trades.
    pub(crate) sums: Sums<U>,
    /// Place of the first trade in the window.
    start: u64,
    /// Place after the last trade in the window.
    end: u64,
    /// Length of the window, ns.
    length: i64,
    /// End of the window; nothing was added before it is first set.
    time: i64,
    /// Place after the trade that gives `last_price`: it counts while it is in the window.
    after_last: u64,
    last_price: U,
    extremes: Extremes<U>,
}

/// What is summed over the trades of a window that count as transactions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums<U: Unit> {
    pub(crate) transactions: u64,
    pub(crate) prices: U::Sum,
    pub(crate) sizes: U::Sum,
    pub(crate) products: U::ProductSum,
    pub(crate) squares: U::ProductSum,
}

impl<U: Unit> View<U> {
    /// Bytes of it that every trade needs; they come first.
    pub(crate) const NEEDED: usize = offset_of!(Self, extremes) + Extremes::<U>::NEEDED;

    /// An empty window of `length` that starts to read `ring` at its first trade.
    pub(crate) fn new(length: i64, ring: &Ring<U>) -> Self {
        Self {
            length,
            time: i64::MIN,
            start: ring.first(),
            end: ring.first(),
            after_last: 0,
            last_price: U::default(),
            extremes: Extremes::new(),
            sums: Sums::none(),
        }
    }

    /// Asks for its lines that every trade needs; see `analyzer/fetch.rs`.
    #[inline]
    pub(crate) fn fetch_lines(&self) {
        prefetch(&self.sums);
        prefetch(&self.start);
        prefetch(&self.extremes);
    }

    /// Asks for what its start and its end lead to, after [`View::fetch_lines`].
    #[inline]
    pub(crate) fn fetch(&self, ring: &Ring<U>) {
        self.extremes.fetch(self.start);
        ring.fetch(self.start);
        ring.fetch(self.end);
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

    /// The time from which the window is another one if no trade comes: its first trade leaves.
    pub(crate) fn ages_at(&self, ring: &Ring<U>) -> Option<i64> {
        let first = ring.get(self.start).filter(|_| !self.is_empty())?;
        Some(first.time.saturating_add(self.length).saturating_add(1))
    }

    /// Whether the window holds no trade at all, not even a price update.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Price of the trade that is last in event time.
    #[inline]
    pub(crate) fn last_price(&self) -> Option<U> {
        (self.after_last > self.start).then_some(self.last_price)
    }

    /// Moves the end of the window to `time`, which is not before its present one.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "nearly always it is one trade: calling costs more than adding it"
    )]
    pub(crate) fn advance(&mut self, ring: &Ring<U>, time: i64) {
        self.time = time;
        if self.end < ring.first() {
            self.restart(ring);
        }
        while self.end < ring.end() {
            let Some(trade) = ring
                .at(self.end)
                .filter(|trade| trade.time <= time)
                .copied()
            else {
                break;
            };
            self.extremes.push(&trade, self.end, self.start);
            self.end += 1;
            self.sums.add(&trade);
            if trade.flags() & flag::LAST != 0 {
                (self.after_last, self.last_price) = (self.end, trade.price);
            }
        }
        self.evict(ring, time.saturating_sub(self.length));
    }

    /// Trades that were dropped unseen are older than any window: starts afresh after them.
    #[cold]
    fn restart(&mut self, ring: &Ring<U>) {
        *self = Self {
            time: self.time,
            ..Self::new(self.length, ring)
        };
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
        let before = self.start;
        self.end += 1;
        self.after_last += u64::from(self.after_last > place);
        if trade.time < self.time.saturating_sub(self.length) {
            self.start += 1;
        } else {
            self.sums.add(trade);
            if trade.flags() & flag::LAST != 0 && self.after_last <= place {
                (self.after_last, self.last_price) = (place + 1, trade.price);
            }
        }
        let span = (self.start, self.end);
        self.extremes.inserted(ring, place, before, span);
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.extremes.heap_bytes()
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "nearly always it is one trade: calling costs more than taking it off"
    )]
    fn evict(&mut self, ring: &Ring<U>, cutoff: i64) {
        let before = self.start;
        while self.start < self.end {
            let Some(trade) = ring.at(self.start).filter(|trade| trade.time < cutoff) else {
                break;
            };
            self.start += 1;
            self.sums.take(trade);
        }
        let span = (self.start, self.end);
        self.extremes.evict(ring, before, span);
    }
}

impl<U: Unit> Sums<U> {
    fn none() -> Self {
        Self {
            transactions: 0,
            prices: U::Sum::default(),
            sizes: U::Sum::default(),
            products: U::ProductSum::default(),
            squares: U::ProductSum::default(),
        }
    }

    #[inline]
    fn add(&mut self, trade: &Held<U>) {
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
    fn take(&mut self, trade: &Held<U>) {
        if trade.flags() & flag::VOLUME == 0 {
            return;
        }
        let (price, size) = (trade.price, trade.size());
        self.transactions -= 1;
        self.prices.take(price);
        self.sizes.take(size);
        self.products.take(price.times(size));
        self.squares.take(price.times(price));
    }
}
