//! The lowest and highest price of a sliding window.
//!
//! Trades are taken in stretches of a few places. The first stretch of the window, which trades
//! leave, has the extremes of each rest of it ready; what follows is in [`Stretches`], one range
//! for each. So a trade costs a few comparisons without a branch, where a queue of prices would
//! cost a guess that is often wrong.
//!
//! Invariant: the range of a stretch is that of its trades, and maybe of later ones of the window.
//! It is only ever asked together with all that follow, so these make no difference; and a late
//! trade, which shifts all that follow by one place, is taken up by adding to each range.
//!
//! Where the window starts is known to its view; the first stretch is that of this place, and moves
//! with it in [`Extremes::evict`] and [`Extremes::inserted`].

use std::collections::VecDeque;
use std::mem::offset_of;

use crate::prefetch::prefetch_item;
use crate::ring::{Held, Ring, flag};
use crate::unit::Unit;

/// Places in one stretch.
const STRETCH: usize = 16;

/// Stretches for which there is room from the start: thousands of symbols that trade seldom would
/// make it one after the other.
const SMALLEST: usize = 4;

/// Stretches for which the room is kept when the window is empty.
const KEPT: usize = 16;

/// The lowest and highest of some prices; of none, the lowest is above the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range<U> {
    lowest: U,
    highest: U,
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

/// The extremes of a window over a ring; for the order of its parts see `View`.
#[derive(Debug, Clone)]
#[repr(C)]
pub(crate) struct Extremes<U> {
    /// Range of the trades after the first stretch.
    later: Range<U>,
    /// Range of the last stretch, which is not full yet, if it is not the first.
    open: Range<U>,
    /// Of the first stretch: the range of its trades from each place on.
    rests: [Range<U>; STRETCH],
    /// The full stretches after the first.
    full: Stretches<U>,
}

impl<U: Unit> Extremes<U> {
    /// Bytes of it that every trade needs, but for one rest; they come first.
    pub(crate) const NEEDED: usize = offset_of!(Self, rests);

    /// Of an empty window.
    pub(crate) fn new() -> Self {
        Self {
            later: Range::NONE,
            open: Range::NONE,
            rests: [Range::NONE; STRETCH],
            full: Stretches::new(),
        }
    }

    /// Asks for what is known of the rest from `start` on; see `analyzer/fetch.rs`.
    #[inline]
    pub(crate) fn fetch(&self, start: u64) {
        prefetch_item(&self.rests, within(start));
    }

    /// The lowest and the highest price of the window that starts at `start`.
    #[inline]
    pub(crate) fn get(&self, start: u64) -> Option<(U, U)> {
        let rest = self.rests.get(within(start));
        let range = rest.map_or(self.later, |rest| rest.and(self.later));
        (range.lowest <= range.highest).then_some((range.lowest, range.highest))
    }

    /// Adds the trade at `place`, the end of the window that starts at `start`.
    #[inline]
    pub(crate) fn push(&mut self, trade: &Held<U>, place: u64, start: u64) {
        let range = Range::of(trade);
        if stretch(place) == stretch(start) {
            self.push_first(range, within(place));
            return;
        }
        self.later = self.later.and(range);
        let open = self.open.and(range);
        let is_full = within(place) == STRETCH - 1;
        self.open = if is_full { self.full.push(open) } else { open };
    }

    /// Lets the window that started at `before` start at `start`.
    #[inline]
    pub(crate) fn evict(&mut self, ring: &Ring<U>, before: u64, (start, end): (u64, u64)) {
        if stretch(start) != stretch(before) {
            self.enter(ring, stretch(before), (start, end));
        }
    }

    /// Takes up that the trades from `place` on have moved on by one, because one was put there.
    /// The window started at `before` and is now from `start` to `end`.
    pub(crate) fn inserted(
        &mut self,
        ring: &Ring<U>,
        place: u64,
        before: u64,
        (start, end): (u64, u64),
    ) {
        let (first, changed) = (stretch(before), stretch(place));
        // Each stretch from there on has a new trade: this one, or the last of the one before.
        let later = changed.max(first) + 1..=stretch(end - 1);
        let later = later.map(|stretch| stretch * STRETCH as u64);
        for place in std::iter::once(place).chain(later) {
            if let Some(trade) = ring.at(place).filter(|_| stretch(place) > first) {
                self.widen(stretch(place) - first - 1, Range::of(trade));
            }
        }
        if stretch(end - 1) > first && within(end) == 0 {
            self.open = self.full.push(self.open);
        }
        if changed <= stretch(start) {
            self.enter(ring, first, (start, end));
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.full.ranges.capacity() * size_of::<Range<U>>()
    }

    /// Adds a trade to the first stretch, where it stands at a place.
    #[inline(never)]
    fn push_first(&mut self, range: Range<U>, within: usize) {
        for rest in self.rests.iter_mut().take(within + 1) {
            *rest = rest.and(range);
        }
    }

    /// Adds `range` to that of one of the stretches after the first.
    fn widen(&mut self, place: u64, range: Range<U>) {
        self.later = self.later.and(range);
        if !self.full.widen(places(place), range) {
            self.open = self.open.and(range);
        }
    }

    /// Makes the stretch of `start` the first, which `left` was.
    #[inline(never)]
    fn enter(&mut self, ring: &Ring<U>, left: u64, (start, end): (u64, u64)) {
        let first = stretch(start);
        self.full.drop_first(places(first - left));
        self.rests = [Range::NONE; STRETCH];
        let mut range = Range::NONE;
        for place in (start..end.min((first + 1) * STRETCH as u64)).rev() {
            if let (Some(trade), Some(rest)) = (ring.at(place), self.rests.get_mut(within(place))) {
                range = range.and(Range::of(trade));
                *rest = range;
            }
        }
        if stretch(end) == first {
            self.open = Range::NONE;
        }
        self.later = self.open.and(self.full.range());
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
    places(place % STRETCH as u64)
}

/// Places count what is in memory.
#[inline]
fn places(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Ranges of stretches that follow each other, and the range of them all.
///
/// The first of them are *turned*: each holds the range of itself and all turned ones after it. So
/// the range of all is that of the first and that of those that are not turned, and stays known
/// when the first is dropped. When no turned one is left, all are turned at once.
#[derive(Debug, Clone)]
struct Stretches<U> {
    ranges: VecDeque<Range<U>>,
    /// How many are turned.
    turned: usize,
    /// Range of those that are not.
    unturned: Range<U>,
}

impl<U: Unit> Stretches<U> {
    fn new() -> Self {
        Self {
            ranges: VecDeque::with_capacity(SMALLEST),
            turned: 0,
            unturned: Range::NONE,
        }
    }

    /// The range of them all.
    #[inline]
    fn range(&self) -> Range<U> {
        let turned = self.ranges.front().filter(|_| self.turned > 0);
        turned.map_or(self.unturned, |turned| turned.and(self.unturned))
    }

    /// Adds one, and gives the range with which the next begins.
    #[inline(never)]
    fn push(&mut self, range: Range<U>) -> Range<U> {
        self.ranges.push_back(range);
        self.unturned = self.unturned.and(range);
        Range::NONE
    }

    /// Drops so many from the front.
    fn drop_first(&mut self, count: usize) {
        if count >= self.ranges.len() {
            self.ranges.clear();
            self.ranges.shrink_to(KEPT);
            self.turned = 0;
            self.unturned = Range::NONE;
            return;
        }
        self.ranges.drain(..count);
        match self.turned.checked_sub(count) {
            Some(left) => self.turned = left,
            None => self.turn(),
        }
    }

    /// Turns them all.
    fn turn(&mut self) {
        let mut range = Range::NONE;
        for each in self.ranges.iter_mut().rev() {
            range = range.and(*each);
            *each = range;
        }
        self.turned = self.ranges.len();
        self.unturned = Range::NONE;
    }

    /// Adds `range` to one of them; false if there are not so many.
    fn widen(&mut self, place: usize, range: Range<U>) -> bool {
        let Some(each) = self.ranges.get_mut(place) else {
            return false;
        };
        *each = each.and(range);
        if place >= self.turned {
            self.unturned = self.unturned.and(range);
            return true;
        }
        // It is part of all turned ones before as well; the earlier, the wider they are.
        for before in self.ranges.range_mut(..place).rev() {
            let wider = before.and(range);
            if wider == *before {
                break;
            }
            *before = wider;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Window {
        ring: Ring<u32>,
        extremes: Extremes<u32>,
        start: u64,
        end: u64,
    }

    impl Window {
        fn add(&mut self, trade: Held<u32>) {
            self.end += 1;
            if self.ring.newest_time() <= trade.time {
                self.ring.push(trade);
                self.extremes.push(&trade, self.end - 1, self.start);
                return;
            }
            let (place, before) = (self.ring.insert(trade), self.start);
            self.start += u64::from(place < before);
            let span = (self.start, self.end);
            self.extremes.inserted(&self.ring, place, before, span);
        }

        fn leave(&mut self, count: u64) {
            let before = self.start;
            self.start += count;
            let span = (self.start, self.end);
            self.extremes.evict(&self.ring, before, span);
            // Some older trades stay, so that late ones come before the window as well.
            self.ring.release(self.start.saturating_sub(5));
        }

        /// The extremes, looking at every trade.
        fn slowly(&self) -> Option<(u32, u32)> {
            let trades = (self.start..self.end).filter_map(|place| self.ring.get(place));
            let range = trades.map(Range::of).fold(Range::NONE, Range::and);
            (range.lowest <= range.highest).then_some((range.lowest, range.highest))
        }
    }

    #[track_caller]
    fn check(longest: u64) {
        let mut random = longest;
        let mut below = |bound: u64| {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (random >> 33) % bound
        };
        let (ring, extremes) = (Ring::new(), Extremes::new());
        let (start, end) = (0, 0);
        let mut window = Window {
            ring,
            extremes,
            start,
            end,
        };
        for step in 0..4_000_i64 {
            let late = below(longest) * u64::from(below(3) == 0);
            let time = step - late.cast_signed();
            let price = u32::try_from(below(1_000)).unwrap();
            let flags = if below(5) == 0 { flag::LAST } else { flag::ALL };
            window.add(Held::new(time, price, 1, flags));
            let held = window.end - window.start;
            if below(4) == 0 || held > longest {
                window.leave(below(held + 1).min(longest / 2));
            }
            assert_eq!(window.extremes.get(window.start), window.slowly(), "{step}");
        }
    }

    #[test]
    fn trades_that_come_late_and_leave_together_leave_the_right_extremes() {
        check(3);
        check(20);
        check(300);
    }
}
