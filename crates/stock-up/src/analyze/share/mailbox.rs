//! Between the thread that saves and the one that shares: the newest checkpoint alone.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stock_up_io::checkpoint::{CheckpointError, SharedCheckpoint};

/// What is to be shared next, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) next: Option<SharedCheckpoint>,
    /// Nothing more will come.
    pub(super) ending: bool,
    /// Another analyzer has taken over.
    pub(super) fenced: Option<CheckpointError>,
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    slot: Mutex<Slot>,
    pub(super) changed: Condvar,
}

impl Mailbox {
    pub(super) fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a checkpoint; `None` when the end has come.
    pub(super) fn take(&self) -> Option<SharedCheckpoint> {
        let mut slot = self.lock();
        loop {
            if let Some(next) = slot.next.take() {
                return Some(next);
            }
            if slot.ending {
                return None;
            }
            let waited = self.changed.wait(slot);
            slot = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits before the next try; a newer checkpoint takes the place of `held`.
    pub(super) fn pause(&self, time: Duration, held: &mut SharedCheckpoint) -> bool {
        let slot = self.lock();
        let waited = self
            .changed
            .wait_timeout_while(slot, time, |slot| !slot.ending);
        let (mut slot, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(newer) = slot.next.take() {
            *held = newer;
        }
        slot.ending
    }
}
