//! Role collect: what the feed tells becomes records of the log.
//!
//! One thread owns the writing end of the log. It stamps everything with the log's time, keeps the
//! clock ticking, and notes the feed's health, so that whoever reads the log needs no clock and no
//! feed to know what was observed.

mod collector;
mod health;
mod journal;
mod known;
mod log_time;
#[cfg(test)]
mod tests;

use std::time::Duration;

use stock_up_io::clock::Clock as WallClock;
use stock_up_io::feed::FeedSignal;
use stock_up_io::settings::SettingsState;
use tokio::sync::{mpsc, watch};

use collector::Collector;
pub(crate) use journal::Journal;
pub(crate) use known::Known;

use crate::hub::Hub;
use crate::telemetry::Telemetry;

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
