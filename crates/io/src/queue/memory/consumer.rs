//! The reading end of a queue in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::{Partition, Shared, broker};
use crate::queue::{Consumer, Event, Incoming, Place, QueueError, Start};

/// Reads messages from a [`super::MemoryQueue`].
#[derive(Debug)]
pub struct MemoryConsumer {
    shared: Arc<Shared>,
    generation: u64,
    /// Without it, the consumer is in no group.
    member: Option<u64>,
    /// What a consumer without group has to hear.
    events: VecDeque<Event>,
    /// Partitions that were started, with the next message of each.
    places: BTreeMap<u32, u64>,
    /// The partition that was served last, so that none waits for ever.
    last: u32,
}

impl MemoryConsumer {
    /// A member of the group, or a consumer by itself.
    pub(super) fn new(shared: &Arc<Shared>, generation: u64, member: Option<u64>) -> Self {
        Self {
            shared: Arc::clone(shared),
            generation,
            member,
            events: VecDeque::new(),
            places: BTreeMap::new(),
            last: 0,
        }
    }

    /// The same, with these events to hear.
    pub(super) fn hearing(mut self, events: impl Iterator<Item = Event>) -> Self {
        self.events.extend(events);
        self
    }

    fn poll(&mut self) -> Result<Option<Event>, QueueError> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        state.check(self.generation)?;
        let events = self
            .member
            .and_then(|member| state.members.get_mut(&member));
        if let Some(event) = events.unwrap_or(&mut self.events).pop_front() {
            if let Event::Revoked(partition) = event {
                self.places.remove(&partition);
            }
            return Ok(Some(event));
        }
        let (upper, lower) = (
            self.places.range(self.last + 1..),
            self.places.range(..=self.last),
        );
        for (&number, &at) in upper.chain(lower) {
            let Some(partition) = state.partition(number) else {
                continue;
            };
            if partition.leaving {
                continue;
            }
            reachable(number, partition, at)?;
            if let Some(payload) = partition.get(at) {
                let payload = payload.clone();
                self.last = number;
                self.places.insert(number, at + 1);
                return Ok(Some(Event::Message(Incoming {
                    partition: number,
                    next: Place(at + 1),
                    payload,
                })));
            }
        }
        Ok(None)
    }
}

fn reachable(number: u32, partition: &Partition, at: u64) -> Result<(), QueueError> {
    if at < partition.first {
        return Err(QueueError::Overtaken {
            broker: broker(),
            partition: number,
            wanted: at,
            first: partition.first,
        });
    }
    if at > partition.end() {
        return Err(QueueError::Misconfigured {
            broker: broker(),
            reason: format!(
                "partition {number} ends at {}, but {at} was read of it before",
                partition.end()
            ),
        });
    }
    Ok(())
}

impl Consumer for MemoryConsumer {
    async fn next(&mut self) -> Result<Event, QueueError> {
        let shared = Arc::clone(&self.shared);
        loop {
            // Order matters: who listens before looking misses nothing.
            let changed = shared.changed.notified();
            if let Some(event) = self.poll()? {
                return Ok(event);
            }
            changed.await;
        }
    }

    async fn start(&mut self, partition: u32, start: Start) -> Result<(), QueueError> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        state.check(self.generation)?;
        let Some(found) = state.partition(partition) else {
            return Ok(());
        };
        // Revoked meanwhile: the event is on its way.
        if self.member.is_some() && (found.owner != self.member || found.leaving) {
            return Ok(());
        }
        let at = match start {
            Start::Oldest => found.first,
            Start::At(place) => place.0,
        };
        reachable(partition, found, at)?;
        self.places.insert(partition, at);
        Ok(())
    }

    async fn saved(&mut self, partition: u32, place: Place) -> Result<(), QueueError> {
        let mut state = self.shared.lock();
        state.check(self.generation)?;
        if let Some(found) = state.partition(partition) {
            found.saved = found.saved.max(Some(place));
        }
        Ok(())
    }

    async fn release(&mut self, partition: u32) -> Result<(), QueueError> {
        let mut state = self.shared.lock();
        state.check(self.generation)?;
        let member = self.member;
        if let Some(found) = state.partition(partition)
            && found.leaving
            && found.owner == member
        {
            (found.owner, found.leaving) = (None, false);
            state.share_out();
        }
        drop(state);
        self.shared.changed.notify_waiters();
        Ok(())
    }
}

impl Drop for MemoryConsumer {
    fn drop(&mut self) {
        let Some(member) = self.member else { return };
        let mut state = self.shared.lock();
        if state.generation == self.generation {
            state.leave(member);
        }
        drop(state);
        self.shared.changed.notify_waiters();
    }
}
