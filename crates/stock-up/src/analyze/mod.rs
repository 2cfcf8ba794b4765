//! Role analyze: records become points, in the store and on the page.
//!
//! One thread reads the log up to its durable end, or one partition of a queue, and owns the
//! analyzer. It knows no clock: the stopwatch here only decides how often to save and to show,
//! never what.

mod gaps;
mod held;
mod input;
mod recent;
mod save;
mod saver;
#[cfg_attr(not(feature = "redis"), path = "share/absent.rs")]
mod share;
mod show;
mod shown;
mod state;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use stock_up_core::{Analyzer, Point, Record, TradeBatch};
use stock_up_io::clock::Stopwatch;
use stock_up_io::store::Gap;

use gaps::GapBook;
pub(crate) use input::{Delivery, Done, Input, Partition};
pub(crate) use recent::Recent;
pub(crate) use saver::Saver;
pub(crate) use share::{Patience, Sharer};
use shown::Shown;
pub(crate) use state::{known, restore};

use crate::hub::Hub;
use crate::telemetry::{Settled, Telemetry};

/// The longest wait for records before looking at other things.
const WAIT: Duration = Duration::from_millis(50);

/// The shortest wait for the live view to be due: timers have a grain of a millisecond.
const MIN_WAIT: Duration = Duration::from_millis(1);

/// Records that are applied before other things are looked at.
const MAX_RECORDS_AT_ONCE: usize = 256;

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
    pub(crate) input: Input,
    pub(crate) saver: Saver,
    /// The gap that was open when the state was saved.
    pub(crate) open_gap: Option<Gap>,
    pub(crate) hub: Hub,
    pub(crate) recent: Arc<Recent>,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) part: Part,
}

/// What falls to one of several that analyse side by side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// It counts the trades that it reads as received, because no `collect` here does.
    pub(crate) receives: bool,
    /// It tells of gaps, which all of them see.
    pub(crate) tells_gaps: bool,
}

impl Part {
    /// The only one, beside `collect`.
    pub(crate) const WHOLE: Self = Self {
        receives: false,
        tells_gaps: true,
    };
}

/// Tells analysis when to end.
#[derive(Debug, Default)]
pub(crate) struct Finish {
    told: AtomicBool,
    /// The position to reach first.
    end: AtomicU64,
    /// See [`Finish::hurry`].
    hurried: AtomicBool,
}

impl Finish {
    /// Lets analysis end once it has applied everything before `end`.
    pub(crate) fn at(&self, end: u64) {
        self.end.store(end, Ordering::Release);
        self.told.store(true, Ordering::Release);
    }

    /// Somebody waits for the end: what can't be done now is left to the next start.
    pub(crate) fn hurry(&self) {
        self.hurried.store(true, Ordering::Release);
    }

    pub(crate) fn is_hurried(&self) -> bool {
        self.hurried.load(Ordering::Acquire)
    }

    pub(crate) fn is_reached(&self, position: u64) -> bool {
        self.told.load(Ordering::Acquire) && position >= self.end.load(Ordering::Acquire)
    }
}

/// Analysis at work.
pub(crate) struct Analysis {
    analyzer: Analyzer,
    input: Input,
    /// `None` once its failure was told.
    saver: Option<Saver>,
    hub: Hub,
    recent: Arc<Recent>,
    telemetry: Arc<Telemetry>,
    part: Part,
    batch: TradeBatch,
    unsaved: Vec<Point>,
    /// How many of `unsaved` the hub has seen.
    told: usize,
    names: Vec<Arc<str>>,
    gaps: GapBook,
    /// Which symbols have to be shown anew.
    shown: Shown,
    /// There may be some.
    unshown: bool,
    since_shown: Stopwatch,
    saved_at: u64,
    /// What is read was received by an earlier process.
    catching_up: bool,
    since_saved: Stopwatch,
}

impl Analysis {
    /// Catches up with what is there already, so that windows are whole from the first moment.
    pub(crate) fn begin(context: Analyze) -> anyhow::Result<Self> {
        let Analyze {
            analyzer,
            input,
            saver,
            open_gap,
            hub,
            recent,
            telemetry,
            part,
        } = context;
        let position = analyzer.position();
        let mut analysis = Self {
            batch: TradeBatch::default(),
            unsaved: Vec::new(),
            told: 0,
            names: Vec::new(),
            gaps: GapBook::resume(open_gap),
            shown: Shown::default(),
            unshown: false,
            since_shown: Stopwatch::start(),
            saved_at: position,
            catching_up: true,
            since_saved: Stopwatch::start(),
            analyzer,
            input,
            saver: Some(saver),
            hub,
            recent,
            telemetry,
            part,
        };
        analysis.show_windows();
        analysis.take_names();
        if part.receives {
            analysis.show_feed_as_left();
        }
        while analysis.apply_some()? {
            analysis.save_if_due()?;
        }
        analysis.catching_up = false;
        Ok(analysis)
    }

    pub(crate) fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }

    /// Follows its input until `finish` is reached, then saves everything.
    pub(crate) fn run(mut self, finish: &Finish) -> anyhow::Result<()> {
        // Whole windows are there to be seen from the first moment on.
        self.show(true);
        self.hub.publish_ready();
        loop {
            let more = self.apply_some()?;
            self.show(false);
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

    /// Waits a little for more records, or until the live view is due.
    fn wait(&self, position: u64) -> anyhow::Result<()> {
        let wait = if self.unshown {
            self.hub.rows_due_in().clamp(MIN_WAIT, WAIT)
        } else {
            WAIT
        };
        self.input.wait(position, wait)
    }

    /// Applies the next records; false when there are no more.
    fn apply_some(&mut self) -> anyhow::Result<bool> {
        for _ in 0..MAX_RECORDS_AT_ONCE {
            if !self.apply_next()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn apply_next(&mut self) -> anyhow::Result<bool> {
        let Some(next) = self.input.next(&mut self.batch)? else {
            return Ok(false);
        };
        let (seq, record, before) = (next.seq, next.record, self.analyzer.counters());
        if record.is_none() && (self.catching_up || self.part.receives) {
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
                self.mark_all();
                // Where `collect` is in another process, the records are all that tells of it.
                if self.part.receives {
                    self.show_feed(change);
                }
                if let Some(gap) = self.gaps.note(seq, change).filter(|_| self.part.tells_gaps) {
                    self.recent.push_gap(gap.clone());
                    self.hub.publish_gap(gap);
                }
            }
            Record::Settings(_) => {
                self.show_windows();
                self.mark_all();
            }
            Record::Tick(_) => self.mark_aging(),
            Record::Trades(_) | Record::Watermark(_) => {}
        }
    }

    fn take_names(&mut self) {
        let known = self.names.len();
        if known == self.analyzer.symbol_count() {
            return;
        }
        let new = self.analyzer.symbols().skip(known);
        self.names.extend(new.map(|(_, name)| Arc::from(name)));
        self.shown.grow(self.names.len());
    }
}
