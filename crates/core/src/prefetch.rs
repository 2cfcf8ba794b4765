//! Asking the processor for what will be needed soon; `analyzer/fetch.rs` says when and what for.

use prefetch_index::prefetch_index;

/// Asks for the cache line of `part`.
#[inline]
pub(crate) fn prefetch<T>(part: &T) {
    prefetch_item(std::slice::from_ref(part), 0);
}

/// Asks for the cache line of an item; harmless if there is none at `index`.
#[inline]
pub(crate) fn prefetch_item<T>(items: &[T], index: usize) {
    prefetch_index(items, index);
}
