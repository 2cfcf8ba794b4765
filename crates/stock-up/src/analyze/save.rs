//! When analysis saves, and what it lets go of then.

use std::time::Duration;

use super::Analysis;
use super::saver::{NotTaken, Saver, Unit};
use stock_up_io::clock::Stopwatch;

/// How often state and outputs are saved while there is something to save. A start reads again what
/// came since; saving writes the state of all windows, however little has changed.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// Points that are held at most before saving is waited for.
const MAX_UNSAVED_POINTS: usize = 400_000;

impl Analysis {
    pub(super) fn save_if_due(&mut self) -> anyhow::Result<()> {
        let full = self.unsaved.len() >= MAX_UNSAVED_POINTS;
        let is_news = self.analyzer.position() > self.saved_at;
        // Messages that bring nothing new have to be acknowledged as well.
        let awaited = self.input.awaits_saving();
        let due = full || awaited || (is_news && self.since_saved.elapsed() >= SAVE_EVERY);
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
        if let Some(origin) = self.input.origin() {
            origin.encode(&mut state);
        }
        analyzer.checkpoint(&mut state);
        self.saved_at = analyzer.position();
        self.told = 0;
        Unit {
            position: analyzer.position(),
            time: analyzer.log_time(),
            state,
            points: std::mem::take(&mut self.unsaved),
            gaps: self.gaps.take_unsaved(),
            next_emission: analyzer.counters().points,
            names: self.names.clone(),
            saved: self.input.begin_saving(),
        }
    }

    pub(super) fn take_back(&mut self, unit: Unit) {
        self.told = unit.points.len();
        self.unsaved = unit.points;
        self.gaps.put_back(unit.gaps);
        self.saved_at = 0;
    }

    /// Lets go of what the input holds and nobody needs any more.
    pub(super) fn retain(&mut self) -> anyhow::Result<()> {
        Ok(self.input.retain(self.analyzer.log_time())?)
    }

    /// The thread that saves has ended early: its error is the reason.
    pub(super) fn save_failed(&mut self) -> anyhow::Result<()> {
        self.saver.take().map_or(Ok(()), Saver::finish)?;
        anyhow::bail!("the store has stopped without an error")
    }
}
