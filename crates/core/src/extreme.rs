//! The lowest or highest price of a sliding window.
//!
//! A monotonic queue: it holds only prices that no later one beats, so the front is the extreme and
//! each price is added and removed once. Entries carry their time instead of their place, which
//! lets a late price be put between two others without renumbering.

/// Prices that are the extreme of some rest of the window, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extreme<U, const HIGHEST: bool> {
    entries: Vec<(i64, U)>,
    /// Entries before this have left the window; they go when their room is needed.
    head: usize,
}

impl<U: Copy + Ord, const HIGHEST: bool> Extreme<U, HIGHEST> {
    /// The extreme of all prices held.
    #[inline]
    pub(crate) fn get(&self) -> Option<U> {
        self.entries.get(self.head).map(|(_, price)| *price)
    }

    /// Adds the newest price.
    #[inline]
    pub(crate) fn push(&mut self, time: i64, price: U) {
        while self.entries.len() > self.head
            && let Some((_, last)) = self.entries.last()
            && at_least::<U, HIGHEST>(&price, last)
        {
            self.entries.pop();
        }
        if self.entries.len() == self.entries.capacity() {
            self.make_room();
        }
        self.entries.push((time, price));
    }

    /// Adds a price that is older than some already held.
    pub(crate) fn insert(&mut self, time: i64, price: U) {
        self.entries.drain(..self.head);
        self.head = 0;
        let place = self.entries.partition_point(|(held, _)| *held <= time);
        let (older, later) = self.entries.split_at(place);
        if later
            .first()
            .is_some_and(|(_, later)| at_least::<U, HIGHEST>(later, &price))
        {
            return;
        }
        let beaten = older
            .iter()
            .rev()
            .take_while(|(_, older)| at_least::<U, HIGHEST>(&price, older))
            .count();
        self.entries.splice(place - beaten..place, [(time, price)]);
    }

    /// Drops what is older than `cutoff`.
    #[inline]
    pub(crate) fn evict(&mut self, cutoff: i64) {
        while self
            .entries
            .get(self.head)
            .is_some_and(|(time, _)| *time < cutoff)
        {
            self.head += 1;
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<(i64, U)>()
    }

    /// Moves the entries to the front if that makes as much room as doubling would.
    #[cold]
    fn make_room(&mut self) {
        if self.head * 2 >= self.entries.len() {
            self.entries.drain(..self.head);
            self.head = 0;
        }
    }
}

#[inline]
fn at_least<U: Ord, const HIGHEST: bool>(new: &U, old: &U) -> bool {
    if HIGHEST { new >= old } else { new <= old }
}
