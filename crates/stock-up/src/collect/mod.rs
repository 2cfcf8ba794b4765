//! Role collect: what the feed tells becomes records of the log.
//!
//! One thread owns the writing end of the log. It stamps everything with the log's time, keeps the
//! clock ticking, and notes the feed's health, so that whoever reads the log needs no clock and no
//! feed to know what was observed.

mod journal;
mod log_time;

use std::time::Duration;

use stock_up_core::{
    AnalyzerSettings, Clock, FeedChange, FeedEvent, GapCause, Record, SettingsEpoch, Tick,
    TradeBatch,
};
use stock_up_io::clock::Clock as WallClock;
use stock_up_io::feed::{FeedReport, FeedSignal};
use stock_up_io::settings::SettingsState;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

pub(crate) use journal::{Appended, Journal};
use log_time::LogTime;

use crate::hub::{FeedPhase, FeedState, Hub};
use crate::telemetry::{Settled, Telemetry};

/// How often the clock ticks in the log: the longest that a grid point waits beyond its lateness.
const TICK: Duration = Duration::from_millis(250);

/// A report tells of frames that came since the one before: at most one ping ago, and some slack.
const REPORT_AGE: i64 = 2_000_000_000;

/// How long a feed may take to end.
const DRAIN: Duration = Duration::from_secs(2);

/// Distance between tries to write to a device that was full.
const RETRY_FULL: u32 = 4;

/// What the log says about itself when `collect` takes it up.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// The log holds records.
    pub(crate) has_records: bool,
    /// The log holds trades.
    pub(crate) has_trades: bool,
    pub(crate) clock: Clock,
    pub(crate) time: Option<i64>,
    pub(crate) heard: Option<i64>,
    pub(crate) gap_is_open: bool,
    pub(crate) subscribed: Vec<String>,
    pub(crate) settings: AnalyzerSettings,
    pub(crate) settings_revision: u64,
}

/// Where the trades come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Venue {
    pub(crate) name: &'static str,
    pub(crate) simulated: bool,
}

/// What `collect` works with.
#[derive(Debug)]
pub(crate) struct Collect {
    pub(crate) venue: Venue,
    pub(crate) journal: Journal,
    pub(crate) signals: mpsc::Receiver<FeedSignal>,
    pub(crate) settings: watch::Receiver<SettingsState>,
    pub(crate) clock: WallClock,
    pub(crate) hub: Hub,
    pub(crate) telemetry: std::sync::Arc<Telemetry>,
    /// End after so long without a trade.
    pub(crate) until_idle: Option<Duration>,
}

/// Why `collect` ended without an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// It was told to.
    Told,
    /// No trade came for as long as was asked.
    Idle,
    /// No trade came, because the venue does not let us in.
    Refused(String),
}

/// `collect` at work.
struct Collector {
    context: Collect,
    time: LogTime,
    /// The last sign of life, by the wall clock.
    heard: i64,
    gap_is_open: bool,
    /// Recorded trades: the gap closes with the first of them, whose time says when.
    gap_closes_with_trade: bool,
    settings: AnalyzerSettings,
    settings_revision: u64,
    refused: Option<String>,
    /// It was told that the device is full.
    is_paused: bool,
    ticks_since_full: u32,
}

impl Collect {
    /// Records until `shutdown`, the end of the feed, or idleness.
    pub(crate) async fn run(
        self,
        known: Known,
        shutdown: impl Future<Output = ()> + Send,
    ) -> anyhow::Result<End> {
        let mut collector = Collector::new(self, &known);
        collector.begin(&known)?;
        let end = collector.record(shutdown).await?;
        collector.finish(&end)?;
        Ok(end)
    }
}

impl Collector {
    fn new(context: Collect, known: &Known) -> Self {
        Self {
            time: LogTime::resume(known.clock, known.has_trades, known.time),
            heard: known.heard.unwrap_or(i64::MIN),
            gap_is_open: known.gap_is_open,
            gap_closes_with_trade: false,
            settings: known.settings.clone(),
            settings_revision: known.settings_revision,
            refused: None,
            is_paused: false,
            ticks_since_full: 0,
            context,
        }
    }

    /// Notes that nobody watched since the log's last record.
    fn begin(&mut self, known: &Known) -> anyhow::Result<()> {
        if known.has_records && !known.subscribed.is_empty() {
            let heard = known.heard.or(known.time).unwrap_or(i64::MAX);
            self.open_gap(heard, GapCause::Stopped)?;
        }
        let Venue { name, simulated } = self.context.venue;
        self.event(FeedEvent::Started {
            venue: name.to_owned(),
            simulated,
        })?;
        let wanted = self
            .context
            .settings
            .borrow()
            .settings
            .subscriptions
            .clone();
        let mut left = known.subscribed.clone();
        left.retain(|symbol| !wanted.contains(symbol));
        if !left.is_empty() {
            self.event(FeedEvent::Unsubscribed(left))?;
        }
        self.apply_settings()
    }

    async fn record(&mut self, shutdown: impl Future<Output = ()> + Send) -> anyhow::Result<End> {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let idle = self.context.until_idle.unwrap_or(Duration::MAX);
        let mut idle_at = deadline(idle);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => {
                    self.drain().await?;
                    return Ok(End::Told);
                }
                _ = ticks.tick() => self.tick()?,
                changed = self.context.settings.changed() => {
                    changed?;
                    self.apply_settings()?;
                }
                signal = self.context.signals.recv() => match signal {
                    None | Some(FeedSignal::Ended) => return Ok(End::Told),
                    Some(FeedSignal::Trades(batch)) => {
                        idle_at = deadline(idle);
                        self.trades(&batch)?;
                    }
                    Some(signal) => self.signal(signal)?,
                },
                () = sleep_until(idle_at) => return Ok(self.idle()),
            }
        }
    }

    /// Takes what the feed still has, which was told to end as well.
    async fn drain(&mut self) -> anyhow::Result<()> {
        let give_up = sleep_until(deadline(DRAIN));
        let mut give_up = std::pin::pin!(give_up);
        loop {
            let signal = tokio::select! {
                signal = self.context.signals.recv() => signal,
                () = &mut give_up => return Ok(()),
            };
            match signal {
                None | Some(FeedSignal::Ended) => return Ok(()),
                Some(FeedSignal::Trades(batch)) => self.trades(&batch)?,
                Some(signal) => self.signal(signal)?,
            }
        }
    }

    fn idle(&self) -> End {
        match &self.refused {
            Some(reason) => End::Refused(reason.clone()),
            None => End::Idle,
        }
    }

    /// The input is over when nothing is to come: then every point is emitted.
    fn finish(mut self, end: &End) -> anyhow::Result<()> {
        if *end != End::Told {
            self.event(FeedEvent::Ended)?;
            self.show(FeedPhase::Ended, "no trade came for as long as was asked");
        }
        self.context.journal.flush()?;
        self.context.journal.close()?;
        Ok(())
    }

    fn signal(&mut self, signal: FeedSignal) -> anyhow::Result<()> {
        match signal {
            FeedSignal::Connecting => self.show(FeedPhase::Connecting, ""),
            FeedSignal::Connected { ts } => {
                self.heard = ts;
                self.refused = None;
                self.event(FeedEvent::Connected)?;
                self.context.telemetry.feed_live.set(1);
                self.show(FeedPhase::Live, "");
            }
            FeedSignal::Subscribed { symbols, .. } => self.subscribed(symbols)?,
            FeedSignal::Unsubscribed { symbols, .. } if !symbols.is_empty() => {
                self.event(FeedEvent::Unsubscribed(symbols))?;
            }
            FeedSignal::Heard { ts } => self.heard = self.heard.max(ts),
            FeedSignal::Disconnected {
                heard_ts,
                cause,
                detail,
            } => {
                self.disconnected(heard_ts, cause, &detail)?;
            }
            FeedSignal::Stale { .. } => {
                self.event(FeedEvent::Stale)?;
                self.show(FeedPhase::Stale, "the venue answers, but sends no trades");
            }
            FeedSignal::Fresh { .. } => {
                self.event(FeedEvent::Fresh)?;
                self.show(FeedPhase::Live, "");
            }
            FeedSignal::Refused { reason, retry_in } => self.refused(reason, retry_in)?,
            FeedSignal::Unreachable { reason, retry_in } => {
                let detail = format!("{reason}; next try in {} s", retry_in.as_secs().max(1));
                self.show(FeedPhase::Disconnected, &detail);
            }
            FeedSignal::RefusedSymbols(symbols) => self.refused_symbols(&symbols),
            FeedSignal::VenueError(error) => {
                tracing::warn!(error = %error.text, "the venue complains");
                self.show(FeedPhase::Live, &format!("the venue says: {}", error.text));
            }
            FeedSignal::Report(report) => self.report(&report)?,
            FeedSignal::Unsubscribed { .. } | FeedSignal::Trades(_) | FeedSignal::Ended => {}
        }
        Ok(())
    }

    /// The feed is observed from here on: a gap ends.
    fn subscribed(&mut self, symbols: Vec<String>) -> anyhow::Result<()> {
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

    fn disconnected(&mut self, heard: i64, cause: GapCause, detail: &str) -> anyhow::Result<()> {
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
        self.show(FeedPhase::Disconnected, detail);
        self.open_gap(heard, cause)
    }

    fn refused(&mut self, reason: String, retry_in: Duration) -> anyhow::Result<()> {
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

    fn refused_symbols(&self, symbols: &[stock_up_io::feed::RefusedSymbol]) {
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

    fn report(&mut self, report: &FeedReport) -> anyhow::Result<()> {
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

    fn trades(&mut self, batch: &TradeBatch) -> anyhow::Result<()> {
        let Some(first) = batch.trades.first() else {
            return Ok(());
        };
        let count = batch.trades.len() as u64;
        self.context.telemetry.pipeline.received(count);
        if let Some(clock) = self.time.decide(first.ts_event, batch.ts_recv) {
            tracing::info!("the trades are recorded ones: time follows them");
            self.time.trade(first.ts_event);
            self.event(FeedEvent::Clock(clock))?;
        }
        let newest = batch
            .trades
            .iter()
            .map(|trade| trade.ts_event)
            .max()
            .unwrap_or(i64::MIN);
        // Recorded trades tell when it is by moving time on; late ones do not.
        if self.gap_closes_with_trade && newest > self.time.now() {
            self.gap_closes_with_trade = false;
            self.gap_is_open = false;
            self.event_at(newest, FeedEvent::GapClosed)?;
        }
        self.time.trade(newest);
        self.heard = self.heard.max(batch.ts_recv);
        if self.context.journal.append_batch(self.time.now(), batch)? == Appended::NoSpace {
            let refused = Settled {
                refused: count,
                ..Settled::default()
            };
            self.context.telemetry.pipeline.settled(refused, 0);
            self.paused();
        }
        Ok(())
    }

    fn tick(&mut self) -> anyhow::Result<()> {
        if self.context.journal.is_paused() {
            return self.try_to_resume();
        }
        if self.time.follows_trades() {
            return Ok(());
        }
        let time = self.time.at(self.context.clock.now());
        let heard = self.heard.min(time);
        let appended = self
            .context
            .journal
            .append(time, &Record::Tick(Tick { time, heard }))?;
        if appended == Appended::NoSpace {
            self.paused();
        }
        Ok(())
    }

    /// Writes settings that change results into the log.
    fn apply_settings(&mut self) -> anyhow::Result<()> {
        let state = self.context.settings.borrow_and_update().clone();
        let settings = state.settings.to_analyzer()?;
        if settings == self.settings && self.settings_revision > 0 {
            return Ok(());
        }
        self.settings_revision += 1;
        self.settings = settings.clone();
        let epoch = SettingsEpoch {
            revision: self.settings_revision,
            settings,
        };
        let time = self.time.at(self.context.clock.now());
        self.context
            .journal
            .append(time, &Record::Settings(epoch))?;
        Ok(())
    }

    /// Opens a gap from the last sign of life, by the wall clock; one that is open goes on.
    fn open_gap(&mut self, heard: i64, cause: GapCause) -> anyhow::Result<()> {
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
    fn open_gap_from(&mut self, from: i64, cause: GapCause) -> anyhow::Result<()> {
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

    fn event(&mut self, event: FeedEvent) -> anyhow::Result<()> {
        let at = self.time.at(self.context.clock.now());
        self.event_at(at, event)
    }

    fn event_at(&mut self, at: i64, event: FeedEvent) -> anyhow::Result<()> {
        let ts_recv = self.context.clock.now();
        let record = Record::Feed(FeedChange { at, ts_recv, event });
        if self.context.journal.append(at, &record)? == Appended::NoSpace {
            self.paused();
        }
        Ok(())
    }

    /// The device is full: nothing more is accepted until there is room.
    fn paused(&mut self) {
        if std::mem::replace(&mut self.is_paused, true) {
            return;
        }
        self.ticks_since_full = 0;
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

    fn try_to_resume(&mut self) -> anyhow::Result<()> {
        self.ticks_since_full += 1;
        if !self.ticks_since_full.is_multiple_of(RETRY_FULL) || !self.context.journal.resume()? {
            return Ok(());
        }
        tracing::warn!("there is room again; trades are accepted");
        self.is_paused = false;
        // What was queued when the device filled up is lost as well: what is durable tells.
        let durable = self.context.hub.time().unwrap_or(i64::MAX);
        self.gap_is_open = false;
        self.open_gap_from(durable, GapCause::Overload)?;
        self.subscribed(Vec::new())?;
        self.context.hub.publish_ready();
        self.show(FeedPhase::Live, "");
        Ok(())
    }

    fn show(&self, phase: FeedPhase, detail: &str) {
        let since = Some(self.time.now()).filter(|now| *now != i64::MIN);
        self.context.hub.publish_feed(FeedState {
            phase,
            since,
            detail: detail.to_owned(),
        });
    }
}

fn deadline(idle: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(idle)
        .unwrap_or(now + Duration::from_secs(u64::from(u32::MAX)))
}
