//! What analyze publishes and serve reads: the newest state of everything, in memory and bounded.
//!
//! The publishing side is a plain thread and never waits: each call takes one short lock. The
//! reading side is the snapshot that a page starts with, and one async sender that takes what
//! changed. The hub holds no history: that is in the store.

pub(crate) mod pending;
pub(crate) mod row;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use std::time::Duration;

use stock_up_core::Span;
use stock_up_io::clock::Stopwatch;
use stock_up_io::store::{Gap, GapState};
use tokio::sync::Notify;

use pending::Pending;
pub(crate) use pending::{Batch, Kind, Kinds};
pub(crate) use row::{FeedPhase, FeedState, Row};

/// Most symbols of which the hub keeps rows; more than any venue lets one subscribe.
pub(crate) const MAX_SYMBOLS: usize = 20_000;

/// Distance of two events of one kind: what moves faster than ten times a second can't be read.
pub(crate) const PUSH_DISTANCE: Duration = Duration::from_millis(100);

/// A handle of the hub; a clone is another handle of the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hub(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    view: Snapshot,
    /// Of the settings from which the windows are.
    settings_revision: u64,
    ready: bool,
    gaps_open: BTreeSet<u64>,
    pending: Pending,
    /// Somebody follows what changes.
    followed: bool,
    /// Since when the rows that were taken last are on their way.
    rows_taken: Option<Stopwatch>,
}

/// Everything that a page needs to start.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// The log's time; `None` before the first record.
    pub(crate) time: Option<i64>,
    pub(crate) venue: String,
    pub(crate) simulated: bool,
    pub(crate) windows: Vec<Span>,
    pub(crate) grid: Span,
    pub(crate) feed: FeedState,
    pub(crate) symbols: BTreeMap<Arc<str>, SymbolView>,
    /// Why the process is not ready; meaningless once it is.
    not_ready: String,
}

/// The live view of one symbol.
#[derive(Debug, Clone, Default)]
pub(crate) struct SymbolView {
    pub(crate) subscribed: bool,
    /// One per window, by length.
    pub(crate) rows: Vec<Arc<Row>>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            time: None,
            venue: String::new(),
            simulated: false,
            windows: Vec::new(),
            grid: Span::from_secs(1),
            feed: FeedState {
                phase: FeedPhase::Connecting,
                since: None,
                detail: String::new(),
            },
            symbols: BTreeMap::new(),
            not_ready: "the log is being read".to_owned(),
        }
    }
}

impl Hub {
    /// The log's time moved on.
    pub(crate) fn publish_time(&self, time: i64) {
        self.lock().view.time = Some(time);
    }

    /// Where the trades come from.
    pub(crate) fn publish_venue(&self, venue: &str, simulated: bool) {
        let mut state = self.lock();
        venue.clone_into(&mut state.view.venue);
        state.view.simulated = simulated;
    }

    /// What is computed from here on; rows of windows that are no more are forgotten.
    ///
    /// Nothing happens if settings of a later `revision` were published: a partition that begins or
    /// reads old records again is behind the others, and what it computes will soon be no more.
    pub(crate) fn publish_windows(&self, revision: u64, windows: &[Span], grid: Span) {
        let mut state = self.lock();
        if revision < state.settings_revision {
            return;
        }
        state.settings_revision = revision;
        for symbol in state.view.symbols.values_mut() {
            symbol
                .rows
                .retain(|row| windows.contains(&row.point.window));
        }
        if state.view.windows == windows && state.view.grid == grid {
            return;
        }
        state.view.windows = windows.to_vec();
        state.view.grid = grid;
        self.tell_followed(state);
    }

    /// Settings of any revision are the newest again: nothing is computed here for now.
    pub(crate) fn forget_settings(&self) {
        self.lock().settings_revision = 0;
    }

    /// Which symbols are followed; the others stay only while they have rows.
    pub(crate) fn publish_subscriptions(&self, symbols: &[String]) {
        self.publish_subscriptions_of(|_| true, symbols.iter().map(String::as_str));
    }

    /// Which of the symbols for which `is_meant` says so are followed; nothing is said of the rest.
    pub(crate) fn publish_subscriptions_of<'a>(
        &self,
        is_meant: impl Fn(&str) -> bool,
        symbols: impl Iterator<Item = &'a str>,
    ) {
        let mut state = self.lock();
        let before = state.view.subscribed();
        let known = &mut state.view.symbols;
        for (name, symbol) in known.iter_mut() {
            symbol.subscribed &= !is_meant(name);
        }
        for symbol in symbols {
            let is_full = known.len() >= MAX_SYMBOLS;
            match known.get_mut(symbol) {
                Some(symbol) => symbol.subscribed = true,
                None if is_full => {}
                None => known.entry(Arc::from(symbol)).or_default().subscribed = true,
            }
        }
        known.retain(|_, symbol| symbol.subscribed || !symbol.rows.is_empty());
        if state.view.subscribed() != before {
            self.tell_followed(state);
        }
    }

    /// The live view of windows that may have changed; those that only grew older are kept for who
    /// comes later and not pushed.
    pub(crate) fn publish_rows(&self, time: i64, rows: Vec<Row>) {
        let mut state = self.lock();
        state.view.time = Some(time);
        for row in rows {
            let row = Arc::new(row);
            if state.view.keep(&row) && state.followed {
                state.pending.row(row);
            }
        }
        if state.pending.has_rows() {
            self.wake(state, Kind::Rows);
        }
    }

    /// Forgets the rows of symbols that are computed elsewhere from now on.
    pub(crate) fn forget(&self, is_gone: impl Fn(&str) -> bool) {
        let mut state = self.lock();
        let known = &mut state.view.symbols;
        for (name, symbol) in known.iter_mut() {
            if is_gone(name) {
                symbol.rows.clear();
            }
        }
        known.retain(|_, symbol| symbol.subscribed || !symbol.rows.is_empty());
    }

    /// Who follows what changes hears which symbols and windows there are; others start with them.
    fn tell_followed(&self, mut state: MutexGuard<'_, State>) {
        if state.followed {
            state.pending.followed();
            self.wake(state, Kind::Followed);
        }
    }

    /// Points that were emitted, revisions included.
    pub(crate) fn publish_points(&self, points: Vec<Arc<Row>>) {
        let mut state = self.lock();
        for point in points {
            state.pending.point(point);
        }
        self.wake(state, Kind::Points);
    }

    /// The feed changed.
    pub(crate) fn publish_feed(&self, feed: FeedState) {
        let mut state = self.lock();
        state.view.feed = feed.clone();
        state.pending.feed(feed);
        self.wake(state, Kind::Feed);
    }

    /// A gap opened or closed.
    pub(crate) fn publish_gap(&self, gap: Gap) {
        let mut state = self.lock();
        if gap.state == GapState::Open {
            state.gaps_open.insert(gap.id);
        } else {
            state.gaps_open.remove(&gap.id);
        }
        state.pending.gap(gap);
        self.wake(state, Kind::Gap);
    }

    /// The settings changed, or a change of them was refused.
    pub(crate) fn publish_settings(&self) {
        let mut state = self.lock();
        state.pending.settings();
        self.wake(state, Kind::Settings);
    }

    /// Windows are whole and what is served is the present.
    pub(crate) fn publish_ready(&self) {
        self.lock().ready = true;
    }

    /// Why the process cannot be relied on now.
    pub(crate) fn publish_not_ready(&self, reason: &str) {
        let mut state = self.lock();
        state.ready = false;
        reason.clone_into(&mut state.view.not_ready);
    }

    /// Whether anybody follows what changes: if not, rows are only kept for who comes later.
    pub(crate) fn set_followed(&self, followed: bool) {
        let mut state = self.lock();
        state.followed = followed;
        if !followed {
            state.pending.forget_rows();
        }
    }

    /// Whether rows that are published now would be sent at once. Who computes the live view only
    /// then computes it ten times a second, and what it shows is never older than it must be.
    pub(crate) fn rows_due(&self) -> bool {
        let state = self.lock();
        state.followed && state.pending.awaited.contains(Kind::Rows)
    }

    /// How long until rows are due again, as far as is known.
    pub(crate) fn rows_due_in(&self) -> Duration {
        let state = self.lock();
        // Where nobody takes any, they are never due.
        let taken = state.rows_taken.filter(|_| state.followed);
        taken.map_or(PUSH_DISTANCE, |taken| {
            PUSH_DISTANCE.saturating_sub(taken.elapsed())
        })
    }

    /// Everything that a page needs to start.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.lock().view.clone()
    }

    /// The log's time; `None` before the first record.
    pub(crate) fn time(&self) -> Option<i64> {
        self.lock().view.time
    }

    /// Whether the symbol is followed or has rows.
    pub(crate) fn knows(&self, symbol: &str) -> bool {
        self.lock().view.symbols.contains_key(symbol)
    }

    /// Lengths of the windows and the distance of grid times.
    pub(crate) fn windows(&self) -> (Vec<Span>, Span) {
        let state = self.lock();
        (state.view.windows.clone(), state.view.grid)
    }

    /// How many gaps are open.
    pub(crate) fn gaps_open(&self) -> usize {
        self.lock().gaps_open.len()
    }

    /// Whether the process can be relied on, or why not.
    pub(crate) fn readiness(&self) -> Result<(), String> {
        let state = self.lock();
        if state.ready {
            return Ok(());
        }
        Err(state.view.not_ready.clone())
    }

    /// Takes what changed of the kinds that are due; [`Hub::changed`] then waits for the rest.
    pub(crate) fn take(&self, due: Kinds) -> Batch {
        let mut state = self.lock();
        let mut batch = state.pending.take(due);
        if !batch.rows.is_empty() {
            state.rows_taken = Some(Stopwatch::start());
        }
        batch.time = state.view.time;
        batch
    }

    /// Waits until something of a kind that was due and empty is published.
    pub(crate) async fn changed(&self) {
        self.0.wake.notified().await;
    }

    fn wake(&self, mut state: MutexGuard<'_, State>, kind: Kind) {
        let awaited = state.pending.awaited.contains(kind);
        state.pending.awaited.remove(kind);
        drop(state);
        if awaited {
            self.0.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    /// The symbols that are followed.
    fn subscribed(&self) -> Vec<Arc<str>> {
        let symbols = self.symbols.iter().filter(|(_, view)| view.subscribed);
        symbols.map(|(symbol, _)| Arc::clone(symbol)).collect()
    }

    /// Puts a row in the place of its predecessor; `false` when it says the same but for its time,
    /// when its window is no more, or when there is no room for its symbol.
    fn keep(&mut self, row: &Arc<Row>) -> bool {
        if !self.windows.contains(&row.point.window) {
            return false;
        }
        let is_full = self.symbols.len() >= MAX_SYMBOLS;
        let rows = match self.symbols.entry(Arc::clone(&row.symbol)) {
            Entry::Vacant(_) if is_full => return false,
            place => &mut place.or_default().rows,
        };
        match rows.binary_search_by_key(&row.point.window, |kept| kept.point.window) {
            Ok(at) => {
                let before = std::mem::replace(&mut rows[at], Arc::clone(row));
                !row.says_the_same(&before)
            }
            Err(at) => {
                rows.insert(at, Arc::clone(row));
                true
            }
        }
    }
}
