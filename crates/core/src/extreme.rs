//! The lowest and highest price of a sliding window.
//!
//! Trades are taken in stretches of a few places. The first stretch of the window, which trades
//! leave, has the extremes of each rest of it ready; the others are one price each way in a queue
//! that holds only prices that no later one beats. So nearly every trade costs two comparisons
//! without a branch: in a queue of single prices each would cost a guess that is often wrong.

use crate::ring::{Held, Ring, flag};
use crate::unit::Unit;

/// Places in one stretch.
const STRETCH: usize = 8;

/// The lowest and highest of some prices; of none, the lowest is above the highest.
#[derive(Debug, Clone, Copy)]
struct Range<U> {
    lowest: U,
    highest: U,
}

/// The extremes of a window over a ring.
#[derive(Debug, Clone)]
pub(crate) struct Extremes<U> {
    /// The stretch in which the window starts.
    first: u64,
    /// Of the first stretch: the range of its trades from each place on.
    rests: [Range<U>; STRETCH],
    /// Range of the trades after the first stretch.
    later: Range<U>,
    /// Range of the last stretch, which is not full yet, if it is not the first.
    open: Range<U>,
    /// Lowest prices of the full stretches after the first.
    lows: Queue<U, false>,
    /// Highest prices of the full stretches after the first.
    highs: Queue<U, true>,
}

impl<U: Unit> Range<U> {
    const NONE: Self = Self {
        lowest: U::MAX,
        highest: U::MIN,
    };

    #[inline]
    fn of(trade: &Held<U>) -> Self {
        if trade.flags() & flag::RANGE == 0 {
            return Self::NONE;
        }
        Self {
            lowest: trade.price,
            highest: trade.price,
        }
    }

    #[inline]
    fn and(self, other: Self) -> Self {
        Self {
            lowest: self.lowest.min(other.lowest),
            highest: self.highest.max(other.highest),
        }
    }
}

impl<U: Unit> Extremes<U> {
    /// Of an empty window that starts at `place`.
    pub(crate) fn new(place: u64) -> Self {
        Self {
            first: stretch(place),
            rests: [Range::NONE; STRETCH],
            later: Range::NONE,
            open: Range::NONE,
            lows: Queue::default(),
            highs: Queue::default(),
        }
    }

    /// Reads from all of it; see `analyzer/fetch.rs`.
    #[inline]
    pub(crate) fn touch(&self) -> u64 {
        self.first ^ self.lows.head as u64 ^ self.highs.head as u64
    }

    /// The lowest and the highest price of the window that starts at `start`.
    #[inline]
    pub(crate) fn get(&self, start: u64) -> Option<(U, U)> {
        let rest = self.rests.get(within(start));
        let range = rest.map_or(self.later, |rest| rest.and(self.later));
        (range.lowest <= range.highest).then_some((range.lowest, range.highest))
    }

    /// Adds the trade at `place`, the end of the window.
    #[inline]
    pub(crate) fn push(&mut self, trade: &Held<U>, place: u64) {
        let range = Range::of(trade);
        if stretch(place) == self.first {
            for rest in self.rests.iter_mut().take(within(place) + 1) {
                *rest = rest.and(range);
            }
            return;
        }
        self.later = self.later.and(range);
        self.open = self.open.and(range);
        if within(place) == STRETCH - 1 {
            self.close(stretch(place));
        }
    }

    /// Lets the window start at `start`.
    #[inline]
    pub(crate) fn evict(&mut self, ring: &Ring<U>, (start, end): (u64, u64)) {
        if stretch(start) != self.first {
            self.enter(ring, (start, end));
        }
    }

    /// Takes up that the trades from `place` on have moved on by one, because one was put there.
    /// The window is now from `start` to `end`.
    ///
    /// It looks at all that have moved: putting the trade there had to touch them as well.
    pub(crate) fn inserted(&mut self, ring: &Ring<U>, place: u64, (start, end): (u64, u64)) {
        let changed = stretch(place);
        self.lows.truncate(changed);
        self.highs.truncate(changed);
        self.open = Range::NONE;
        if changed <= stretch(start) {
            self.enter(ring, (start, end));
        }
        let from = changed.max(stretch(start) + 1) * STRETCH as u64;
        for place in from..end {
            if let Some(trade) = ring.at(place) {
                self.push(trade, place);
            }
        }
        self.later = self.open.and(self.full());
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.lows.heap_bytes() + self.highs.heap_bytes()
    }

    /// Makes the stretch of `start` the first.
    fn enter(&mut self, ring: &Ring<U>, (start, end): (u64, u64)) {
        self.first = stretch(start);
        let mut place = (self.first + 1) * STRETCH as u64;
        let mut range = Range::NONE;
        for rest in self.rests.iter_mut().rev() {
            place -= 1;
            if (start..end).contains(&place) {
                range = ring
                    .at(place)
                    .map_or(range, |trade| range.and(Range::of(trade)));
            }
            *rest = range;
        }
        self.lows.evict(self.first);
        self.highs.evict(self.first);
        if stretch(end) == self.first {
            self.open = Range::NONE;
        }
        self.later = self.open.and(self.full());
    }

    /// Range of the full stretches after the first.
    fn full(&self) -> Range<U> {
        Range {
            lowest: self.lows.get().unwrap_or(U::MAX),
            highest: self.highs.get().unwrap_or(U::MIN),
        }
    }

    /// The open stretch is full.
    fn close(&mut self, stretch: u64) {
        let Range { lowest, highest } = std::mem::replace(&mut self.open, Range::NONE);
        self.lows.push(stretch, lowest);
        self.highs.push(stretch, highest);
    }
}

/// The stretch of a place.
#[inline]
fn stretch(place: u64) -> u64 {
    place / STRETCH as u64
}

/// Where in its stretch a place is.
#[inline]
fn within(place: u64) -> usize {
    usize::try_from(place % STRETCH as u64).unwrap_or(0)
}

/// Prices of stretches that are the extreme of some rest of the window, oldest first.
#[derive(Debug, Clone, Default)]
struct Queue<U, const HIGHEST: bool> {
    entries: Vec<(u64, U)>,
    /// Entries before this have left the window; they go when their room is needed.
    head: usize,
}

impl<U: Unit, const HIGHEST: bool> Queue<U, HIGHEST> {
    /// The extreme of all prices held.
    fn get(&self) -> Option<U> {
        self.entries.get(self.head).map(|(_, price)| *price)
    }

    /// Adds the newest price.
    fn push(&mut self, stretch: u64, price: U) {
        let beaten = |last: &U| {
            if HIGHEST {
                price >= *last
            } else {
                price <= *last
            }
        };
        while self.entries.len() > self.head
            && self.entries.last().is_some_and(|(_, last)| beaten(last))
        {
            self.entries.pop();
        }
        if self.entries.len() == self.entries.capacity() && self.head * 2 >= self.entries.len() {
            // Moving to the front makes as much room as doubling would.
            self.entries.drain(..self.head);
            self.head = 0;
        }
        self.entries.push((stretch, price));
    }

    /// Drops the prices up to that of `stretch`.
    fn evict(&mut self, stretch: u64) {
        while self
            .entries
            .get(self.head)
            .is_some_and(|(held, _)| *held <= stretch)
        {
            self.head += 1;
        }
    }

    /// Drops the prices from that of `stretch` on.
    fn truncate(&mut self, stretch: u64) {
        let kept = self.entries.partition_point(|(held, _)| *held < stretch);
        self.entries.truncate(kept);
        self.head = self.head.min(kept);
    }

    fn heap_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<(u64, U)>()
    }
}
