//! Live trades: how long a point is under way, and what both processes cost meanwhile.
//!
//! A point of grid time T may be emitted once the log's time has passed T by the lateness. What the
//! chain adds is the time from the first frame after that moment to the answer of the database to
//! the last request with points of T.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::ensure;

use super::relay::Relay;
use super::roles::Roles;
use super::transport::Transport;
use crate::latency::{Sent, Venue};
use crate::measure::{now, quantile};
use crate::row::{Row, Target};
use crate::scratch::Scratch;

const SYMBOLS: u32 = 100;
/// 25 trades each 25 ms: 1,000 a second.
const FRAME_DISTANCE: Duration = Duration::from_millis(25);
const WARM: Duration = Duration::from_secs(15);
const MEASURED: Duration = Duration::from_mins(1);
/// The default of the settings.
const LATENESS: Duration = Duration::from_secs(1);
const GRID: Duration = Duration::from_secs(1);

const P50_MS_MAX: f64 = 20.0;
const P99_MS_MAX: f64 = 100.0;

/// 25 trades each 5 ms: 5,000 a second.
const BUSY_DISTANCE: Duration = Duration::from_millis(5);
const BUSY_SYMBOLS: u32 = 5_000;
const BUSY_WARM: Duration = Duration::from_secs(65);
const BUSY_MEASURED: Duration = Duration::from_secs(20);
const CORE_PERCENT_MAX: f64 = 10.0;

/// The rows of p50 and p99.
pub(super) fn measure(transport: &Transport) -> anyhow::Result<Vec<Row>> {
    let live = Live::start(transport, SYMBOLS, FRAME_DISTANCE)?;
    thread::sleep(WARM);
    let begin = now();
    thread::sleep(MEASURED);
    let answers = live.relay.answers();
    let mut delays = live.delays(begin, &answers)?;
    live.finish()?;
    ensure!(delays.len() > 30, "only {} grid times", delays.len());
    delays.sort_unstable();
    let row = |name: &str, share, bound| {
        let millis = quantile(&delays, share).as_secs_f64() * 1e3;
        Row::alone(
            format!(
                "stack, {}: frame to InfluxDB's answer, {name}",
                transport.name
            ),
            format!("{millis:.1} ms"),
            millis,
            Target::AtMost(bound),
        )
    };
    Ok(vec![
        row("p50", 0.5, P50_MS_MAX),
        row("p99", 0.99, P99_MS_MAX),
    ])
}

/// What both processes cost with 5,000 symbols.
pub(super) fn processor(transport: &Transport) -> anyhow::Result<Row> {
    let live = Live::start(transport, BUSY_SYMBOLS, BUSY_DISTANCE)?;
    thread::sleep(BUSY_WARM);
    let (begin, before) = (now(), live.roles.cpu_time()?);
    thread::sleep(BUSY_MEASURED);
    let (took, spent) = (
        begin.elapsed(),
        live.roles.cpu_time()?.saturating_sub(before),
    );
    let answered = live.relay.answers().iter().any(|answer| *answer > begin);
    ensure!(answered, "the database was sent nothing");
    live.finish()?;
    let percent = spent.as_secs_f64() / took.as_secs_f64() * 100.0;
    Ok(Row::alone(
        format!(
            "stack, {}: 5,000 symbols, 5,000 trades/s: processor of both roles, % of a core",
            transport.name
        ),
        format!("{percent:.1} %"),
        percent,
        Target::AtMost(CORE_PERCENT_MAX),
    ))
}

/// A live market through the whole stack.
struct Live {
    roles: Roles,
    relay: Relay,
    venue: Venue,
    sent: Arc<Sent>,
    stop: Arc<AtomicBool>,
    /// The same moment by both clocks.
    clocks: (Instant, Duration),
    // The last to go: the processes write there.
    _scratch: Scratch,
}

impl Live {
    fn start(transport: &Transport, symbols: u32, distance: Duration) -> anyhow::Result<Self> {
        let scratch = Scratch::new("stack")?;
        let (sent, stop) = (Arc::new(Sent::default()), Arc::new(AtomicBool::new(false)));
        let venue = Venue::start((symbols, distance), Arc::clone(&sent), Arc::clone(&stop))?;
        let relay = Relay::start(&transport.influxdb)?;
        let to = (venue.address, relay.address.to_string());
        let dir = scratch.path().join(format!("live_{symbols}"));
        Ok(Self {
            roles: Roles::start(transport, (to.0, &to.1), (symbols, &dir))?,
            relay,
            venue,
            sent,
            stop,
            clocks: (now(), wall_time()?),
            _scratch: scratch,
        })
    }

    /// For each grid time whose points were due since `begin`: what its last answer took.
    fn delays(&self, begin: Instant, answers: &[Instant]) -> anyhow::Result<Vec<Duration>> {
        let (moment, wall) = self.clocks;
        let into_grid = Duration::from_nanos(u64::try_from(wall.as_nanos() % GRID.as_nanos())?);
        let to_grid = GRID.saturating_sub(into_grid);
        let mut due = moment + to_grid + LATENESS;
        let mut delays = Vec::new();
        while due + GRID < now() {
            let next = due + GRID;
            let from = answers.partition_point(|answer| *answer <= due);
            let to = answers.partition_point(|answer| *answer <= next);
            let last = answers.get(from..to).and_then(<[Instant]>::last);
            if let (true, Some(frame)) = (due > begin, self.sent.first_after(due)) {
                // No answer at all within the grid's distance counts as that.
                let answered = last.copied().unwrap_or(next);
                delays.push(answered.saturating_duration_since(frame));
            }
            due = next;
        }
        Ok(delays)
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.roles.collect.check_alive()?;
        self.roles.analyze.check_alive()?;
        self.stop.store(true, Ordering::Relaxed);
        self.venue.finish()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "grid times are those of the wall clock"
)]
fn wall_time() -> anyhow::Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}
