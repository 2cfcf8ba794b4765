//! What analysis shows: the newest points, and the live view where it changed.

use std::sync::Arc;

use stock_up_core::{FeedChange, FeedEvent, Point, SymbolId};

use super::Analysis;
use crate::hub::{FeedPhase, FeedState, Row};

impl Analysis {
    pub(super) fn mark_changed(&mut self) {
        self.unshown = true;
        for name in self.batch.names.iter() {
            if let Some(id) = self.analyzer.find(name)
                && let Some(changed) = self.changed.get_mut(id.0 as usize)
            {
                *changed = true;
            }
        }
    }

    /// As time passes, windows that hold trades change without one.
    pub(super) fn mark_aging(&mut self) {
        self.unshown = true;
        for (changed, (id, _)) in self.changed.iter_mut().zip(self.analyzer.symbols()) {
            *changed |= self.analyzer.holds_trades(id);
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
        if !(must || self.hub.rows_due()) {
            return;
        }
        self.unshown = false;
        let mut rows = Vec::new();
        let mut live = Vec::new();
        for (index, changed) in self.changed.iter_mut().enumerate() {
            if !std::mem::take(changed) {
                continue;
            }
            let Some(name) = self.names.get(index) else {
                continue;
            };
            let id = SymbolId(u32::try_from(index).unwrap_or(u32::MAX));
            self.analyzer.live(id, &mut live);
            rows.extend(
                live.drain(..)
                    .map(|point| Row::new(Arc::clone(name), point)),
            );
        }
        if rows.is_empty() {
            self.hub.publish_time(time);
        } else {
            self.hub.publish_rows(time, rows);
        }
    }

    /// Shows the feed as it was when the state was saved: its records do not come again.
    pub(super) fn show_feed_as_left(&self) {
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
            FeedEvent::Clock(_) | FeedEvent::Subscribed(_) | FeedEvent::Unsubscribed(_) => return,
        };
        self.hub.publish_feed(FeedState {
            phase,
            since: Some(change.at),
            detail: detail.to_owned(),
        });
    }

    pub(super) fn show_points(&mut self) {
        let Some(points) = self
            .unsaved
            .get(self.shown..)
            .filter(|points| !points.is_empty())
        else {
            return;
        };
        let row = |point: &Point| {
            let name = self.names.get(point.symbol.0 as usize)?;
            Some(Arc::new(Row::new(Arc::clone(name), point.clone())))
        };
        let rows: Vec<Arc<Row>> = points.iter().filter_map(row).collect();
        let first = self.analyzer.counters().points - rows.len() as u64;
        self.recent.push(first, &rows);
        self.hub.publish_points(rows);
        self.shown = self.unsaved.len();
    }
}
