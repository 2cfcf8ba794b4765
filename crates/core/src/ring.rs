//! The trades that a symbol's windows still need, ordered by event time.
//!
//! A circular buffer, which a larger one follows when it is full. The trades of a small one are
//! copied; a large one stays and empties by itself while new trades go to its follower, because
//! copying 300,000 trades would stall for a millisecond. Nearly always there is one buffer only.
//! Places are absolute: the n-th trade ever put in has place n, shifted by later insertions before
//! it.

use std::collections::VecDeque;
use std::mem::offset_of;

use crate::prefetch::prefetch_item;
use crate::unit::Unit;

/// Trades for which there is room in the first buffer.
const SMALLEST: usize = 8;

/// Buffers up to this size are kept while a symbol is idle or slow: thousands of symbols with a few
/// trades each would allocate all the time.
const KEPT: usize = 32;

/// A larger buffer is left for a smaller one when only one in so many of its slots is used.
const SPARSE: usize = 8;

/// Most trades that are copied to another buffer at once.
const COPIED: usize = 1_024;

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
    #[inline]
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
/// What is seldom needed comes last; see `analyzer/fetch.rs`.
#[derive(Debug, Clone)]
#[repr(C)]
pub(crate) struct Ring<U> {
    /// Takes new trades.
    newest: Buffer<U>,
    /// Place of the first held trade.
    start: u64,
    /// Place after the last.
    end: u64,
    /// Event time of the last trade put at the end: known without a look at its buffer, which has
    /// left the cache if the symbol trades seldom.
    newest_time: i64,
    /// Place after the last one of the oldest of those that only empty.
    older_end: u64,
    /// Those that only empty, oldest first.
    #[expect(
        clippy::box_collection,
        reason = "nearly always there is none: one word says so"
    )]
    older: Option<Box<VecDeque<Buffer<U>>>>,
}

/// Trades from place `base` on, written around at its capacity, which is a power of two.
#[derive(Debug, Clone)]
struct Buffer<U> {
    base: u64,
    /// Filled one by one up to the capacity, so that a large buffer costs nothing at once.
    slots: Vec<Held<U>>,
    capacity: usize,
}

impl<U: Unit> Buffer<U> {
    fn new(base: u64, capacity: usize) -> Self {
        Self {
            base,
            slots: Vec::with_capacity(capacity),
            capacity,
        }
    }

    #[inline]
    fn index(&self, place: u64) -> usize {
        count(place.wrapping_sub(self.base)) & self.capacity.wrapping_sub(1)
    }

    #[inline]
    fn put(&mut self, place: u64, trade: Held<U>) {
        let index = self.index(place);
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = trade;
        } else {
            self.slots.push(trade);
        }
    }
}

impl<U: Unit> Ring<U> {
    /// Bytes of it that every trade needs; they come first.
    pub(crate) const NEEDED: usize = offset_of!(Self, older);

    pub(crate) fn new() -> Self {
        Self {
            newest: Buffer::new(0, 0),
            start: 0,
            end: 0,
            newest_time: i64::MIN,
            older: None,
            older_end: u64::MAX,
        }
    }

    /// How many trades are held.
    pub(crate) fn len(&self) -> usize {
        count(self.end - self.start)
    }

    /// Place of the first trade.
    #[inline]
    pub(crate) fn first(&self) -> u64 {
        self.start
    }

    /// Place after the last trade.
    #[inline]
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The trade at `place`, if it is held.
    #[inline]
    pub(crate) fn get(&self, place: u64) -> Option<&Held<U>> {
        let is_held = (self.start..self.end).contains(&place);
        self.at(place).filter(|_| is_held)
    }

    /// The trade at `place`, which is one from the first to the end.
    #[inline]
    pub(crate) fn at(&self, place: u64) -> Option<&Held<U>> {
        if place < self.newest.base {
            return self.at_older(place);
        }
        self.newest.slots.get(self.newest.index(place))
    }

    /// Asks for the slot of `place`; see `analyzer/fetch.rs`. For one in an older buffer it asks for
    /// some other: what has as many trades is in the cache anyway.
    #[inline]
    pub(crate) fn fetch(&self, place: u64) {
        prefetch_item(&self.newest.slots, self.newest.index(place));
    }

    /// Event time of the newest trade, which may be gone.
    #[inline]
    pub(crate) fn newest_time(&self) -> i64 {
        self.newest_time
    }

    /// Trades in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Held<U>> {
        (self.start..self.end).filter_map(|place| self.get(place))
    }

    /// Adds the newest trade.
    #[inline]
    pub(crate) fn push(&mut self, trade: Held<U>) {
        self.newest_time = trade.time;
        let used = count(self.end - self.start.max(self.newest.base));
        if used == self.newest.capacity || self.newest.index(self.end) == 0 {
            self.review(used);
        }
        self.newest.put(self.end, trade);
        self.end += 1;
    }

    /// Puts a trade behind all that are not newer, and says at which place.
    pub(crate) fn insert(&mut self, trade: Held<U>) -> u64 {
        let newest_time = self.newest_time;
        self.push(trade);
        self.newest_time = newest_time;
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
    #[inline]
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
        self.start = place.clamp(self.start, self.end);
        if self.start >= self.older_end {
            self.drop_emptied();
        }
        if self.start == self.end && self.newest.capacity > KEPT {
            self.newest = Buffer::new(self.end, 0);
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let slots = |buffer: &Buffer<U>| buffer.slots.capacity() * size_of::<Held<U>>();
        let older = |older: &VecDeque<Buffer<U>>| {
            let list = size_of_val(older) + older.capacity() * size_of::<Buffer<U>>();
            list + older.iter().map(slots).sum::<usize>()
        };
        slots(&self.newest) + self.older.as_deref().map_or(0, older)
    }

    #[cold]
    fn at_older(&self, place: u64) -> Option<&Held<U>> {
        // Nearly always it is the oldest, which trades leave.
        let older = self.older.as_ref()?;
        let buffer = match older.front() {
            Some(oldest) if place < self.older_end => oldest,
            _ => older.iter().rev().find(|buffer| buffer.base <= place)?,
        };
        buffer.slots.get(buffer.index(place))
    }

    fn set(&mut self, place: u64, trade: Held<U>) {
        let older = self
            .older
            .iter_mut()
            .flat_map(|older| older.iter_mut().rev());
        let mut buffers = std::iter::once(&mut self.newest).chain(older);
        if let Some(buffer) = buffers.find(|buffer| buffer.base <= place) {
            buffer.put(place, trade);
        }
    }

    /// Goes on in another buffer if the newest is full, or much too large; asked once per turn.
    #[cold]
    fn review(&mut self, used: usize) {
        let capacity = self.newest.capacity;
        let sparse = capacity > KEPT && self.len() * SPARSE <= capacity;
        if used < capacity && !sparse {
            return;
        }
        let room = (self.len() + 1).next_power_of_two().max(SMALLEST);
        if self.len() <= COPIED {
            let mut fresh = Buffer::new(self.start, room);
            for (place, trade) in (self.start..).zip(self.iter()) {
                fresh.put(place, *trade);
            }
            self.newest = fresh;
            self.older = None;
        } else {
            let left = std::mem::replace(&mut self.newest, Buffer::new(self.end, room));
            self.older.get_or_insert_default().push_back(left);
        }
        self.note_older();
    }

    #[cold]
    fn drop_emptied(&mut self) {
        while self.start >= self.older_end {
            self.older.take_if(|older| older.len() == 1);
            if let Some(older) = &mut self.older {
                older.pop_front();
            }
            self.note_older();
        }
    }

    fn note_older(&mut self) {
        let after_oldest =
            |older: &VecDeque<Buffer<U>>| older.get(1).map_or(self.newest.base, |next| next.base);
        let older = self.older.as_deref();
        self.older_end = older.map_or(u64::MAX, after_oldest);
    }
}

/// Places count what is in memory.
#[inline]
fn count(places: u64) -> usize {
    usize::try_from(places).unwrap_or(usize::MAX)
}
