//! Where appends gather until the thread of the group commit takes them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::batch::Batch;
use crate::group_commit::CommitBounds;

/// What appends and the thread share.
#[derive(Debug)]
pub(crate) struct Pending {
    bounds: CommitBounds,
    /// A segment of this size takes no more.
    segment_bytes: u64,
    queue: Mutex<Queue>,
    /// For the thread: there is something to do.
    due: Condvar,
    /// For appends: there is room, or the thread has ended.
    room: Condvar,
}

/// Under one lock.
#[derive(Debug)]
struct Queue {
    /// Sequence numbers are given in its order.
    batch: Batch,
    /// The durable end that somebody waits for.
    wanted: u64,
    /// Appends that found no room.
    blocked: usize,
    /// No append comes any more.
    closed: bool,
    thread: Waits,
}

/// What the thread waits for: it is woken for nothing else, because each time costs a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// The device, or its turn: it looks at the queue next.
    Busy,
    /// An append.
    Append,
    /// The end of its rest.
    Rest,
    /// It has ended.
    Gone,
}

impl Queue {
    /// Notes that the thread will look; whether it has to be woken for that.
    fn must_wake(&mut self) -> bool {
        let waits = matches!(self.thread, Waits::Append | Waits::Rest);
        if waits {
            self.thread = Waits::Busy;
        }
        waits
    }
}

impl Pending {
    pub(crate) fn new(bounds: CommitBounds, segment_bytes: u64, batch: Batch) -> Self {
        Pending {
            bounds,
            segment_bytes,
            queue: Mutex::new(Queue {
                batch,
                wanted: 0,
                blocked: 0,
                closed: false,
                thread: Waits::Busy,
            }),
            due: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// Adds a frame to the batch to come, waiting for room. `None` once the thread has ended.
    pub(crate) fn append(&self, time: i64, sizes: (u32, u32), payload: &[u8]) -> Option<u64> {
        let mut queue = self.with_room(payload.len());
        if queue.thread == Waits::Gone {
            return None;
        }
        let bytes_before = queue.batch.bytes().len();
        let seq = queue.batch.append(time, sizes, payload);
        let reaches_bound =
            bytes_before < self.bounds.bytes && queue.batch.bytes().len() >= self.bounds.bytes;
        if queue.thread == Waits::Append || reaches_bound {
            self.wake(queue);
        }
        Some(seq)
    }

    /// The sequence number that the next append will take.
    pub(crate) fn next_seq(&self) -> u64 {
        self.queue().batch.next_seq()
    }

    /// Waits until a payload of so many bytes fits, or the thread has ended.
    fn with_room(&self, payload_bytes: usize) -> MutexGuard<'_, Queue> {
        let mut queue = self.queue();
        let most = self.bounds.most_bytes;
        while queue.thread != Waits::Gone && !queue.batch.has_room(payload_bytes, most) {
            queue.blocked += 1;
            if queue.must_wake() {
                self.due.notify_one();
            }
            let waited = self.room.wait(queue);
            queue = waited.unwrap_or_else(PoisonError::into_inner);
            queue.blocked -= 1;
        }
        queue
    }

    /// Somebody waits until this is the durable end.
    pub(crate) fn want(&self, end: u64) {
        let mut queue = self.queue();
        queue.wanted = queue.wanted.max(end);
        self.wake(queue);
    }

    /// Nothing will be appended any more.
    pub(crate) fn close(&self) {
        let mut queue = self.queue();
        queue.closed = true;
        self.wake(queue);
    }

    /// Wakes the thread, once the lock is free: it takes that first.
    fn wake(&self, mut queue: MutexGuard<'_, Queue>) {
        let must_wake = queue.must_wake();
        drop(queue);
        if must_wake {
            self.due.notify_one();
        }
    }

    /// Takes the next batch once it is due, and begins the one after it in `memory`. `None` when
    /// there will be none. `last` is when the commit before was.
    pub(crate) fn next(&self, last: Option<Instant>, memory: Vec<u8>) -> Option<Batch> {
        let mut queue = self.queue();
        while queue.batch.is_empty() {
            if queue.closed {
                return None;
            }
            queue.thread = Waits::Append;
            queue = self.due.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        while let Some(left) = last.and_then(|last| self.rest(&queue, last)) {
            queue.thread = Waits::Rest;
            let waited = self.due.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.thread = Waits::Busy;
        let following = queue.batch.following(self.segment_bytes, memory);
        if queue.blocked > 0 {
            self.room.notify_all();
        }
        Some(std::mem::replace(&mut queue.batch, following))
    }

    /// How much longer company may gather: as long as the last commit is too close and nobody waits
    /// for the next.
    fn rest(&self, queue: &Queue, last: Instant) -> Option<Duration> {
        let is_due = queue.closed
            || queue.blocked > 0
            || queue.wanted > queue.batch.first_seq()
            || queue.batch.bytes().len() >= self.bounds.bytes;
        if is_due {
            return None;
        }
        let passed = now().duration_since(last);
        self.bounds
            .latency
            .checked_sub(passed)
            .filter(|left| !left.is_zero())
    }

    /// The thread takes no more.
    pub(crate) fn thread_ended(&self) {
        self.queue().thread = Waits::Gone;
        self.room.notify_all();
    }

    /// A panic elsewhere cannot leave the queue half changed: frames are added by one call.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "only the distance of two commits depends on it, and nothing that is stored"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
