//! What a sink does, as metrics and as lines of the log; the same trouble once a minute.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use stock_up_io::clock::Stopwatch;
use stock_up_io::sink::influx::Layout;
use stock_up_io::sink::{DropCause, Dropped, SinkError, Watch, Written};

use crate::telemetry::SinkMetrics;

/// The same trouble is told again after this.
const QUIET: Duration = Duration::from_mins(1);

/// So many points without one that the layout writes are told: a window may be misspelt.
const ONLY_SKIPPED: u64 = 1_000;

/// Counts and writes down what a server of points answers.
#[derive(Debug)]
pub(crate) struct Telling {
    /// What people call it.
    server: &'static str,
    metrics: SinkMetrics,
    /// That of `InfluxDB`.
    layout: Option<Layout>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What was told when, and how much came since.
    told: BTreeMap<&'static str, (Stopwatch, u64)>,
    failing: bool,
    skipped: u64,
    /// What this sink adds to the lag of all.
    lag: i64,
}

impl State {
    /// How much is to be told of `what` now; `None` while it was told within the last minute.
    fn due(&mut self, what: &'static str, more: u64) -> Option<u64> {
        match self.told.get_mut(what) {
            Some((since, waiting)) if since.elapsed() < QUIET => {
                *waiting += more;
                None
            }
            Some(told) => {
                let all = told.1 + more;
                *told = (Stopwatch::start(), 0);
                Some(all)
            }
            None => {
                self.told.insert(what, (Stopwatch::start(), 0));
                Some(more)
            }
        }
    }
}

impl Telling {
    pub(crate) fn new(server: &'static str, metrics: SinkMetrics, layout: Option<Layout>) -> Self {
        Self {
            server,
            metrics,
            layout,
            state: Mutex::default(),
        }
    }

    fn with<T>(&self, ask: impl FnOnce(&mut State) -> T) -> T {
        ask(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn tell_skipped(&self, written: &Written) {
        let Some(Layout::Seed { window, .. }) = self.layout else {
            return;
        };
        let due = self.with(|state| {
            state.skipped = if written.written > 0 {
                0
            } else {
                state.skipped + written.skipped
            };
            let many = state.skipped >= ONLY_SKIPPED;
            many.then(|| state.due("skipped", 0)).flatten()
        });
        if due.is_some() {
            tracing::warn!(
                %window,
                "no point of this window comes, so nothing is written to InfluxDB; see [influxdb] \
                 window and the windows of the settings"
            );
        }
    }
}

impl Watch for Telling {
    fn written(&self, written: &Written, took: Duration) {
        self.metrics.points.inc_by(written.written);
        self.metrics.write.observe(took.as_secs_f64());
        if self.with(|state| std::mem::replace(&mut state.failing, false)) {
            tracing::info!("{} takes points again", self.server);
        }
        self.tell_skipped(written);
    }

    fn dropped(&self, dropped: &Dropped) {
        let reason = dropped.cause.name();
        let counter = [("reason", reason)];
        let counters = &self.metrics.dropped;
        counters.get_or_create(&counter).inc_by(dropped.lines);
        let Some(lines) = self.with(|state| state.due(reason, dropped.lines)) else {
            return;
        };
        let (server, why) = (self.server, &dropped.reason);
        if dropped.cause == DropCause::StoreRetention {
            tracing::error!(points = lines, "points never reached {server}: {why}");
        } else {
            tracing::error!(lines, "{server} does not take lines: {why}");
        }
    }

    fn failed(&self, error: &SinkError, wait: Duration) {
        let counter = [("reason", error.kind())];
        self.metrics.failures.get_or_create(&counter).inc();
        let due = self.with(|state| {
            state.failing = true;
            state.due(error.kind(), 1)
        });
        if due.is_some() {
            let again_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            tracing::error!(again_ms, "nothing is lost, the store keeps it: {error}");
        }
    }

    fn lag(&self, points: u64) {
        let points = i64::try_from(points).unwrap_or(i64::MAX);
        let before = self.with(|state| std::mem::replace(&mut state.lag, points));
        self.metrics.lag.inc_by(points - before);
    }
}

impl Drop for Telling {
    /// What it still had to send is somebody else's now, or waits in the store.
    fn drop(&mut self) {
        let lag = self.with(|state| state.lag);
        self.metrics.lag.dec_by(lag);
    }
}
