//! The trades of one symbol with all windows over them, in one unit.

use super::{Entry, Kind, Past};
use crate::metric::{Scales, metrics};
use crate::moment::Moment;
use crate::point::{Metrics, Point};
use crate::prefetch::prefetch;
use crate::ring::{Held, Ring};
use crate::unit::Unit;
use crate::view::View;

/// A [`super::Book`] in one unit.
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
    pub(super) fn new(lengths: &[i64], kind: Kind) -> Self {
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
    pub(super) fn kind(&self) -> Kind {
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
    pub(super) fn push(&mut self, entry: &Entry) -> bool {
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

    /// The lengths of its windows, ns.
    pub(super) fn lengths(&self) -> Vec<i64> {
        let views = self.views(self.kind()).iter();
        views.map(View::length).collect()
    }

    pub(super) fn held(&self) -> usize {
        self.ring.len()
    }

    /// See [`super::Book::fetch`].
    #[inline]
    pub(super) fn fetch(&self, kind: Option<Kind>) {
        self.ring.fetch();
        if kind == Some(Kind::Grid) {
            prefetch(&self.grid);
        }
    }

    /// See [`super::Book::fetch_views`].
    #[inline]
    pub(super) fn fetch_views(&self, kind: Option<Kind>) {
        self.ring.fetch_trade(self.ring.end());
        let Some(kind) = kind else { return };
        self.ring.fetch_trade(self.ring.first());
        if let Some(view) = self.views(kind).first() {
            view.fetch();
        }
    }

    /// See [`super::Book::fetch_trades`].
    #[inline]
    pub(super) fn fetch_trades(&self, kind: Kind) {
        if let Some(view) = self.views(kind).first() {
            view.fetch_trades(&self.ring, kind);
        }
    }

    /// See [`super::Book::ages_at`].
    pub(super) fn ages_at(&self) -> Option<i64> {
        let views = self.live.iter();
        views.filter_map(|view| view.ages_at(&self.ring)).min()
    }

    pub(super) fn advance(&mut self, window: usize, time: i64) -> bool {
        let Some(view) = self.grid.get_mut(window) else {
            return true;
        };
        view.advance(&self.ring, time);
        view.is_empty()
    }

    pub(super) fn metrics(&self, window: usize) -> Metrics {
        let view = self.grid.get(window);
        view.map_or(Metrics::EMPTY, |view| metrics(view, self.scales))
    }

    #[inline]
    pub(super) fn live(&mut self, moment: &Moment<'_>, out: &mut Vec<Point>) {
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
    pub(super) fn walk(
        &self,
        length: i64,
        times: impl Iterator<Item = i64>,
        visit: &mut dyn FnMut(Past),
    ) {
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

    pub(super) fn evict(&mut self, cutoff: i64, now: i64) {
        for view in &mut self.live {
            // Seen after the grid time, it stands beyond it already; a window never goes back.
            view.advance(&self.ring, now.max(view.time()));
        }
        self.ring.evict(cutoff);
    }

    /// See [`super::Book::follow`]; false, and nothing is done, if `entry` does not fit the unit.
    #[inline(never)]
    pub(super) fn follow(
        &mut self,
        entry: Option<&Entry>,
        moment: &Moment<'_>,
        out: &mut Vec<Point>,
    ) -> bool {
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

    pub(super) fn set_windows(&mut self, lengths: &[i64], grid_time: i64) {
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

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        self.ring.iter().map(|held| Entry {
            time: held.time,
            price: held.price.to_decimal(self.scales.price),
            size: held.size().to_decimal(self.scales.size),
            flags: held.flags(),
        })
    }

    /// The same trades and windows, and `entry`, in units that fit them all.
    pub(super) fn rescaled<V: Unit>(&self, entry: &Entry) -> Option<Sheet<V>> {
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

    pub(super) fn heap_bytes(&self) -> usize {
        let views = self.grid.iter().chain(&self.live);
        let lists = (self.grid.capacity() + self.live.capacity()) * size_of::<View<U>>();
        self.ring.heap_bytes() + lists + views.map(View::heap_bytes).sum::<usize>()
    }
}
