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
    live: Option<Box<Views<U>>>,
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
        for views in self.own.iter_mut().chain(self.live.as_deref_mut()) {
            views.each(|view| view.inserted(ring, &trade, place));
        }
    }

    /// The views at the log's time, if there are any.
    #[inline]
    fn views_now(&self) -> Option<&Views<U>> {
        match self.kind {
            Kind::Live => self.own.as_ref(),
            Kind::Grid => self.live.as_deref(),
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
        }
    }

    /// See [`super::Book::ages_at`].
    pub(super) fn ages_at(&self) -> Option<i64> {
        let views = self.views_now()?.iter();
        views.filter_map(|view| view.ages_at(&self.ring)).min()
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
        let (ring, scales) = (&self.ring, self.scales);
        let live = match self.kind {
            Kind::Live => self.own.as_mut(),
            Kind::Grid => live_or_new(&mut self.live, self.own.as_ref(), ring),
        };
        if let Some(live) = live {
            live.each(|view| {
                view.advance(ring, moment.now);
                out.push(moment.point(view, scales));
            });
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
        if let Some(live) = &mut self.live {
            // Seen after the grid time, it stands beyond it already; a window never goes back.
            live.each(|view| view.advance(&self.ring, now.max(view.time())));
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
        if let Some(live) = self.views_now() {
            self.ring.release(live.longest().start());
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
        let like = |views: &Views<U>| views.map(|view| sheet.view_like(view));
        (sheet.own, sheet.live) = (
            self.own.as_ref().map(like),
            self.live.as_deref().map(like).map(Box::new),
        );
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
        let views = self.own.iter().chain(self.live.as_deref());
        let boxed = self.live.as_deref().map_or(0, size_of_val);
        self.ring.heap_bytes() + boxed + views.map(Views::heap_bytes).sum::<usize>()
    }
}

/// The views at the log's time of a sheet whose own ones stand on the grid; new ones at first.
fn live_or_new<'a, U: Unit>(
    live: &'a mut Option<Box<Views<U>>>,
    own: Option<&Views<U>>,
    ring: &Ring<U>,
) -> Option<&'a mut Views<U>> {
    if live.is_none() {
        let new = |view: &View<U>| View::new(view.length(), ring);
        *live = own.map(|own| Box::new(own.map(new)));
    }
    live.as_deref_mut()
}
