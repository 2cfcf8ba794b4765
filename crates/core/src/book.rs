//! The trades of one symbol with all windows over them.
//!
//! [`Book`] starts in the compact unit and moves to a larger one when a value does not fit; the
//! numbers are exact in each, so nobody outside can tell.

use crate::decimal::Decimal;
use crate::metric::{Scales, metrics};
use crate::moment::Moment;
use crate::point::{Metrics, Point};
use crate::ring::{Held, Ring};
use crate::unit::{Unit, Wide};
use crate::view::View;

/// A trade as a book takes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) time: i64,
    pub(crate) price: Decimal,
    pub(crate) size: Decimal,
    pub(crate) flags: u8,
}

/// The trades of one symbol and its windows, whatever the unit.
#[derive(Debug, Clone)]
pub(crate) enum Book {
    Compact(Sheet<u32>),
    Narrow(Sheet<u64>),
    Wide(Sheet<Wide>),
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

    /// Reads where its trades and views are; see `analyzer/fetch.rs`.
    #[inline]
    pub(crate) fn touch(&self) -> u64 {
        any!(self, sheet => sheet.ring.first() ^ sheet.live.len() as u64 ^ sheet.ring.end())
    }

    /// Reads the first view, after [`Book::touch`].
    #[inline]
    pub(crate) fn touch_view(&self, kind: Kind) -> u64 {
        any!(self, sheet => sheet.views(kind).first().map_or(0, View::touch))
    }

    /// Reads the trades at its ends, after [`Book::touch_view`].
    #[inline]
    pub(crate) fn touch_trades(&self, kind: Kind) -> u64 {
        any!(self, sheet => {
            let (ring, view) = (&sheet.ring, sheet.views(kind).first());
            // A live view begins where the ring does.
            let oldest = if kind == Kind::Grid { ring.touch(ring.first()) } else { 0 };
            oldest ^ view.map_or(0, |view| view.touch_trades(ring))
        })
    }

    pub(crate) fn held(&self) -> usize {
        any!(self, sheet => sheet.ring.len())
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
        any!(self, sheet => {
            let views = sheet.live.iter();
            views.filter_map(|view| view.ages_at(&sheet.ring)).min()
        })
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

    /// Drops what is older than `cutoff`; live views are first moved on to `now`.
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
            *self = any!(&*self, sheet => {
                let kind = sheet.kind();
                let lengths: Vec<i64> = sheet.views(kind).iter().map(View::length).collect();
                Self::new(&lengths, kind)
            });
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
        any!(self, sheet => sheet.heap_bytes())
    }

    /// Holds everything in a unit that fits `entry` as well.
    fn rescale(&mut self, entry: &Entry) {
        *self = any!(&*self, sheet => Self::fitting(sheet, entry));
    }

    /// The trades of `sheet` and `entry` in the smallest unit that fits them all.
    fn fitting<U: Unit>(sheet: &Sheet<U>, entry: &Entry) -> Self {
        let compact = || sheet.rescaled(entry).map(Self::Compact);
        let narrow = || sheet.rescaled(entry).map(Self::Narrow);
        let wide = || sheet.rescaled(entry).map(Self::Wide);
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

/// A [`Book`] in one unit.
///
/// What every trade needs comes first and lies close together; see `analyzer/fetch.rs`.
#[derive(Debug, Clone)]
#[repr(C)]
pub(crate) struct Sheet<U: Unit> {
    scales: Scales,
    /// Views at the log's time; made when first asked for.
    live: Vec<View<U>>,
    ring: Ring<U>,
    grid: Vec<View<U>>,
}

impl<U: Unit> Sheet<U> {
    fn new(lengths: &[i64], kind: Kind) -> Self {
        let ring = Ring::new();
        let new = |length: &i64| View::new(*length, &ring);
        let views: Vec<_> = lengths.iter().map(new).collect();
        let (grid, live) = match kind {
            Kind::Grid => (views, Vec::new()),
            Kind::Live => (Vec::new(), views),
        };
        Self {
            ring,
            scales: Scales::default(),
            grid,
            live,
        }
    }

    /// The views that it has had from the start.
    fn kind(&self) -> Kind {
        if self.grid.is_empty() {
            Kind::Live
        } else {
            Kind::Grid
        }
    }

    /// Adds a trade; false if it does not fit the unit.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "for every trade: calling costs more than half of what it does"
    )]
    fn push(&mut self, entry: &Entry) -> bool {
        let price = U::from_decimal(entry.price, self.scales.price);
        let size = U::from_decimal(entry.size, self.scales.size);
        let (Some(price), Some(size)) = (price, size) else {
            return false;
        };
        // Made where it goes: copying what was just written in parts makes the processor wait.
        let trade = || Held::new(entry.time, price, size, entry.flags);
        if self.ring.newest_time() <= entry.time {
            self.ring.push(trade());
        } else {
            self.insert(trade());
        }
        true
    }

    /// Puts a late trade where it belongs.
    #[cold]
    fn insert(&mut self, trade: Held<U>) {
        let place = self.ring.insert(trade);
        for view in self.grid.iter_mut().chain(&mut self.live) {
            view.inserted(&self.ring, &trade, place);
        }
    }

    #[inline]
    fn views(&self, kind: Kind) -> &[View<U>] {
        match kind {
            Kind::Grid => &self.grid,
            Kind::Live => &self.live,
        }
    }

    fn advance(&mut self, window: usize, time: i64) -> bool {
        let Some(view) = self.grid.get_mut(window) else {
            return true;
        };
        view.advance(&self.ring, time);
        view.is_empty()
    }

    fn metrics(&self, window: usize) -> Metrics {
        let view = self.grid.get(window);
        view.map_or(Metrics::EMPTY, |view| metrics(view, self.scales))
    }

    #[inline]
    fn live(&mut self, moment: &Moment<'_>, out: &mut Vec<Point>) {
        if self.live.is_empty() {
            self.go_live();
        }
        let (ring, scales) = (&self.ring, self.scales);
        for view in &mut self.live {
            view.advance(ring, moment.now);
            out.push(moment.point(view, scales));
        }
    }

    #[cold]
    fn go_live(&mut self) {
        let windows = self.grid.iter().map(View::length);
        self.live = windows
            .map(|length| View::new(length, &self.ring))
            .collect();
    }

    /// Reports a window of `length` at each of the rising `times` but the first, which only says
    /// what was before.
    fn walk(&self, length: i64, times: impl Iterator<Item = i64>, visit: &mut dyn FnMut(Past)) {
        let mut view = View::new(length, &self.ring);
        for (index, time) in times.enumerate() {
            let was_empty = view.is_empty();
            view.advance(&self.ring, time);
            if index > 0 {
                let metrics = metrics(&view, self.scales);
                visit(Past {
                    time,
                    was_empty,
                    is_empty: view.is_empty(),
                    metrics,
                });
            }
        }
    }

    fn evict(&mut self, cutoff: i64, now: i64) {
        for view in &mut self.live {
            // Seen after the grid time, it stands beyond it already; a window never goes back.
            view.advance(&self.ring, now.max(view.time()));
        }
        self.ring.evict(cutoff);
    }

    /// See [`Book::follow`]; false, and nothing is done, if `entry` does not fit the unit.
    #[inline(never)]
    fn follow(&mut self, entry: Option<&Entry>, moment: &Moment<'_>, out: &mut Vec<Point>) -> bool {
        if entry.is_some_and(|entry| !self.push(entry)) {
            return false;
        }
        self.live(moment, out);
        // Windows are sorted: the last is the longest.
        if let Some(longest) = self.live.last() {
            self.ring.release(longest.start());
        }
        true
    }

    fn set_windows(&mut self, lengths: &[i64], grid_time: i64) {
        self.live.clear();
        let ring = &self.ring;
        self.grid = lengths
            .iter()
            .map(|length| {
                let mut view = View::new(*length, ring);
                view.advance(ring, grid_time);
                view
            })
            .collect();
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        self.ring.iter().map(|held| Entry {
            time: held.time,
            price: held.price.to_decimal(self.scales.price),
            size: held.size().to_decimal(self.scales.size),
            flags: held.flags(),
        })
    }

    /// The same trades and windows, and `entry`, in units that fit them all.
    fn rescaled<V: Unit>(&self, entry: &Entry) -> Option<Sheet<V>> {
        let scales = Scales {
            price: self.scales.price.max(entry.price.scale()),
            size: self.scales.size.max(entry.size.scale()),
        };
        let mut sheet = Sheet::<V> {
            ring: Ring::new(),
            scales,
            grid: Vec::new(),
            live: Vec::new(),
        };
        for held in self.entries() {
            if !sheet.push(&held) {
                return None;
            }
        }
        if !sheet.push(entry) {
            return None;
        }
        sheet.grid = self.grid.iter().map(|view| sheet.view_like(view)).collect();
        sheet.live = self.live.iter().map(|view| sheet.view_like(view)).collect();
        Some(sheet)
    }

    fn view_like<V: Unit>(&self, other: &View<V>) -> View<U> {
        let mut view = View::new(other.length(), &self.ring);
        if other.time() != i64::MIN {
            view.advance(&self.ring, other.time());
        }
        view
    }

    fn heap_bytes(&self) -> usize {
        let views = self.grid.iter().chain(&self.live);
        let lists = (self.grid.capacity() + self.live.capacity()) * size_of::<View<U>>();
        self.ring.heap_bytes() + lists + views.map(View::heap_bytes).sum::<usize>()
    }
}
