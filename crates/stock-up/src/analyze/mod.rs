//! Role analyze: records of the log become points, in the store and on the page.
//!
//! One thread reads the log up to its durable end and owns the analyzer. It knows no clock: the
//! stopwatch here only decides how often to save and to show, never what.

mod gaps;
mod recent;
mod saver;
mod state;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use stock_up_core::record::codec;
use stock_up_core::{Analyzer, Point, Record, SymbolId, TradeBatch};
use stock_up_io::clock::Stopwatch;
use stock_up_io::store::Gap;
use stock_up_log::{Error, Log, Reader, Retention};

use gaps::GapBook;
pub(crate) use recent::Recent;
pub(crate) use saver::Saver;
use saver::{NotTaken, Unit};
pub(crate) use state::{known, restore};

use crate::hub::{Hub, Row};
use crate::telemetry::{Settled, Telemetry};

/// How often state and outputs are saved while there is something to save.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// Points that are held at most before saving is waited for.
const MAX_UNSAVED_POINTS: usize = 400_000;

/// The longest wait for the log before looking at other things.
const WAIT: Duration = Duration::from_millis(50);

/// Frames that are applied before other things are looked at.
const MAX_FRAMES_AT_ONCE: usize = 256;

/// How long the log keeps what is analysed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogRetention {
    pub(crate) max_bytes: Option<u64>,
    /// ns of the log's time.
    pub(crate) max_age: Option<i64>,
}

/// What analysis works with.
#[derive(Debug)]
pub(crate) struct Analyze {
    pub(crate) analyzer: Analyzer,
    pub(crate) log: Log,
    pub(crate) saver: Saver,
    /// The gap that was open when the state was saved.
    pub(crate) open_gap: Option<Gap>,
    pub(crate) hub: Hub,
    pub(crate) recent: Arc<Recent>,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) retention: LogRetention,
}

/// Tells analysis when to end.
#[derive(Debug, Default)]
pub(crate) struct Finish {
    told: AtomicBool,
    /// The position to reach first.
    end: AtomicU64,
}

impl Finish {
    /// Lets analysis end once it has applied everything before `end`.
    pub(crate) fn at(&self, end: u64) {
        self.end.store(end, Ordering::Release);
        self.told.store(true, Ordering::Release);
    }

    fn is_reached(&self, position: u64) -> bool {
        self.told.load(Ordering::Acquire) && position >= self.end.load(Ordering::Acquire)
    }
}

/// Analysis at work.
pub(crate) struct Analysis {
    analyzer: Analyzer,
    log: Log,
    /// `None` once its failure was told.
    saver: Option<Saver>,
    hub: Hub,
    recent: Arc<Recent>,
    telemetry: Arc<Telemetry>,
    retention: LogRetention,
    reader: Reader,
    batch: TradeBatch,
    unsaved: Vec<Point>,
    /// How many of `unsaved` the hub has seen.
    shown: usize,
    names: Vec<Arc<str>>,
    gaps: GapBook,
    /// Symbols whose live view changed since it was shown.
    changed: Vec<bool>,
    saved_at: u64,
    /// What is read was received by an earlier process.
    catching_up: bool,
    since_saved: Stopwatch,
}

impl Analysis {
    /// Catches up with what the log holds already, so that windows are whole from the first moment.
    pub(crate) fn begin(context: Analyze) -> anyhow::Result<Self> {
        let Analyze {
            analyzer,
            log,
            saver,
            open_gap,
            hub,
            recent,
            telemetry,
            retention,
        } = context;
        let position = analyzer.position();
        let mut analysis = Self {
            reader: log.reader(position)?,
            batch: TradeBatch::default(),
            unsaved: Vec::new(),
            shown: 0,
            names: Vec::new(),
            gaps: GapBook::resume(open_gap),
            changed: Vec::new(),
            saved_at: position,
            catching_up: true,
            since_saved: Stopwatch::start(),
            analyzer,
            log,
            saver: Some(saver),
            hub,
            recent,
            telemetry,
            retention,
        };
        let settings = analysis.analyzer.settings();
        analysis
            .hub
            .publish_windows(&settings.windows, settings.grid);
        analysis.take_names();
        while analysis.apply_some()? {
            analysis.save_if_due()?;
        }
        analysis.catching_up = false;
        Ok(analysis)
    }

    pub(crate) fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }

    /// Follows the log until `finish` is reached, then saves everything.
    pub(crate) fn run(mut self, finish: &Finish) -> anyhow::Result<()> {
        self.hub.publish_ready();
        loop {
            let more = self.apply_some()?;
            self.show(!more);
            self.save_if_due()?;
            let position = self.analyzer.position();
            if !more && finish.is_reached(position) {
                break;
            }
            if !more {
                self.wait(position)?;
            }
        }
        let unit = self.unit();
        self.give(unit)?;
        self.saver.take().map_or(Ok(()), Saver::finish)
    }

    /// Waits a little for more of the log.
    fn wait(&self, position: u64) -> anyhow::Result<()> {
        match self.log.wait_for(position, WAIT) {
            Ok(_) => Ok(()),
            // Nobody writes for now: `collect` ends, or waits for room on the device.
            Err(Error::Closed | Error::NoSpace(_)) => {
                std::thread::park_timeout(WAIT);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Applies the next frames; false when there are no more.
    fn apply_some(&mut self) -> anyhow::Result<bool> {
        for _ in 0..MAX_FRAMES_AT_ONCE {
            if !self.apply_next()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn apply_next(&mut self) -> anyhow::Result<bool> {
        let Some(frame) = self.reader.next_frame()? else {
            return Ok(false);
        };
        let (seq, before) = (frame.seq, self.analyzer.counters());
        let record = codec::decode_into(frame.payload, &mut self.batch)
            .with_context(|| format!("record {seq} of the log"))?;
        if record.is_none() && self.catching_up {
            self.telemetry
                .pipeline
                .received(self.batch.trades.len() as u64);
        }
        let points = &mut self.unsaved;
        match &record {
            Some(record) => self.analyzer.apply(seq, record, points)?,
            None => self.analyzer.apply_trades(seq, &self.batch, points)?,
        }
        let after = self.analyzer.counters();
        let settled = Settled {
            applied: after.applied - before.applied,
            duplicate: after.duplicate - before.duplicate,
            ineligible: after.ineligible - before.ineligible,
            late_dropped: after.late_dropped - before.late_dropped,
            refused: 0,
        };
        self.telemetry
            .pipeline
            .settled(settled, after.points - before.points);
        self.take_names();
        match record {
            Some(record) => self.noted(seq, &record),
            None => self.mark_changed(),
        }
        Ok(true)
    }

    /// Keeps what the hub and the store want to know of a record that is no trades.
    fn noted(&mut self, seq: u64, record: &Record) {
        match record {
            Record::Feed(change) => {
                if let Some(gap) = self.gaps.note(seq, change) {
                    self.recent.push_gap(gap.clone());
                    self.hub.publish_gap(gap);
                }
            }
            Record::Settings(_) => {
                let settings = self.analyzer.settings();
                self.hub.publish_windows(&settings.windows, settings.grid);
                self.changed.fill(true);
            }
            Record::Tick(_) => self.mark_aging(),
            Record::Trades(_) => {}
        }
    }

    fn take_names(&mut self) {
        let known = self.names.len();
        self.names.extend(
            self.analyzer
                .symbols()
                .skip(known)
                .map(|(_, name)| Arc::from(name)),
        );
        self.changed.resize(self.names.len(), true);
    }

    fn mark_changed(&mut self) {
        for name in self.batch.names.iter() {
            if let Some(id) = self.analyzer.find(name)
                && let Some(changed) = self.changed.get_mut(id.0 as usize)
            {
                *changed = true;
            }
        }
    }

    /// As time passes, windows that hold trades change without one.
    fn mark_aging(&mut self) {
        for (changed, (id, _)) in self.changed.iter_mut().zip(self.analyzer.symbols()) {
            *changed |= self.analyzer.holds_trades(id);
        }
    }

    /// Shows the newest points, and the live view where it changed; the hub says when it wants
    /// that.
    fn show(&mut self, idle: bool) {
        self.show_points();
        let lag = self
            .log
            .durable_end()
            .saturating_sub(self.analyzer.position());
        self.telemetry.pipeline.set_lag(lag);
        let Some(time) = self.analyzer.log_time() else {
            return;
        };
        if !(idle || self.hub.rows_due()) {
            return;
        }
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

    fn show_points(&mut self) {
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

    fn save_if_due(&mut self) -> anyhow::Result<()> {
        let full = self.unsaved.len() >= MAX_UNSAVED_POINTS;
        let is_news = self.analyzer.position() > self.saved_at;
        let due = full || (is_news && self.since_saved.elapsed() >= SAVE_EVERY);
        if !due {
            return Ok(());
        }
        self.since_saved = Stopwatch::start();
        let unit = self.unit();
        if full {
            self.give(unit)?;
            return self.retain();
        }
        match self.saver.as_ref().map(|saver| saver.offer(unit)) {
            Some(Ok(())) => self.retain(),
            Some(Err(NotTaken::Busy(unit))) => {
                self.take_back(*unit);
                Ok(())
            }
            Some(Err(NotTaken::Ended)) | None => self.save_failed(),
        }
    }

    fn give(&mut self, unit: Unit) -> anyhow::Result<()> {
        match self.saver.as_ref().map(|saver| saver.give(unit)) {
            Some(Ok(())) => Ok(()),
            _ => self.save_failed(),
        }
    }

    /// Everything that is to be saved together.
    fn unit(&mut self) -> Unit {
        let analyzer = &self.analyzer;
        let mut state = Vec::new();
        analyzer.checkpoint(&mut state);
        self.saved_at = analyzer.position();
        self.shown = 0;
        Unit {
            position: analyzer.position(),
            time: analyzer.log_time(),
            state,
            points: std::mem::take(&mut self.unsaved),
            gaps: self.gaps.take_unsaved(),
            next_emission: analyzer.counters().points,
            names: self.names.clone(),
        }
    }

    fn take_back(&mut self, unit: Unit) {
        self.shown = unit.points.len();
        self.unsaved = unit.points;
        self.gaps.put_back(unit.gaps);
        self.saved_at = 0;
    }

    /// Lets go of the oldest segments of the log that are not needed any more.
    fn retain(&mut self) -> anyhow::Result<()> {
        let log = &self.log;
        self.telemetry.pipeline.set_log_bytes(log.bytes());
        let LogRetention { max_bytes, max_age } = self.retention;
        let now = self.analyzer.log_time();
        let min_time = now.zip(max_age).map(|(now, age)| now.saturating_sub(age));
        match log.retain(&Retention {
            max_bytes,
            min_time,
        }) {
            // A log that cannot write for now is tidied up later.
            Ok(_) | Err(Error::Closed | Error::NoSpace(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The thread that saves has ended early: its error is the reason.
    fn save_failed(&mut self) -> anyhow::Result<()> {
        self.saver.take().map_or(Ok(()), Saver::finish)?;
        anyhow::bail!("the store has stopped without an error")
    }
}
