//! What writer, readers and handles of one open log share.
//!
//! Invariant: `durable` is the sequence number after the last frame that is synced, and the lengths
//! of the segments say where those frames end. Both change together under the lock; only the writer
//! and recovery move them, and only forward.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, Fault};
use crate::index::Entry;
use crate::lock::DirLock;
use crate::log::Options;
use crate::segment::Segment;
use crate::storage::Storage;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) storage: Arc<dyn Storage>,
    /// The folder to lock for writing; `None` for storage that is not a folder.
    pub(crate) lock_dir: Option<PathBuf>,
    pub(crate) options: Options,
    /// A copy of `State::durable` that can be read without the lock.
    durable: AtomicU64,
    state: Mutex<State>,
    moved: Condvar,
}

/// The part under the lock.
#[derive(Debug)]
pub(crate) struct State {
    /// Oldest first; never empty while there is a writer. The last one is being written.
    pub(crate) segments: VecDeque<Arc<Segment>>,
    /// The sequence number after the last durable frame.
    pub(crate) durable: u64,
    /// Why there can be no more writing until the log is re-opened.
    pub(crate) fault: Option<Fault>,
    /// Somebody holds the [`Writer`](crate::Writer).
    pub(crate) has_writer: bool,
    /// Held as long as there is a writer.
    pub(crate) dir_lock: Option<DirLock>,
}

impl Shared {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        lock_dir: Option<PathBuf>,
        options: Options,
        state: State,
    ) -> Self {
        let durable = AtomicU64::new(state.durable);
        let (state, moved) = (Mutex::new(state), Condvar::new());
        Shared {
            storage,
            lock_dir,
            options,
            durable,
            state,
            moved,
        }
    }

    /// A panic elsewhere cannot leave the state half changed: every change is a few assignments.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Where the segment `name` is, for messages.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.storage.path().join(name)
    }

    /// Lets readers see what has just been synced: the active segment is durable up to `bytes`.
    pub(crate) fn publish(&self, durable: u64, bytes: u64, entry: Entry) {
        {
            let mut state = self.state();
            let active = state
                .segments
                .back()
                .expect("a log with a writer has a segment");
            active.set_bytes(bytes);
            active.index().note(entry);
            state.durable = durable;
            self.durable.store(durable, Ordering::Release);
        }
        self.notify(durable);
    }

    /// Replaces the state by what recovery has found.
    pub(crate) fn replace(&self, new: State) {
        let durable = new.durable;
        *self.state() = new;
        self.durable.store(durable, Ordering::Release);
        self.notify(durable);
    }

    fn notify(&self, durable: u64) {
        self.moved.notify_all();
        if let Some(on_durable) = &self.options.on_durable {
            on_durable(durable);
        }
    }

    /// Stops all writing. The first fault stays.
    pub(crate) fn stop(&self, fault: Fault) -> Error {
        let error = self.state().fault.get_or_insert(fault).to_error();
        self.notify(self.durable());
        error
    }

    /// What stopped the log.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.state().fault.clone()
    }

    /// The writer has gone; waiting for more is in vain.
    pub(crate) fn writer_dropped(&self) {
        {
            let mut state = self.state();
            state.has_writer = false;
            state.dir_lock = None;
        }
        self.notify(self.durable());
    }

    /// The error for whoever wants to write or waits for writing.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        self.state().check_writable()
    }

    /// Waits until `seq` is durable, for at most `timeout` if there is one. Returns the durable
    /// end.
    pub(crate) fn wait_for(&self, seq: u64, timeout: Option<Duration>) -> Result<u64, Error> {
        let waits = |state: &mut State| state.durable <= seq && state.check_writable().is_ok();
        let state = self.state();
        let state = match timeout {
            None => self
                .moved
                .wait_while(state, waits)
                .unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let waited = self.moved.wait_timeout_while(state, timeout, waits);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        if state.durable <= seq {
            state.check_writable()?;
        }
        Ok(state.durable)
    }
}

impl State {
    /// The error for whoever wants to write or waits for writing.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        match &self.fault {
            Some(fault) => Err(fault.to_error()),
            None if self.has_writer => Ok(()),
            None => Err(Error::Closed),
        }
    }

    /// Index of the segment that holds `seq`, or would if it is beyond the end.
    pub(crate) fn segment_of(&self, seq: u64) -> Result<Option<&Arc<Segment>>, Error> {
        let Some(first) = self.segments.front().map(|segment| segment.first_seq()) else {
            return Ok(None);
        };
        let after = self
            .segments
            .partition_point(|segment| segment.first_seq() <= seq);
        match after.checked_sub(1) {
            Some(index) => Ok(self.segments.get(index)),
            None => Err(Error::Gone { seq, first }),
        }
    }
}
