//! The trades that a symbol's windows still need, ordered by event time.
//!
//! A queue of fixed-size blocks: it grows without ever copying what it holds (a doubling buffer of
//! 300,000 trades would stall for a millisecond), and wastes at most two blocks per symbol.
//! Places are absolute: the n-th trade ever put in has place n, shifted by later insertions before it.

use std::collections::VecDeque;

use crate::unit::Unit;

/// Trades in one block: small, because thousands of symbols each hold one that is half empty.
const BLOCK: usize = 16;

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

/// A trade in the units of its symbol; 24 bytes in the narrow unit.
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
#[derive(Debug, Clone)]
pub(crate) struct Ring<U> {
    blocks: VecDeque<Box<[Held<U>; BLOCK]>>,
    /// A block kept for the next growth, so that a steady flow allocates nothing.
    spare: Option<Box<[Held<U>; BLOCK]>>,
    /// Trades before the first held one in the first block.
    head: usize,
    len: usize,
    /// Place of the first held trade.
    base: u64,
}

impl<U: Unit> Ring<U> {
    pub(crate) fn new() -> Self {
        Self {
            blocks: VecDeque::new(),
            spare: None,
            head: 0,
            len: 0,
            base: 0,
        }
    }

    /// How many trades are held.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Place of the first trade.
    pub(crate) fn first(&self) -> u64 {
        self.base
    }

    /// Place after the last trade.
    pub(crate) fn end(&self) -> u64 {
        self.base + self.len as u64
    }

    /// The trade at `place`, if it is held.
    #[inline]
    pub(crate) fn get(&self, place: u64) -> Option<&Held<U>> {
        let (block, index) = self.locate(place)?;
        self.blocks.get(block)?.get(index)
    }

    /// The newest trade.
    pub(crate) fn last(&self) -> Option<&Held<U>> {
        self.get(self.end().wrapping_sub(1))
    }

    /// Trades in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Held<U>> {
        (self.base..self.end()).filter_map(|place| self.get(place))
    }

    /// Adds the newest trade.
    #[inline]
    pub(crate) fn push(&mut self, trade: Held<U>) {
        let at = self.head + self.len;
        if at == self.blocks.len() * BLOCK {
            let block = self
                .spare
                .take()
                .unwrap_or_else(|| Box::new([Held::default(); BLOCK]));
            self.blocks.push_back(block);
        }
        self.len += 1;
        if let Some(slot) = self.slot(self.end() - 1) {
            *slot = trade;
        }
    }

    /// Puts a trade behind all that are not newer, and says at which place.
    pub(crate) fn insert(&mut self, trade: Held<U>) -> u64 {
        self.push(trade);
        let mut place = self.end() - 1;
        while let Some(before) = place.checked_sub(1).and_then(|at| self.get(at)).copied() {
            if before.time <= trade.time {
                break;
            }
            if let Some(slot) = self.slot(place) {
                *slot = before;
            }
            place -= 1;
        }
        if let Some(slot) = self.slot(place) {
            *slot = trade;
        }
        place
    }

    /// Drops the trades before `cutoff`.
    pub(crate) fn evict(&mut self, cutoff: i64) {
        while self.get(self.base).is_some_and(|trade| trade.time < cutoff) {
            self.base += 1;
            self.head += 1;
            self.len -= 1;
            if self.head == BLOCK {
                self.head = 0;
                self.spare = self.blocks.pop_front();
            }
        }
        if self.len == 0 {
            // An idle symbol keeps nothing.
            *self = Self {
                base: self.base,
                ..Self::new()
            };
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let blocks = self.blocks.len() + usize::from(self.spare.is_some());
        blocks * size_of::<[Held<U>; BLOCK]>() + self.blocks.capacity() * size_of::<usize>()
    }

    #[inline]
    fn locate(&self, place: u64) -> Option<(usize, usize)> {
        let offset = usize::try_from(place.checked_sub(self.base)?).ok()?;
        if offset >= self.len {
            return None;
        }
        let at = self.head + offset;
        Some((at / BLOCK, at % BLOCK))
    }

    fn slot(&mut self, place: u64) -> Option<&mut Held<U>> {
        let (block, index) = self.locate(place)?;
        self.blocks.get_mut(block)?.get_mut(index)
    }
}
