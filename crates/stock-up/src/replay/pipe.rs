//! A bounded pipe between two threads; what has been taken goes back and is filled again.
//!
//! So nothing is allocated per load in the steady state, and a slow end holds up the other.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{panic, thread};

use anyhow::{Context, anyhow};

use crate::failure::Outcome;

/// Loads that are under way between the two threads.
const LOADS_AHEAD: usize = 4;

/// The end that is filled.
#[derive(Debug)]
pub(super) struct Outlet<T> {
    full: SyncSender<Outcome<T>>,
    free: Receiver<T>,
}

impl<T: Default> Outlet<T> {
    /// A load to be filled: a new one, or one that has been taken, with what was in it.
    pub(super) fn load(&self) -> T {
        self.free.try_recv().unwrap_or_default()
    }

    /// Waits for room. An error means that nobody takes loads any more, and is told to nobody.
    pub(super) fn put(&self, load: T) -> Outcome {
        let gone = |_| anyhow!("nobody takes what is read any more");
        Ok(self.full.send(Ok(load)).map_err(gone)?)
    }
}

/// Does `fill` on a thread of its own and `take` with each load on this one, until all is taken or one
/// of the two fails.
pub(super) fn run<T: Default + Send + 'static>(
    name: &str,
    fill: impl FnOnce(&Outlet<T>) -> Outcome + Send + 'static,
    mut take: impl FnMut(&T) -> Outcome,
) -> Outcome {
    let (full, loads) = sync_channel(LOADS_AHEAD);
    let (give_back, free) = sync_channel(LOADS_AHEAD + 2);
    let outlet = Outlet { full, free };
    let thread = thread::Builder::new().name(name.to_owned());
    let filling = thread.spawn(move || {
        if let Err(failure) = fill(&outlet) {
            // If nobody listens, the other end has failed first.
            drop(outlet.full.send(Err(failure)));
        }
    });
    let filling = filling.context("cannot start a thread")?;
    for load in loads {
        let load = load?;
        take(&load)?;
        // When it is full there are enough loads on the way.
        drop(give_back.try_send(load));
    }
    // After a failure above nobody waits: the thread may be blocked on standard input.
    filling
        .join()
        .unwrap_or_else(|payload| panic::resume_unwind(payload));
    Ok(())
}
