//! What waits to be pushed to the clients of the live stream: bounded, and the newest of each
//! thing.
//!
//! Three facts bound it: there is one row per symbol and window, points and gaps are cut off at a
//! named number (the store has them all), and everything else is only the latest state.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use stock_up_core::Span;
use stock_up_io::store::Gap;

use super::row::{FeedState, Row};

/// Most points that wait; a catch-up after a restart emits far more, which the page reads as
/// series.
pub(crate) const MAX_PENDING_POINTS: usize = 20_000;

/// Most gap changes that wait.
pub(crate) const MAX_PENDING_GAPS: usize = 256;

/// The kinds of events that are paced, each on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Rows,
    Points,
    Feed,
    Gap,
    Settings,
    Followed,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Rows,
        Self::Points,
        Self::Feed,
        Self::Gap,
        Self::Settings,
        Self::Followed,
    ];

    fn bit(self) -> u8 {
        match self {
            Self::Rows => 1,
            Self::Points => 2,
            Self::Feed => 4,
            Self::Gap => 8,
            Self::Settings => 16,
            Self::Followed => 32,
        }
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Kinds(u8);

impl Kinds {
    pub(crate) fn contains(self, kind: Kind) -> bool {
        self.0 & kind.bit() != 0
    }

    pub(crate) fn insert(&mut self, kind: Kind) {
        self.0 |= kind.bit();
    }

    pub(crate) fn remove(&mut self, kind: Kind) {
        self.0 &= !kind.bit();
    }
}

/// Events that are taken out at once. An empty part is an event that is not sent.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The log's time.
    pub(crate) time: Option<i64>,
    pub(crate) rows: Vec<Arc<Row>>,
    pub(crate) points: Vec<Arc<Row>>,
    pub(crate) feed: Option<FeedState>,
    pub(crate) gap: Option<Gap>,
    pub(crate) settings: bool,
    pub(crate) followed: bool,
    /// Points that were cut off since the last batch.
    pub(crate) points_dropped: u64,
}

#[derive(Debug, Default)]
pub(super) struct Pending {
    rows: BTreeMap<(Arc<str>, Span), Arc<Row>>,
    points: VecDeque<Arc<Row>>,
    feed: Option<FeedState>,
    gaps: VecDeque<Gap>,
    settings: bool,
    followed: bool,
    points_dropped: u64,
    /// Kinds whose next event may be sent at once: the sender sleeps until there is one.
    pub(super) awaited: Kinds,
}

impl Pending {
    pub(super) fn row(&mut self, row: Arc<Row>) {
        self.rows
            .insert((Arc::clone(&row.symbol), row.point.window), row);
    }

    pub(super) fn forget_rows(&mut self) {
        self.rows.clear();
    }

    pub(super) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    pub(super) fn point(&mut self, row: Arc<Row>) {
        if self.points.len() == MAX_PENDING_POINTS {
            self.points.pop_front();
            self.points_dropped += 1;
        }
        self.points.push_back(row);
    }

    pub(super) fn feed(&mut self, feed: FeedState) {
        self.feed = Some(feed);
    }

    pub(super) fn gap(&mut self, gap: Gap) {
        // A gap that closes before its opening was sent is one event.
        self.gaps.retain(|waiting| waiting.id != gap.id);
        if self.gaps.len() == MAX_PENDING_GAPS {
            self.gaps.pop_front();
        }
        self.gaps.push_back(gap);
    }

    pub(super) fn settings(&mut self) {
        self.settings = true;
    }

    pub(super) fn followed(&mut self) {
        self.followed = true;
    }

    /// Takes what waits of the kinds that are due, and awaits those of which nothing does.
    pub(super) fn take(&mut self, due: Kinds) -> Batch {
        let mut batch = Batch {
            points_dropped: std::mem::take(&mut self.points_dropped),
            ..Batch::default()
        };
        self.awaited = Kinds::default();
        for kind in Kind::ALL.into_iter().filter(|kind| due.contains(*kind)) {
            if !self.take_kind(kind, &mut batch) {
                self.awaited.insert(kind);
            }
        }
        batch
    }

    fn take_kind(&mut self, kind: Kind, batch: &mut Batch) -> bool {
        match kind {
            Kind::Rows => {
                batch.rows = std::mem::take(&mut self.rows).into_values().collect();
                !batch.rows.is_empty()
            }
            Kind::Points => {
                batch.points = std::mem::take(&mut self.points).into();
                !batch.points.is_empty()
            }
            Kind::Feed => {
                batch.feed = self.feed.take();
                batch.feed.is_some()
            }
            Kind::Gap => {
                batch.gap = self.gaps.pop_front();
                batch.gap.is_some()
            }
            Kind::Settings => {
                batch.settings = std::mem::take(&mut self.settings);
                batch.settings
            }
            Kind::Followed => {
                batch.followed = std::mem::take(&mut self.followed);
                batch.followed
            }
        }
    }
}
