//! What analysis shows: the newest points, and the live view where it changed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use stock_up_core::{FeedChange, FeedEvent, Point, SymbolId};
use stock_up_io::clock::Stopwatch;

use super::Analysis;
use crate::hub::{FeedPhase, FeedState, Row};

/// While nobody follows the live view, it is brought up to date this often, for who asks for it.
const UNFOLLOWED_DISTANCE: Duration = Duration::from_secs(1);

impl Analysis {
    pub(super) fn mark_changed(&mut self) {
        self.unshown = true;
        for name in self.batch.names.iter() {
            if let Some(id) = self.analyzer.find(name) {
                self.shown.traded(id.0 as usize);
            }
        }
    }

    pub(super) fn mark_all(&mut self) {
        self.unshown = true;
        self.shown.change_all();
    }

    /// As time passes, live views change without a trade.
    pub(super) fn mark_aging(&mut self) {
        self.unshown = true;
        match self.analyzer.log_time() {
            Some(now) if self.analyzer.is_sure() => self.shown.age(now),
            _ => self.shown.change_all(),
        }
    }

    /// Shows the newest points, and the live view where it changed, if somebody waits for it or if
    /// it must be.
    pub(super) fn show(&mut self, must: bool) {
        self.show_points();
        if let Some(end) = self.input.durable_end() {
            self.telemetry.log_commits.durable(end);
        }
        let lag = self.input.lag(self.analyzer.position());
        self.telemetry.pipeline.set_lag(lag);
        let Some(time) = self.analyzer.log_time() else {
            return;
        };
        self.hub.publish_time(time);
        let is_old = || self.since_shown.elapsed() >= UNFOLLOWED_DISTANCE;
        if must || self.hub.rows_due() || is_old() {
            self.show_rows(time);
        }
    }

    fn show_rows(&mut self, time: i64) {
        self.unshown = false;
        self.since_shown = Stopwatch::start();
        let (mut rows, mut live) = (Vec::new(), Vec::new());
        let changed: Vec<usize> = self.shown.take().collect();
        for index in changed {
            let Some(name) = self.names.get(index) else {
                continue;
            };
            let id = SymbolId(u32::try_from(index).unwrap_or(u32::MAX));
            self.analyzer.live(id, &mut live);
            self.shown.note(index, &live, self.analyzer.ages_at(id));
            rows.extend(live.drain(..).map(|point| {
                let symbol = Arc::clone(name);
                Row { symbol, point }
            }));
        }
        self.hub.publish_rows(time, rows);
        if let Some(bytes) = self.input.log_bytes() {
            self.telemetry.pipeline.set_log_bytes(bytes);
        }
    }

    /// Shows which windows are computed.
    pub(super) fn show_windows(&self) {
        let (revision, settings) = (self.analyzer.settings_revision(), self.analyzer.settings());
        self.hub
            .publish_windows(revision, &settings.windows, settings.grid);
    }

    /// Shows the feed as it was when the state was saved: its records do not come again.
    pub(super) fn show_feed_as_left(&self) {
        self.show_subscriptions();
        for change in self
            .input
            .origin()
            .into_iter()
            .flat_map(|o| o.feed.changes())
        {
            self.show_feed(change);
        }
    }

    /// Shows the feed as its records tell of it.
    pub(super) fn show_feed(&self, change: &FeedChange) {
        let (phase, detail) = match &change.event {
            FeedEvent::Started { venue, simulated } => {
                self.hub.publish_venue(venue, *simulated);
                return;
            }
            FeedEvent::Connected | FeedEvent::GapClosed | FeedEvent::Fresh => (FeedPhase::Live, ""),
            FeedEvent::GapOpened { cause, .. } => (FeedPhase::Disconnected, cause.name()),
            FeedEvent::Stale => (FeedPhase::Stale, ""),
            FeedEvent::Refused(reason) => (FeedPhase::Refused, reason.as_str()),
            FeedEvent::Ended => (FeedPhase::Ended, ""),
            FeedEvent::Subscribed(_) | FeedEvent::Unsubscribed(_) => {
                self.show_subscriptions();
                return;
            }
            FeedEvent::Clock(_) => return,
        };
        self.hub.publish_feed(FeedState {
            phase,
            since: Some(change.at),
            detail: detail.to_owned(),
        });
    }

    /// Shows what `collect` has subscribed, of the symbols that are analysed here.
    fn show_subscriptions(&self) {
        let names: HashSet<&str> = self.analyzer.symbols().map(|(_, name)| name).collect();
        let is_ours = |name: &str| names.contains(name);
        let subscribed = self.analyzer.subscribed();
        self.hub.publish_subscriptions_of(is_ours, subscribed);
    }

    pub(super) fn show_points(&mut self) {
        let Some(points) = self
            .unsaved
            .get(self.told..)
            .filter(|points| !points.is_empty())
        else {
            return;
        };
        let row = |point: &Point| {
            let name = self.names.get(point.symbol.0 as usize)?;
            Some(Arc::new(Row {
                symbol: Arc::clone(name),
                point: point.clone(),
            }))
        };
        let rows: Vec<Arc<Row>> = points.iter().filter_map(row).collect();
        let first = self.analyzer.counters().points - rows.len() as u64;
        self.recent.push(first, &rows);
        self.hub.publish_points(rows);
        self.told = self.unsaved.len();
    }
}
