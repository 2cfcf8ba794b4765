//! `collect` at work: what comes in, in its order, becomes records.

use std::collections::BTreeSet;
use std::time::Duration;

use stock_up_core::{
    AnalyzerSettings, FeedChange, FeedEvent, GapCause, Record, SettingsEpoch, Tick, TradeBatch,
};
use stock_up_io::feed::FeedSignal;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::journal::Appended;
use super::log_time::LogTime;
use super::{Collect, End, Known, Venue};
use crate::hub::FeedPhase;
use crate::telemetry::Settled;

/// How often the clock ticks in the log: the longest that a grid point waits beyond its lateness.
const TICK: Duration = Duration::from_millis(250);

/// How long a feed may take to end.
const DRAIN: Duration = Duration::from_secs(2);

/// `collect` at work.
pub(super) struct Collector {
    pub(super) context: Collect,
    pub(super) time: LogTime,
    /// The log's time as of the last record that tells the analyzer of it.
    moved_to: i64,
    /// The last sign of life, by the wall clock.
    pub(super) heard: i64,
    pub(super) gap_is_open: bool,
    /// What the venue sends us; `None` while the feed is down.
    pub(super) observed: Option<BTreeSet<String>>,
    /// The venue answers, but has sent no trade for too long.
    pub(super) is_stale: bool,
    /// Recorded trades: the gap closes with the first of them, whose time says when.
    pub(super) gap_closes_with_trade: bool,
    settings: AnalyzerSettings,
    settings_revision: u64,
    pub(super) refused: Option<String>,
    /// Ticks since it was told that the device is full, while it is.
    pub(super) full_for: Option<u32>,
}

impl Collector {
    pub(super) fn new(context: Collect, known: &Known) -> Self {
        Self {
            time: LogTime::resume(known.clock, known.has_trades, known.time),
            moved_to: known.time.unwrap_or(i64::MIN),
            heard: known.heard.unwrap_or(i64::MIN),
            gap_is_open: known.gap_is_open,
            observed: None,
            is_stale: false,
            gap_closes_with_trade: false,
            settings: known.settings.clone(),
            settings_revision: known.settings_revision,
            refused: None,
            full_for: None,
            context,
        }
    }

    /// Notes that nobody watched since the log's last record.
    pub(super) fn begin(&mut self, known: &Known) -> anyhow::Result<()> {
        if known.has_records && !known.subscribed.is_empty() {
            let heard = known.heard.or(known.time).unwrap_or(i64::MAX);
            self.open_gap(heard, GapCause::Stopped)?;
        }
        self.started()?;
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

    /// Says where the trades come from. What is subscribed next is all that is.
    pub(super) fn started(&mut self) -> anyhow::Result<()> {
        let Venue { name, simulated } = self.context.venue;
        self.event(FeedEvent::Started {
            venue: name.to_owned(),
            simulated,
        })
    }

    pub(super) async fn record(
        &mut self,
        shutdown: impl Future<Output = ()> + Send,
    ) -> anyhow::Result<End> {
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
    pub(super) fn finish(mut self, end: &End) -> anyhow::Result<()> {
        if *end != End::Told {
            self.event(FeedEvent::Ended)?;
            self.show(FeedPhase::Ended, "no trade came for as long as was asked");
        }
        if self.context.journal.flush()? == Appended::NoSpace {
            self.paused();
        }
        self.context.journal.close()?;
        Ok(())
    }

    pub(super) fn signal(&mut self, signal: FeedSignal) -> anyhow::Result<()> {
        match signal {
            FeedSignal::Connecting => self.show(FeedPhase::Connecting, ""),
            FeedSignal::Connected { ts } => {
                self.heard = ts;
                self.refused = None;
                self.event(FeedEvent::Connected)?;
                self.context.telemetry.feed_live.set(1);
                self.show(FeedPhase::Live, "");
            }
            FeedSignal::Subscribed { symbols, .. } => {
                let observed = self.observed.get_or_insert_default();
                observed.extend(symbols.iter().cloned());
                self.subscribed(symbols)?;
            }
            FeedSignal::Unsubscribed { symbols, .. } if !symbols.is_empty() => {
                if let Some(observed) = &mut self.observed {
                    observed.retain(|symbol| !symbols.contains(symbol));
                }
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
                self.is_stale = true;
                self.event(FeedEvent::Stale)?;
                self.show(FeedPhase::Stale, "the venue answers, but sends no trades");
            }
            FeedSignal::Fresh { .. } => {
                self.is_stale = false;
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
            return Ok(());
        }
        self.moved();
        Ok(())
    }

    /// The last record has moved the analyzer's time. Where that lets it emit points, somebody waits
    /// for them.
    fn moved(&mut self) {
        let now = self.time.now();
        if self.settings.makes_due(self.moved_to, now) {
            self.context.journal.hurry();
        }
        self.moved_to = now;
    }

    pub(super) fn tick(&mut self) -> anyhow::Result<()> {
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
            return Ok(());
        }
        self.moved();
        Ok(())
    }

    /// Takes over settings that change results.
    pub(super) fn apply_settings(&mut self) -> anyhow::Result<()> {
        let state = self.context.settings.borrow_and_update().clone();
        let settings = state.settings.to_analyzer()?;
        if settings == self.settings && self.settings_revision > 0 {
            return Ok(());
        }
        self.settings = settings;
        self.write_settings()
    }

    /// Writes the settings into the log.
    pub(super) fn write_settings(&mut self) -> anyhow::Result<()> {
        self.settings_revision += 1;
        let epoch = SettingsEpoch {
            revision: self.settings_revision,
            settings: self.settings.clone(),
        };
        let time = self.time.at(self.context.clock.now());
        let record = Record::Settings(epoch);
        if self.context.journal.append(time, &record)? == Appended::NoSpace {
            self.paused();
        }
        Ok(())
    }

    pub(super) fn event(&mut self, event: FeedEvent) -> anyhow::Result<()> {
        let at = self.time.at(self.context.clock.now());
        self.event_at(at, event)
    }

    pub(super) fn event_at(&mut self, at: i64, event: FeedEvent) -> anyhow::Result<()> {
        let ts_recv = self.context.clock.now();
        let record = Record::Feed(FeedChange { at, ts_recv, event });
        if self.context.journal.append(at, &record)? == Appended::NoSpace {
            self.paused();
            return Ok(());
        }
        self.moved();
        Ok(())
    }
}

fn deadline(idle: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(idle)
        .unwrap_or(now + Duration::from_secs(u64::from(u32::MAX)))
}
