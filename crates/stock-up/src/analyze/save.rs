//! When analysis saves, and what it lets go of then.

use std::time::Duration;

use stock_up_io::clock::Stopwatch;
use stock_up_log::{Error, Retention};

use super::saver::{NotTaken, Saver, Unit};
use super::{Analysis, LogRetention};

/// How often state and outputs are saved while there is something to save.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// Points that are held at most before saving is waited for.
const MAX_UNSAVED_POINTS: usize = 400_000;

impl Analysis {
    pub(super) fn save_if_due(&mut self) -> anyhow::Result<()> {
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

    pub(super) fn give(&mut self, unit: Unit) -> anyhow::Result<()> {
        match self.saver.as_ref().map(|saver| saver.give(unit)) {
            Some(Ok(())) => Ok(()),
            _ => self.save_failed(),
        }
    }

    /// Everything that is to be saved together.
    pub(super) fn unit(&mut self) -> Unit {
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

    pub(super) fn take_back(&mut self, unit: Unit) {
        self.shown = unit.points.len();
        self.unsaved = unit.points;
        self.gaps.put_back(unit.gaps);
        self.saved_at = 0;
    }

    /// Lets go of the oldest segments of the log that are not needed any more.
    pub(super) fn retain(&mut self) -> anyhow::Result<()> {
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
    pub(super) fn save_failed(&mut self) -> anyhow::Result<()> {
        self.saver.take().map_or(Ok(()), Saver::finish)?;
        anyhow::bail!("the store has stopped without an error")
    }
}
