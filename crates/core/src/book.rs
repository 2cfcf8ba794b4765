//! The trades of one symbol with all windows over them.
//!
//! [`Book`] starts in the narrow unit and moves to the wide one when a value does not fit; the numbers
//! are exact both ways, so nobody outside can tell.

use crate::decimal::Decimal;
use crate::metric::{Scales, metrics};
use crate::point::Metrics;
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

/// Which of the two views of a window is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// At the last emitted grid time.
    Grid,
    /// At the log's time.
    Live,
}

/// The trades of one symbol and its windows, whatever the unit.
#[derive(Debug, Clone)]
pub(crate) enum Book {
    Narrow(Sheet<u64>),
    Wide(Box<Sheet<Wide>>),
}

/// Calls the same method on either sheet.
macro_rules! either {
    ($book:expr, $sheet:ident => $call:expr) => {
        match $book {
            Book::Narrow($sheet) => $call,
            Book::Wide($sheet) => $call,
        }
    };
}

impl Book {
    pub(crate) fn new(lengths: &[i64]) -> Self {
        Self::Narrow(Sheet::new(lengths))
    }

    /// Adds a trade where its event time belongs.
    #[inline]
    pub(crate) fn push(&mut self, entry: Entry) {
        let added = either!(self, sheet => sheet.push(entry));
        if !added {
            self.rescale(entry);
        }
    }

    pub(crate) fn held(&self) -> usize {
        either!(self, sheet => sheet.ring.len())
    }

    /// Moves a window's view to `time` and says whether it is empty.
    pub(crate) fn advance(&mut self, end: End, window: usize, time: i64) -> bool {
        either!(self, sheet => sheet.advance(end, window, time))
    }

    /// The numbers of a window where its view stands.
    pub(crate) fn metrics(&self, end: End, window: usize) -> Metrics {
        either!(self, sheet => sheet.metrics(end, window))
    }

    /// Walks one window over past times; see [`Sheet::walk`].
    pub(crate) fn walk(
        &self,
        length: i64,
        times: impl Iterator<Item = i64>,
        visit: &mut dyn FnMut(Past),
    ) {
        either!(self, sheet => sheet.walk(length, times, visit));
    }

    /// Drops what is older than `cutoff`; live views are first moved on to `now`.
    pub(crate) fn evict(&mut self, cutoff: i64, now: i64) {
        either!(self, sheet => sheet.evict(cutoff, now));
        if matches!(self, Self::Wide(_)) && self.held() == 0 {
            let lengths: Vec<i64> =
                either!(&*self, sheet => sheet.grid.iter().map(View::length).collect());
            *self = Self::new(&lengths);
        }
    }

    /// Keeps these windows from now on.
    pub(crate) fn set_windows(&mut self, lengths: &[i64], grid_time: i64) {
        either!(self, sheet => sheet.set_windows(lengths, grid_time));
    }

    /// The held trades, oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        either!(self, sheet => sheet.entries().collect())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        either!(self, sheet => sheet.heap_bytes())
    }

    /// Holds everything in a unit that fits `entry` as well.
    fn rescale(&mut self, entry: Entry) {
        if let Self::Narrow(sheet) = &*self
            && let Some(finer) = sheet.rescaled::<u64>(entry)
        {
            *self = Self::Narrow(finer);
            return;
        }
        let wide = either!(&*self, sheet => sheet.rescaled::<Wide>(entry));
        *self = Self::Wide(Box::new(wide.expect("512 bits hold every value in range")));
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
#[derive(Debug, Clone)]
pub(crate) struct Sheet<U: Unit> {
    ring: Ring<U>,
    scales: Scales,
    grid: Vec<View<U>>,
    /// Views at the log's time; made when first asked for.
    live: Vec<View<U>>,
}

impl<U: Unit> Sheet<U> {
    fn new(lengths: &[i64]) -> Self {
        let ring = Ring::new();
        let grid = lengths
            .iter()
            .map(|length| View::new(*length, &ring))
            .collect();
        Self {
            ring,
            scales: Scales::default(),
            grid,
            live: Vec::new(),
        }
    }

    /// Adds a trade; false if it does not fit the unit.
    #[inline]
    fn push(&mut self, entry: Entry) -> bool {
        let price = U::from_decimal(entry.price, self.scales.price);
        let size = U::from_decimal(entry.size, self.scales.size);
        let (Some(price), Some(size)) = (price, size) else {
            return false;
        };
        let trade = Held::new(entry.time, price, size, entry.flags);
        if self.ring.last().is_none_or(|last| last.time <= entry.time) {
            self.ring.push(trade);
            return true;
        }
        let place = self.ring.insert(trade);
        for view in self.grid.iter_mut().chain(&mut self.live) {
            view.inserted(&trade, place);
        }
        true
    }

    fn view(&self, end: End, window: usize) -> Option<&View<U>> {
        match end {
            End::Grid => self.grid.get(window),
            End::Live => self.live.get(window),
        }
    }

    #[inline]
    fn advance(&mut self, end: End, window: usize, time: i64) -> bool {
        if end == End::Live && self.live.is_empty() {
            self.live = self
                .grid
                .iter()
                .map(|view| View::new(view.length(), &self.ring))
                .collect();
        }
        let views = match end {
            End::Grid => &mut self.grid,
            End::Live => &mut self.live,
        };
        let Some(view) = views.get_mut(window) else {
            return true;
        };
        view.advance(&self.ring, time);
        view.is_empty()
    }

    fn metrics(&self, end: End, window: usize) -> Metrics {
        self.view(end, window).map_or(Metrics::EMPTY, |view| {
            metrics(view, &self.ring, self.scales)
        })
    }

    /// Reports a window of `length` at each of the rising `times` but the first, which only says what
    /// was before.
    fn walk(&self, length: i64, times: impl Iterator<Item = i64>, visit: &mut dyn FnMut(Past)) {
        let mut view = View::new(length, &self.ring);
        for (index, time) in times.enumerate() {
            let was_empty = view.is_empty();
            view.advance(&self.ring, time);
            if index > 0 {
                let metrics = metrics(&view, &self.ring, self.scales);
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
            view.advance(&self.ring, now);
        }
        self.ring.evict(cutoff);
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
    fn rescaled<V: Unit>(&self, entry: Entry) -> Option<Sheet<V>> {
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
            if !sheet.push(held) {
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
