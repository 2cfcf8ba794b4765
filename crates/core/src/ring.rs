//! The trades that a symbol's windows still need, ordered by event time.
//!
//! A queue of fixed-size blocks: it grows without ever copying what it holds (a doubling buffer of
//! 300,000 trades would stall for a millisecond), and wastes a few blocks per symbol.
//! Places are absolute: the n-th trade ever put in has place n, shifted by later insertions before
//! it.

use std::collections::VecDeque;

use crate::unit::Unit;

/// Trades in one block: small, because thousands of symbols each hold one that is half empty.
const BLOCK: usize = 16;

/// One emptied block waits for so many that are in use.
const SPARE_SHARE: usize = 8;

/// What a trade may move.
pub(crate) mod flag {
    /// `last_price`.
    pub(crate) const LAST: u8 = 1;
    /// `min_price` and `max_price`.
    pub(crate) const RANGE: u8 = 2;
    /// `transactions`, `volume`, the means and the variance.
    pub(crate) const VOLUME: u8 = 4;
    /// Everything.
    pub(crate) const ALL: u8 = LAST | RANGE | VOLUME;
}

/// A trade in the units of its symbol: 16 bytes in the compact unit, 24 in the narrow one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Held<U> {
    /// Event time.
    pub(crate) time: i64,
    pub(crate) price: U,
    /// The size, with the flags beside it.
    packed_size: U,
}

impl<U: Unit> Held<U> {
    pub(crate) fn new(time: i64, price: U, size: U, flags: u8) -> Self {
        Self {
            time,
            price,
            packed_size: size.with_flags(flags),
        }
    }

    #[inline]
    pub(crate) fn size(&self) -> U {
        self.packed_size.without_flags()
    }

    #[inline]
    pub(crate) fn flags(&self) -> u8 {
        self.packed_size.flags()
    }
}

/// The held trades of one symbol, oldest first; equal times in log order.
///
/// Invariant: the block of place `p` is `p / BLOCK - start / BLOCK`, in it `p % BLOCK`.
#[derive(Debug, Clone)]
pub(crate) struct Ring<U> {
    /// Blocks that hold trades, then some that wait to be used again: a steady flow allocates
    /// nothing.
    blocks: VecDeque<Box<[Held<U>; BLOCK]>>,
    /// Place of the first held trade.
    start: u64,
    /// Place after the last.
    end: u64,
}

impl<U: Unit> Ring<U> {
    pub(crate) fn new() -> Self {
        Self {
            blocks: VecDeque::new(),
            start: 0,
            end: 0,
        }
    }

    /// How many trades are held.
    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.end - self.start).expect("what is in memory can be counted")
    }

    /// Place of the first trade.
    pub(crate) fn first(&self) -> u64 {
        self.start
    }

    /// The trade at `place`, if it is held.
    #[inline]
    pub(crate) fn get(&self, place: u64) -> Option<&Held<U>> {
        if place < self.start || place >= self.end {
            return None;
        }
        let (block, index) = self.locate(place);
        self.blocks.get(block)?.get(index)
    }

    /// The newest trade.
    #[inline]
    pub(crate) fn last(&self) -> Option<&Held<U>> {
        self.get(self.end.wrapping_sub(1))
    }

    /// Trades in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Held<U>> {
        (self.start..self.end).filter_map(|place| self.get(place))
    }

    /// Adds the newest trade.
    #[inline]
    pub(crate) fn push(&mut self, trade: Held<U>) {
        let (block, _) = self.locate(self.end);
        if block == self.blocks.len() {
            self.grow();
        }
        self.end += 1;
        self.set(self.end - 1, trade);
    }

    /// Puts a trade behind all that are not newer, and says at which place.
    pub(crate) fn insert(&mut self, trade: Held<U>) -> u64 {
        self.push(trade);
        let mut place = self.end - 1;
        while let Some(before) = place.checked_sub(1).and_then(|at| self.get(at)).copied() {
            if before.time <= trade.time {
                break;
            }
            self.set(place, before);
            place -= 1;
        }
        self.set(place, trade);
        place
    }

    /// Drops the trades before `cutoff`.
    pub(crate) fn evict(&mut self, cutoff: i64) {
        let mut place = self.start;
        while self.get(place).is_some_and(|trade| trade.time < cutoff) {
            place += 1;
        }
        self.release(place);
    }

    /// Drops the trades that stand before `place`.
    #[inline]
    pub(crate) fn release(&mut self, place: u64) {
        let place = place.clamp(self.start, self.end);
        let (emptied, _) = self.locate(place);
        self.start = place;
        if emptied > 0 {
            self.recycle(emptied);
        }
        if self.start == self.end {
            // An idle symbol keeps nothing.
            self.blocks = VecDeque::new();
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let lists = self.blocks.capacity() * size_of::<usize>();
        self.blocks.len() * size_of::<[Held<U>; BLOCK]>() + lists
    }

    #[inline]
    fn locate(&self, place: u64) -> (usize, usize) {
        let size = BLOCK as u64;
        let block = place / size - self.start / size;
        let known = "what is in memory can be counted";
        let part = |number: u64| usize::try_from(number).expect(known);
        (part(block), part(place % size))
    }

    #[inline]
    fn set(&mut self, place: u64, trade: Held<U>) {
        let (block, index) = self.locate(place);
        let slot = self.blocks.get_mut(block);
        if let Some(slot) = slot.and_then(|block| block.get_mut(index)) {
            *slot = trade;
        }
    }

    #[cold]
    fn grow(&mut self) {
        self.blocks.push_back(Box::new([Held::default(); BLOCK]));
    }

    /// Moves the first blocks, which hold nothing any more, behind the others.
    #[cold]
    fn recycle(&mut self, emptied: usize) {
        self.blocks.rotate_left(emptied);
        let used = self.len() / BLOCK + 2;
        self.blocks.truncate(used + used / SPARE_SHARE);
    }
}
