//! The views of a symbol that stand at the same time.

use std::mem::offset_of;

use crate::ring::Ring;
use crate::unit::Unit;
use crate::view::View;

/// Views of rising length.
///
/// The first lies here, beside the trades: with thousands of symbols each place elsewhere is waited
/// for; see `analyzer/fetch.rs`.
#[derive(Debug, Clone)]
#[repr(C)]
pub(super) struct Views<U: Unit> {
    others: Vec<View<U>>,
    first: View<U>,
}

impl<U: Unit> Views<U> {
    /// Bytes of it that moving the first view needs; they come first.
    pub(super) const NEEDED: usize = offset_of!(Self, first) + View::<U>::NEEDED;

    /// A view of each length; `None` without a length.
    pub(super) fn new(
        mut lengths: impl Iterator<Item = i64>,
        view: impl Fn(i64) -> View<U>,
    ) -> Option<Self> {
        let first = view(lengths.next()?);
        let others = lengths.map(view).collect();
        Some(Self { others, first })
    }

    /// As many views, each made like one of these.
    pub(super) fn map<V: Unit>(&self, like: impl Fn(&View<U>) -> View<V>) -> Views<V> {
        Views {
            first: like(&self.first),
            others: self.others.iter().map(like).collect(),
        }
    }

    #[inline]
    pub(super) fn first(&self) -> &View<U> {
        &self.first
    }

    /// Asks for those that lie elsewhere; see `analyzer/fetch.rs`.
    #[inline]
    pub(super) fn fetch_others(&self) {
        self.others.iter().for_each(View::fetch_lines);
    }

    /// Asks for what these lead to, after [`Views::fetch_others`].
    #[inline]
    pub(super) fn fetch_last(&self, ring: &Ring<U>) {
        self.others.iter().for_each(|view| view.fetch(ring));
    }

    #[inline]
    pub(super) fn longest(&self) -> &View<U> {
        self.others.last().unwrap_or(&self.first)
    }

    #[inline]
    pub(super) fn get(&self, place: usize) -> Option<&View<U>> {
        match place.checked_sub(1) {
            None => Some(&self.first),
            Some(place) => self.others.get(place),
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut View<U>> {
        match place.checked_sub(1) {
            None => Some(&mut self.first),
            Some(place) => self.others.get_mut(place),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &View<U>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Shows each to `see`, which is called in one place, so that the compiler can put it there.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "nearly always it is one view, and `see` is all that is done for a trade"
    )]
    pub(super) fn each(&mut self, mut see: impl FnMut(&mut View<U>)) {
        let (mut next, mut others) = (Some(&mut self.first), self.others.iter_mut());
        while let Some(view) = next {
            see(view);
            next = others.next();
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let others = self.others.capacity() * size_of::<View<U>>();
        others + self.iter().map(View::heap_bytes).sum::<usize>()
    }
}
