//! Group commit: a thread that owns the writer and makes one sync do for many appends.
//!
//! ```text
//! append ─▶ bounded queue ─▶ [ writer buffer ] ─▶ write + sync ─▶ durable end ─▶ readers
//!   blocks when full    after a rest
//! ```
//!
//! A lone append is committed at once: waiting for company that does not come would only make it
//! late. One that comes within `latency` of the last commit waits until that has passed, and what
//! is appended meanwhile shares its commit; so there is hardly more than one commit per `latency`,
//! and no append waits longer for its own. The rest ends early when `bytes` wait, when the queue is
//! full, or when somebody waits for durability; a ring that came too late for that ends the next.
//! The thread rests only when there is something to commit: with frames at a larger distance it
//! would wake up twice for each.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::bell::Bell;
use crate::error::Error;
use crate::frame::{self, FRAME_HEADER_BYTES};
use crate::shared::Shared;
use crate::writer::Writer;

/// When the next commit is begun: whichever is reached first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitBounds {
    /// The longest that an append waits for company: the least distance of two commits.
    pub latency: Duration,
    /// So many bytes need not wait.
    pub bytes: usize,
}

impl Default for CommitBounds {
    fn default() -> Self {
        CommitBounds {
            latency: Duration::from_millis(2),
            bytes: 1024 * 1024,
        }
    }
}

/// Appends from any thread; commits in its own.
#[derive(Debug)]
pub struct GroupCommit {
    shared: Arc<Shared>,
    bounds: CommitBounds,
    queue: Mutex<Queue>,
    waiting: Arc<Waiting>,
    thread: Option<JoinHandle<()>>,
}

/// Under one lock, so that sequence numbers are given in the order of the queue.
#[derive(Debug)]
struct Queue {
    /// `None` once closed.
    sender: Option<SyncSender<Append>>,
    next_seq: u64,
}

/// What the thread must know before it takes from the queue.
#[derive(Debug, Default)]
struct Waiting {
    /// Bytes that have been appended and are in no commit yet, taken from the queue or not.
    bytes: AtomicUsize,
    /// The durable end that somebody waits for. A ring can be used up by a rest before; this can't.
    wanted: AtomicU64,
    /// Rung when a commit shall not wait for the end of the rest.
    bell: Bell,
}

#[derive(Debug)]
struct Append {
    time: i64,
    count: u32,
    payload: Vec<u8>,
}

impl Append {
    fn bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.payload.len()
    }
}

impl GroupCommit {
    /// Takes over the writer. `queue_depth` appends may wait to be written before the next blocks.
    pub fn start(
        writer: Writer,
        bounds: CommitBounds,
        queue_depth: NonZeroUsize,
    ) -> Result<Self, Error> {
        let shared = Arc::clone(writer.shared());
        let (sender, receiver) = sync_channel(queue_depth.get());
        let queue = Mutex::new(Queue {
            sender: Some(sender),
            next_seq: writer.next_seq(),
        });
        let waiting = Arc::new(Waiting::default());
        let committer = Committer {
            writer,
            receiver,
            bounds,
            waiting: Arc::clone(&waiting),
            taken_bytes: 0,
            last: None,
        };
        let thread = thread::Builder::new()
            .name("log-commit".to_owned())
            .spawn(move || committer.run())
            .map_err(|source| Error::io("start a thread for", shared.storage.path(), source))?;
        Ok(GroupCommit {
            shared,
            bounds,
            queue,
            waiting,
            thread: Some(thread),
        })
    }

    /// Puts a frame of `count` records into the queue and returns its first sequence number. It is
    /// durable once the durable end has passed it. Blocks while the queue is full.
    pub fn append(&self, time: i64, count: u32, payload: Vec<u8>) -> Result<u64, Error> {
        frame::check(count, payload.len())?;
        let append = Append {
            time,
            count,
            payload,
        };
        let mut queue = self.queue();
        let bytes = append.bytes();
        let queued = self.waiting.bytes.fetch_add(bytes, Ordering::AcqRel);
        let is_enough = queued < self.bounds.bytes && queued + bytes >= self.bounds.bytes;
        let sender = queue.sender.as_ref().ok_or(Error::Closed)?;
        let sent = match sender.try_send(append) {
            Err(TrySendError::Full(append)) => {
                self.commit_now();
                sender.send(append).is_ok()
            }
            sent => sent.is_ok(),
        };
        if !sent {
            return Err(self.stopped());
        }
        // Order matters: rung before, the commit could leave out what made it due.
        if is_enough {
            self.commit_now();
        }
        let seq = queue.next_seq;
        queue.next_seq += u64::from(count);
        Ok(seq)
    }

    /// As [`GroupCommit::append`], and returns when the frame is durable.
    pub fn append_durable(&self, time: i64, count: u32, payload: Vec<u8>) -> Result<u64, Error> {
        let seq = self.append(time, count, payload)?;
        self.wait_committed(seq + u64::from(count))?;
        Ok(seq)
    }

    /// Makes all that was appended durable and returns the durable end.
    pub fn flush(&self) -> Result<u64, Error> {
        let end = self.queue().next_seq;
        self.wait_committed(end)?;
        Ok(self.shared.durable())
    }

    /// The sequence number that the next append will take.
    pub fn next_seq(&self) -> u64 {
        self.queue().next_seq
    }

    /// Bytes that have been appended and are in no commit yet.
    pub fn queued_bytes(&self) -> usize {
        self.waiting.bytes.load(Ordering::Acquire)
    }

    /// Commits what is queued, ends the thread, drops the writer and returns the durable end.
    pub fn close(mut self) -> Result<u64, Error> {
        let end = self.queue().next_seq;
        self.join();
        match self.shared.durable() {
            durable if durable >= end => Ok(durable),
            _ => Err(self.stopped()),
        }
    }

    fn wait_committed(&self, end: u64) -> Result<(), Error> {
        self.waiting.wanted.fetch_max(end, Ordering::AcqRel);
        self.commit_now();
        match end.checked_sub(1) {
            Some(last) => self.shared.wait_for(last, None).map(|_| ()),
            None => Ok(()),
        }
    }

    fn commit_now(&self) {
        self.waiting.bell.ring();
    }

    fn join(&mut self) {
        self.queue().sender = None;
        self.waiting.wanted.store(u64::MAX, Ordering::Release);
        self.commit_now();
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

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
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
    receiver: Receiver<Append>,
    bounds: CommitBounds,
    waiting: Arc<Waiting>,
    /// Bytes taken from the queue for the commit to come.
    taken_bytes: usize,
    /// The durable end after the last commit, and when that was.
    last: Option<(u64, Instant)>,
}

impl Committer {
    /// Ends when the queue is closed and drained, or when the log has stopped; the fault is kept
    /// where appends and waits find it.
    fn run(mut self) {
        while let Ok(first) = self.receiver.recv() {
            self.rest();
            match self.commit_with(&first) {
                Ok(end) => self.last = Some((end, now())),
                Err(_) => return,
            }
        }
    }

    /// Lets company gather, as long as the last commit is too close and nobody waits for the next.
    fn rest(&self) {
        let Some((end, committed)) = self.last else {
            return;
        };
        let left = self
            .bounds
            .latency
            .saturating_sub(now().duration_since(committed));
        let enough = self.waiting.bytes.load(Ordering::Acquire) >= self.bounds.bytes;
        let wanted = self.waiting.wanted.load(Ordering::Acquire) > end;
        if !(left.is_zero() || enough || wanted) {
            self.waiting.bell.wait(left);
        }
    }

    fn commit_with(&mut self, first: &Append) -> Result<u64, Error> {
        self.take(first)?;
        self.drain()?;
        let taken = std::mem::take(&mut self.taken_bytes);
        self.waiting.bytes.fetch_sub(taken, Ordering::AcqRel);
        self.writer.commit()
    }

    /// Takes what is queued, up to the byte bound.
    fn drain(&mut self) -> Result<(), Error> {
        while self.taken_bytes < self.bounds.bytes {
            match self.receiver.try_recv() {
                Ok(append) => self.take(&append)?,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        Ok(())
    }

    fn take(&mut self, append: &Append) -> Result<(), Error> {
        self.taken_bytes += append.bytes();
        self.writer
            .append(append.time, append.count, &append.payload)?;
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "only the distance of two commits depends on it, and nothing that is stored"
)]
fn now() -> Instant {
    Instant::now()
}
