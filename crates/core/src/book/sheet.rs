//! The trades of one symbol with all windows over them, in one unit.

use std::mem::offset_of;

use super::views::Views;
use super::{Entry, Kind, Past};
use crate::metric::{Scales, metrics};
use crate::moment::Moment;
use crate::point::{Metrics, Point};
use crate::prefetch::{LINE, prefetch_lines};
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
    /// Where its own views stand.
    kind: Kind,
    ring: Ring<U>,
    own: Option<Views<U>>,
    /// Views at the log's time beside its own on the grid; made when first asked for.
    live: Option<Box<[View<U>]>>,
}

impl<U: Unit> Sheet<U> {
    /// Bytes of it that adding a trade needs; they come first.
    pub(super) const NEEDED_TO_ADD: usize = offset_of!(Self, ring) + Ring::<U>::NEEDED;

    /// Bytes of it that moving its first own view needs; they come first.
    pub(super) const NEEDED_TO_MOVE: usize = offset_of!(Self, own) + Views::<U>::NEEDED;

    pub(super) fn new(lengths: &[i64], kind: Kind) -> Self {
        let ring = Ring::new();
        let lengths = lengths.iter().copied();
        Self {
            own: Views::new(lengths, |length| View::new(length, &ring)),
            ring,
            scales: Scales::default(),
            kind,
            live: None,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
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
        let ring = &self.ring;
        if let Some(own) = &mut self.own {
            own.each(|view| view.inserted(ring, &trade, place));
        }
        for view in self.live.iter_mut().flatten() {
            view.inserted(ring, &trade, place);
        }
    }

    /// The lengths of its windows, ns.
    pub(super) fn lengths(&self) -> Vec<i64> {
        let own = self.own.iter().flat_map(Views::iter);
        own.map(View::length).collect()
    }

    pub(super) fn held(&self) -> usize {
        self.ring.len()
    }

    /// Asks for the lines of it that adding a trade needs, or moving its first own view.
    #[inline]
    pub(super) fn fetch(&self, moves_views: bool) {
        let bytes = if moves_views {
            Self::NEEDED_TO_MOVE
        } else {
            Self::NEEDED_TO_ADD
        };
        // One more: it may begin anywhere in its first.
        prefetch_lines(&self.scales, bytes.div_ceil(LINE) + 1);
    }

    /// See [`super::Book::fetch_next`].
    #[inline]
    pub(super) fn fetch_next(&self, moves_views: bool) {
        self.ring.fetch(self.ring.end());
        if let Some(own) = self.own.as_ref().filter(|_| moves_views) {
            own.first().fetch(&self.ring);
            own.fetch_others();
        }
    }

    /// See [`super::Book::fetch_last`].
    #[inline]
    pub(super) fn fetch_last(&self, moves_views: bool) {
        if let Some(own) = self.own.as_ref().filter(|_| moves_views) {
            own.fetch_last(&self.ring);
        }
    }

    /// See [`super::Book::ages_at`].
    pub(super) fn ages_at(&self) -> Option<i64> {
        let ages_at = |view: &View<U>| view.ages_at(&self.ring);
        match self.kind {
            Kind::Live => self.own.as_ref()?.iter().filter_map(ages_at).min(),
            Kind::Grid => self.live.as_ref()?.iter().filter_map(ages_at).min(),
        }
    }

    pub(super) fn advance(&mut self, window: usize, time: i64) -> bool {
        let own = self.own.as_mut().filter(|_| self.kind == Kind::Grid);
        let Some(view) = own.and_then(|own| own.get_mut(window)) else {
            return true;
        };
        view.advance(&self.ring, time);
        view.is_empty()
    }

    pub(super) fn metrics(&self, window: usize) -> Metrics {
        let own = self.own.as_ref().filter(|_| self.kind == Kind::Grid);
        let view = own.and_then(|own| own.get(window));
        view.map_or(Metrics::EMPTY, |view| metrics(view, self.scales))
    }

    #[inline]
    pub(super) fn live(&mut self, moment: &Moment<'_>, out: &mut Vec<Point>) {
        if self.kind == Kind::Grid {
            return self.live_beside(moment, out);
        }
        let (ring, scales) = (&self.ring, self.scales);
        if let Some(own) = &mut self.own {
            own.each(|view| {
                view.advance(ring, moment.now);
                out.push(moment.point(view, scales));
            });
        }
    }

    /// As [`Sheet::live`] where its own views stand on the grid.
    #[inline(never)]
    fn live_beside(&mut self, moment: &Moment<'_>, out: &mut Vec<Point>) {
        let (ring, scales) = (&self.ring, self.scales);
        let own = self.own.iter().flat_map(Views::iter);
        let new = || own.map(|view| View::new(view.length(), ring)).collect();
        for view in self.live.get_or_insert_with(new) {
            view.advance(ring, moment.now);
            out.push(moment.point(view, scales));
        }
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
        for view in self.live.iter_mut().flatten() {
            // Seen after the grid time, it stands beyond it already; a window never goes back.
            view.advance(&self.ring, now.max(view.time()));
        }
        self.ring.evict(cutoff);
    }

    /// See [`super::Book::follow`], where its own views are those at the log's time; false, and
    /// nothing is done, if `entry` does not fit the unit.
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
        if let Some(own) = &self.own {
            self.ring.release(own.longest().start());
        }
        true
    }

    pub(super) fn set_windows(&mut self, lengths: &[i64], grid_time: i64) {
        let lengths = lengths.iter().copied();
        self.live = None;
        self.own = Views::new(lengths, |length| {
            let mut view = View::new(length, &self.ring);
            if self.kind == Kind::Grid {
                view.advance(&self.ring, grid_time);
            }
            view
        });
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
            kind: self.kind,
            own: None,
            live: None,
        };
        for held in self.entries() {
            if !sheet.push(&held) {
                return None;
            }
        }
        if !sheet.push(entry) {
            return None;
        }
        let like = |view: &View<U>| sheet.view_like(view);
        let own = self.own.as_ref().map(|own| own.map(like));
        let live = self
            .live
            .as_ref()
            .map(|live| live.iter().map(like).collect());
        (sheet.own, sheet.live) = (own, live);
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
        let live = self.live.as_deref().unwrap_or_default();
        let views = live.iter().map(View::heap_bytes).sum::<usize>() + size_of_val(live);
        self.ring.heap_bytes() + views + self.own.as_ref().map_or(0, Views::heap_bytes)
    }
}
