//! Group commit: a thread that owns the writer and makes one sync do for many appends.
//!
//! ```text
//! append ─▶ [ batch to come ] ─▶ write + sync ─▶ durable end ─▶ readers
//!   blocks when full     after a rest
//! ```
//!
//! Appends are encoded into the batch to come by whoever makes them, while the thread waits for the
//! device with the batch before; then it takes all that there is.
//!
//! A lone append is committed at once: waiting for company that does not come would only make it
//! late. One that comes within `latency` of the last commit waits until that has passed, and what
//! is appended meanwhile shares its commit; so there is hardly more than one commit per `latency`,
//! and no append waits longer for its own. The rest ends early when `bytes` wait, when an append
//! finds no room, or when somebody asks for durability. The thread rests only when there is
//! something to commit: with frames at a larger distance it would wake up twice for each.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::frame;
use crate::pending::{Pending, now};
use crate::shared::Shared;
use crate::writer::Writer;

/// When the next commit is begun, whichever is reached first, and how much may wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitBounds {
    /// The longest that an append waits for company: the least distance of two commits.
    pub latency: Duration,
    /// So many bytes need not wait.
    pub bytes: usize,
    /// An append that would make it more bytes than this blocks until they are being written. A
    /// frame that is larger waits alone.
    pub most_bytes: usize,
}

impl Default for CommitBounds {
    fn default() -> Self {
        CommitBounds {
            latency: Duration::from_millis(2),
            bytes: 1024 * 1024,
            most_bytes: 4 * 1024 * 1024,
        }
    }
}

/// Appends from any thread; commits in its own.
#[derive(Debug)]
pub struct GroupCommit {
    shared: Arc<Shared>,
    pending: Arc<Pending>,
    thread: Option<JoinHandle<()>>,
}

impl GroupCommit {
    /// Takes over the writer.
    pub fn start(mut writer: Writer, bounds: CommitBounds) -> Result<Self, Error> {
        let shared = Arc::clone(writer.shared());
        let segment_bytes = shared.options.segment_bytes;
        let pending = Arc::new(Pending::new(bounds, segment_bytes, writer.begin()));
        let committer = Committer {
            writer,
            pending: Arc::clone(&pending),
            last: None,
            memory: Vec::new(),
        };
        let thread = thread::Builder::new()
            .name("log-commit".to_owned())
            .spawn(move || committer.run())
            .map_err(|source| Error::io("start a thread for", shared.storage.path(), source))?;
        Ok(GroupCommit {
            shared,
            pending,
            thread: Some(thread),
        })
    }

    /// Appends a frame of `count` records and returns its first sequence number. It is durable once
    /// the durable end has passed it. Blocks while there is no room.
    pub fn append(&self, time: i64, count: u32, payload: &[u8]) -> Result<u64, Error> {
        let len = frame::check(count, payload.len())?;
        let appended = self.pending.append(time, (count, len), payload);
        appended.ok_or_else(|| self.stopped())
    }

    /// As [`GroupCommit::append`], and returns when the frame is durable.
    pub fn append_durable(&self, time: i64, count: u32, payload: &[u8]) -> Result<u64, Error> {
        let seq = self.append(time, count, payload)?;
        self.wait_committed(seq + u64::from(count))?;
        Ok(seq)
    }

    /// Makes all that was appended durable and returns the durable end.
    pub fn flush(&self) -> Result<u64, Error> {
        self.wait_committed(self.next_seq())?;
        Ok(self.shared.durable())
    }

    /// Ends the rest before the commit of what was appended, and waits for nothing. Returns the
    /// durable end that this commit will reach.
    pub fn commit_soon(&self) -> u64 {
        let end = self.next_seq();
        self.pending.want(end);
        end
    }

    /// The sequence number that the next append will take.
    pub fn next_seq(&self) -> u64 {
        self.pending.next_seq()
    }

    /// Commits what is queued, ends the thread, drops the writer and returns the durable end.
    pub fn close(mut self) -> Result<u64, Error> {
        let end = self.next_seq();
        self.join();
        match self.shared.durable() {
            durable if durable >= end => Ok(durable),
            _ => Err(self.stopped()),
        }
    }

    fn wait_committed(&self, end: u64) -> Result<(), Error> {
        self.pending.want(end);
        match end.checked_sub(1) {
            Some(last) => self.shared.wait_for(last, None).map(|_| ()),
            None => Ok(()),
        }
    }

    fn join(&mut self) {
        self.pending.close();
        if let Some(thread) = self.thread.take() {
            // The writer is dropped also by a panic, so nobody waits for ever; the panic itself has
            // been reported by the thread.
            thread.join().ok();
        }
    }

    /// Why the thread has ended.
    fn stopped(&self) -> Error {
        self.shared
            .fault()
            .map_or(Error::Closed, |fault| fault.to_error())
    }
}

impl Drop for GroupCommit {
    fn drop(&mut self) {
        self.join();
    }
}

/// What the thread owns.
#[derive(Debug)]
struct Committer {
    writer: Writer,
    pending: Arc<Pending>,
    /// When the last commit was.
    last: Option<Instant>,
    /// Memory of the last batch.
    memory: Vec<u8>,
}

impl Committer {
    /// Ends when the queue is closed and empty, or when the log has stopped; the fault is kept
    /// where appends and waits find it.
    fn run(mut self) {
        loop {
            let memory = std::mem::take(&mut self.memory);
            let Some(batch) = self.pending.next(self.last, memory) else {
                return;
            };
            if self.writer.write(&batch).is_err() {
                return;
            }
            self.last = Some(now());
            self.memory = batch.into_memory();
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.pending.thread_ended();
    }
}
