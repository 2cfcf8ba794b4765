//! The lowest or highest price of a sliding window.
//!
//! A monotonic queue: it holds only prices that no later one beats, so the front is the extreme and
//! each price is added and removed once. Entries carry their time instead of their place, which lets
//! a late price be put between two others without renumbering.

use std::collections::VecDeque;

/// Prices that are the extreme of some rest of the window, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extreme<U, const HIGHEST: bool> {
    entries: VecDeque<(i64, U)>,
}

impl<U: Copy + Ord, const HIGHEST: bool> Extreme<U, HIGHEST> {
    /// The extreme of all prices held.
    pub(crate) fn get(&self) -> Option<U> {
        self.entries.front().map(|(_, price)| *price)
    }

    /// Adds the newest price.
    #[inline]
    pub(crate) fn push(&mut self, time: i64, price: U) {
        while let Some((_, back)) = self.entries.back() {
            if !at_least::<U, HIGHEST>(&price, back) {
                break;
            }
            self.entries.pop_back();
        }
        self.entries.push_back((time, price));
    }

    /// Adds a price that is older than some already held.
    pub(crate) fn insert(&mut self, time: i64, price: U) {
        let place = self.entries.partition_point(|(held, _)| *held <= time);
        if self
            .entries
            .get(place)
            .is_some_and(|(_, later)| at_least::<U, HIGHEST>(later, &price))
        {
            return;
        }
        self.entries.insert(place, (time, price));
        let mut before = place;
        while let Some((_, older)) = before.checked_sub(1).and_then(|at| self.entries.get(at)) {
            if !at_least::<U, HIGHEST>(&price, older) {
                break;
            }
            before -= 1;
        }
        self.entries.drain(before..place);
    }

    /// Drops what is older than `cutoff`.
    #[inline]
    pub(crate) fn evict(&mut self, cutoff: i64) {
        while self.entries.front().is_some_and(|(time, _)| *time < cutoff) {
            self.entries.pop_front();
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<(i64, U)>()
    }
}

#[inline]
fn at_least<U: Ord, const HIGHEST: bool>(new: &U, old: &U) -> bool {
    if HIGHEST { new >= old } else { new <= old }
}
