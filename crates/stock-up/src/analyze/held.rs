//! A checkpoint that is shared once the sinks have what was emitted before it.
//!
//! Another machine that goes on from it never emits those points again, and it does not have them:
//! shared too early, a point that a sink had not taken yet would be missing there for ever.

use std::time::Duration;

use stock_up_io::checkpoint::SharedCheckpoint;
use stock_up_io::clock::Stopwatch;

use super::recent::Recent;
use super::share::Sharer;

/// How long the end waits for the sinks.
const END_TIME: Duration = Duration::from_secs(3);

/// Distance of looks at the sinks while the end waits.
const END_LOOK: Duration = Duration::from_millis(10);

/// The newest checkpoint that is not shared yet, and whom to give it to.
#[derive(Debug)]
pub(super) struct Held<'a> {
    sharer: &'a Sharer,
    next: Option<SharedCheckpoint>,
}

impl<'a> Held<'a> {
    pub(super) fn new(sharer: &'a Sharer) -> Self {
        Self { sharer, next: None }
    }

    /// Takes a checkpoint that is saved here.
    pub(super) fn take(
        &mut self,
        checkpoint: SharedCheckpoint,
        recent: &Recent,
    ) -> anyhow::Result<()> {
        // The one before may be due by now; the new one seldom is at once.
        self.look(recent)?;
        self.next = Some(checkpoint);
        self.look(recent)
    }

    /// Shares what the sinks have caught up with.
    pub(super) fn look(&mut self, recent: &Recent) -> anyhow::Result<()> {
        self.sharer.check()?;
        let cursors = recent.cursors();
        let is_due = |held: &mut SharedCheckpoint| {
            cursors
                .iter()
                .all(|(_, cursor)| *cursor >= held.next_emission)
        };
        match self.next.take_if(is_due) {
            Some(due) => self.sharer.offer(due),
            None => Ok(()),
        }
    }

    /// Waits a little for the sinks; what they do not take until then is not shared.
    pub(super) fn end(mut self, recent: &Recent) -> anyhow::Result<()> {
        let watch = Stopwatch::start();
        loop {
            self.look(recent)?;
            if self.next.is_none() || watch.elapsed() >= END_TIME {
                return Ok(());
            }
            std::thread::park_timeout(END_LOOK);
        }
    }
}
