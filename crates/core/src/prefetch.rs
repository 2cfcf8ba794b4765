//! Asking the processor for what will be needed soon; `analyzer/fetch.rs` says when and what for.
//!
//! The instruction needs unsafe code, which is forbidden here: a crate wraps it. Processors other
//! than x86 and 64-bit ARM are asked nothing.

use prefetch_index::prefetch_index;

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

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

/// Asks for so many cache lines, the first of which begins with `first`.
///
/// What lies there is not read: where it is one of several kinds, nobody has to look which.
#[inline]
pub(crate) fn prefetch_lines<T>(first: &T, lines: usize) {
    const {
        assert!(
            LINE.is_multiple_of(size_of::<T>()),
            "a line holds a whole number of them"
        );
    };
    for line in 0..lines {
        prefetch_item(std::slice::from_ref(first), line * (LINE / size_of::<T>()));
    }
}
