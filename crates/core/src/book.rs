//! The trades of one symbol with all windows over them.
//!
//! [`Book`] starts in the compact unit and moves to a larger one when a value does not fit; the
//! numbers are exact in each, so nobody outside can tell.

mod sheet;
mod views;

use crate::decimal::Decimal;
use crate::moment::Moment;
use crate::point::{Metrics, Point};
use crate::unit::{Unit, Wide};
use sheet::Sheet;

/// A trade as a book takes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) time: i64,
    pub(crate) price: Decimal,
    pub(crate) size: Decimal,
    pub(crate) flags: u8,
}

/// The trades of one symbol and its windows, whatever the unit.
///
/// Nearly all are compact, and these lie here.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is what nearly all are"
)]
pub(crate) enum Book {
    Compact(Sheet<u32>),
    Narrow(Box<Sheet<u64>>),
    Wide(Box<Sheet<Wide>>),
}

/// The views of a book stand at the last grid time, or at the log's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Grid,
    Live,
}

/// Calls the same method on whichever sheet it is.
macro_rules! any {
    ($book:expr, $sheet:ident => $call:expr) => {
        match $book {
            Book::Compact($sheet) => $call,
            Book::Narrow($sheet) => $call,
            Book::Wide($sheet) => $call,
        }
    };
}

impl Book {
    /// Bytes that say in which unit it is.
    const BEFORE: usize = size_of::<Self>() - size_of::<Sheet<u32>>();

    /// Bytes of it that adding a trade needs; they come first.
    pub(crate) const NEEDED_TO_ADD: usize = Self::BEFORE + Sheet::<u32>::NEEDED_TO_ADD;

    /// Bytes of it that moving its first own view needs; they come first.
    pub(crate) const NEEDED_TO_MOVE: usize = Self::BEFORE + Sheet::<u32>::NEEDED_TO_MOVE;

    /// A book with views of `kind`: the others are made when they are asked for, if at all.
    pub(crate) fn new(lengths: &[i64], kind: Kind) -> Self {
        Self::Compact(Sheet::new(lengths, kind))
    }

    /// Adds a trade where its event time belongs.
    #[inline]
    pub(crate) fn push(&mut self, entry: &Entry) {
        let added = any!(self, sheet => sheet.push(entry));
        if !added {
            self.rescale(entry);
        }
    }

    /// Asks for what its first lines lead to: where the next trade goes, and what its first own
    /// view needs if it moves; see `analyzer/fetch.rs`.
    #[inline]
    pub(crate) fn fetch_next(&self, moves_views: bool) {
        match self {
            Self::Compact(sheet) => sheet.fetch_next(moves_views),
            // What is in a box is one step further away.
            Self::Narrow(sheet) => sheet.fetch(moves_views),
            Self::Wide(sheet) => sheet.fetch(moves_views),
        }
    }

    /// Asks for what is still missing of that, after [`Book::fetch_next`].
    #[inline]
    pub(crate) fn fetch_last(&self, moves_views: bool) {
        match self {
            Self::Compact(sheet) => sheet.fetch_last(moves_views),
            Self::Narrow(sheet) => sheet.fetch_next(moves_views),
            Self::Wide(sheet) => sheet.fetch_next(moves_views),
        }
    }

    pub(crate) fn held(&self) -> usize {
        any!(self, sheet => sheet.held())
    }

    /// Moves the grid view of a window to `time` and says whether it is empty.
    pub(crate) fn advance(&mut self, window: usize, time: i64) -> bool {
        any!(self, sheet => sheet.advance(window, time))
    }

    /// The numbers of a window where its grid view stands.
    pub(crate) fn metrics(&self, window: usize) -> Metrics {
        any!(self, sheet => sheet.metrics(window))
    }

    /// Appends a live point of each window.
    #[inline]
    pub(crate) fn live(&mut self, moment: &Moment<'_>, out: &mut Vec<Point>) {
        any!(self, sheet => sheet.live(moment, out));
    }

    /// The earliest time from which one of the live views is another one if no trade comes.
    pub(crate) fn ages_at(&self) -> Option<i64> {
        any!(self, sheet => sheet.ages_at())
    }

    /// Walks one window over past times; see [`Sheet::walk`].
    pub(crate) fn walk(
        &self,
        length: i64,
        times: impl Iterator<Item = i64>,
        visit: &mut dyn FnMut(Past),
    ) {
        any!(self, sheet => sheet.walk(length, times, visit));
    }

    /// Drops what is older than `cutoff`; live views beside those on the grid are first moved on to
    /// `now`, which is not after the log's time.
    pub(crate) fn evict(&mut self, cutoff: i64, now: i64) {
        any!(self, sheet => sheet.evict(cutoff, now));
        self.settle();
    }

    /// As [`Book::live`], after `entry` if there is one; then drops what is in no live view.
    #[inline]
    pub(crate) fn follow(
        &mut self,
        entry: Option<&Entry>,
        moment: &Moment<'_>,
        out: &mut Vec<Point>,
    ) {
        let fits = any!(self, sheet => sheet.follow(entry, moment, out));
        if let Some(entry) = entry.filter(|_| !fits) {
            self.rescale(entry);
            any!(self, sheet => sheet.follow(None, moment, out));
        }
        self.settle();
    }

    /// Goes back to the compact unit once nothing needs a larger one.
    #[inline]
    fn settle(&mut self) {
        if !matches!(self, Self::Compact(_)) && self.held() == 0 {
            let (kind, lengths) = any!(&*self, sheet => (sheet.kind(), sheet.lengths()));
            *self = Self::new(&lengths, kind);
        }
    }

    /// Keeps these windows from now on.
    pub(crate) fn set_windows(&mut self, lengths: &[i64], grid_time: i64) {
        any!(self, sheet => sheet.set_windows(lengths, grid_time));
    }

    /// The held trades, oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        any!(self, sheet => sheet.entries().collect())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let boxed = match self {
            Self::Compact(_) => 0,
            Self::Narrow(sheet) => size_of_val(&**sheet),
            Self::Wide(sheet) => size_of_val(&**sheet),
        };
        boxed + any!(self, sheet => sheet.heap_bytes())
    }

    /// Holds everything in a unit that fits `entry` as well.
    fn rescale(&mut self, entry: &Entry) {
        *self = any!(&*self, sheet => Self::fitting(sheet, entry));
    }

    /// The trades of `sheet` and `entry` in the smallest unit that fits them all.
    fn fitting<U: Unit>(sheet: &Sheet<U>, entry: &Entry) -> Self {
        let compact = || sheet.rescaled(entry).map(Self::Compact);
        let narrow = || sheet.rescaled(entry).map(Box::new).map(Self::Narrow);
        let wide = || sheet.rescaled(entry).map(Box::new).map(Self::Wide);
        let fitting = compact().or_else(narrow).or_else(wide);
        fitting.expect("512 bits hold every value in range")
    }
}

/// A window at a past time, as [`Book::walk`] finds it.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) time: i64,
    /// The window held no trade at the time before.
    pub(crate) was_empty: bool,
    pub(crate) is_empty: bool,
    pub(crate) metrics: Metrics,
}
