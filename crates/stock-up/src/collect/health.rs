//! The feed's health as `collect` notes it: what is observed, what is missed, and why.

use std::time::Duration;

use stock_up_core::{Clock, FeedEvent, GapCause};
use stock_up_io::feed::{FeedReport, RefusedSymbol};

use super::collector::Collector;
use crate::hub::{FeedPhase, FeedState};
use crate::telemetry::Settled;

/// A report tells of frames that came since the one before: at most one ping ago, and some slack.
const REPORT_AGE: i64 = 2_000_000_000;

/// Distance between tries to write to a device that was full.
const RETRY_FULL: u32 = 4;

impl Collector {
    /// The feed is observed from here on: a gap ends.
    pub(super) fn subscribed(&mut self, symbols: Vec<String>) -> anyhow::Result<()> {
        if !symbols.is_empty() {
            self.event(FeedEvent::Subscribed(symbols))?;
        }
        if self.gap_is_open && self.time.follows_trades() {
            self.gap_closes_with_trade = true;
        } else if self.gap_is_open {
            self.gap_is_open = false;
            self.event(FeedEvent::GapClosed)?;
        }
        Ok(())
    }

    pub(super) fn disconnected(
        &mut self,
        heard: i64,
        cause: GapCause,
        detail: &str,
    ) -> anyhow::Result<()> {
        tracing::warn!(
            venue = self.context.venue.name,
            cause = cause.name(),
            detail,
            "feed disconnected"
        );
        let telemetry = &self.context.telemetry;
        telemetry
            .feed_disconnects
            .get_or_create(&[("cause", cause.name())])
            .inc();
        telemetry.feed_live.set(0);
        self.observed = None;
        self.show(FeedPhase::Disconnected, detail);
        self.open_gap(heard, cause)
    }

    pub(super) fn refused(&mut self, reason: String, retry_in: Duration) -> anyhow::Result<()> {
        let detail = format!("{reason}; next try in {} s", retry_in.as_secs().max(1));
        self.show(FeedPhase::Refused, &detail);
        if self.refused.as_ref() != Some(&reason) {
            tracing::error!(
                venue = self.context.venue.name,
                reason,
                "the venue refuses us"
            );
            self.event(FeedEvent::Refused(reason.clone()))?;
            self.refused = Some(reason);
        }
        Ok(())
    }

    pub(super) fn refused_symbols(&self, symbols: &[RefusedSymbol]) {
        if let Some(first) = symbols.first() {
            let detail = format!(
                "{} symbols are not subscribed; `{}`: {}",
                symbols.len(),
                first.symbol,
                first.reason
            );
            tracing::warn!(detail, "symbols refused");
            self.show(FeedPhase::Live, &detail);
        }
    }

    pub(super) fn report(&mut self, report: &FeedReport) -> anyhow::Result<()> {
        let telemetry = &self.context.telemetry;
        telemetry.feed_frames.inc_by(report.frames);
        let bad = report.bad.as_slice();
        for bad in bad {
            let counter = telemetry
                .feed_bad_frames
                .get_or_create(&[("reason", bad.reason)]);
            counter.inc_by(bad.count);
            let (reason, count, example) = (bad.reason, bad.count, &bad.example);
            tracing::warn!(reason, count, example, "what the venue sent was refused");
        }
        // A frame that cannot be read counts as one trade: nobody knows how many it held.
        let refused = bad.iter().map(|bad| bad.count).sum();
        telemetry.pipeline.received(refused);
        telemetry.pipeline.settled(
            Settled {
                refused,
                ..Settled::default()
            },
            0,
        );
        if bad.iter().any(|bad| bad.may_lose_trades) && !self.gap_is_open {
            let from = self.heard.saturating_sub(REPORT_AGE);
            self.open_gap(from, GapCause::BadFrames)?;
            self.subscribed(Vec::new())?;
        }
        Ok(())
    }

    /// Opens a gap from the last sign of life, by the wall clock; one that is open goes on.
    pub(super) fn open_gap(&mut self, heard: i64, cause: GapCause) -> anyhow::Result<()> {
        let now = self.time.at(self.context.clock.now());
        // What leads the log's time is what was last heard of.
        let from = if self.time.follows_trades() {
            now
        } else {
            heard
        };
        self.open_gap_from(from, cause)
    }

    /// As [`Self::open_gap`], from a moment of the log's time.
    pub(super) fn open_gap_from(&mut self, from: i64, cause: GapCause) -> anyhow::Result<()> {
        self.gap_closes_with_trade = false;
        if self.gap_is_open {
            return Ok(());
        }
        self.gap_is_open = true;
        let at = self.time.at(self.context.clock.now());
        self.event_at(
            at,
            FeedEvent::GapOpened {
                from: from.min(at),
                cause,
            },
        )
    }

    /// The device is full: nothing more is accepted until there is room.
    pub(super) fn paused(&mut self) {
        if self.full_for.is_some() {
            return;
        }
        self.full_for = Some(0);
        tracing::error!(
            "the device of the data directory is full; trades are being lost, free some space"
        );
        self.context
            .hub
            .publish_not_ready("the device of the data directory is full");
        self.show(
            FeedPhase::Disconnected,
            "the device of the data directory is full; free some space",
        );
    }

    pub(super) fn try_to_resume(&mut self) -> anyhow::Result<()> {
        let ticks = self.full_for.unwrap_or_default() + 1;
        self.full_for = Some(ticks);
        if !ticks.is_multiple_of(RETRY_FULL) || !self.context.journal.resume()? {
            return Ok(());
        }
        tracing::warn!("there is room again; trades are accepted");
        self.full_for = None;
        // What was queued when the device filled up is lost as well: what is durable tells.
        let durable = self.context.journal.durable_time()?;
        self.gap_is_open = false;
        self.open_gap_from(durable.unwrap_or(i64::MAX), GapCause::Overload)?;
        self.tell_again()?;
        if self.full_for.is_some() {
            return Ok(());
        }
        self.context.hub.publish_ready();
        let phase = match self.observed {
            None => FeedPhase::Connecting,
            Some(_) if self.is_stale => FeedPhase::Stale,
            Some(_) => FeedPhase::Live,
        };
        self.show(phase, "");
        Ok(())
    }

    /// Writes what holds now: what was said of it while the device was full is not in the log.
    fn tell_again(&mut self) -> anyhow::Result<()> {
        if self.time.follows_trades() {
            self.event(FeedEvent::Clock(Clock::Event))?;
        }
        self.started()?;
        self.write_settings()?;
        if self.is_stale {
            self.event(FeedEvent::Stale)?;
        }
        // While the feed is down the gap stays open.
        match self.observed.clone() {
            Some(observed) => self.subscribed(observed.into_iter().collect()),
            None => Ok(()),
        }
    }

    pub(super) fn show(&self, phase: FeedPhase, detail: &str) {
        let since = Some(self.time.now()).filter(|now| *now != i64::MIN);
        self.context.hub.publish_feed(FeedState {
            phase,
            since,
            detail: detail.to_owned(),
        });
    }
}
