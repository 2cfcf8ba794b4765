//! A queue in memory: the second implementation of the seam, for tests of what is around it.
//!
//! It keeps history, has any number of partitions, hands them over within one group, and fails on
//! request: connections are cut, confirmations are lost, old messages are forgotten.

mod consumer;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use super::{Event, Outgoing, Place, Producer, QueueError};
pub use consumer::MemoryConsumer;

/// Messages that a partition holds; more push out the oldest, as retention does.
const KEPT_MESSAGES: usize = 1 << 20;

/// The broker; its clones are the same one.
#[derive(Debug, Clone)]
pub struct MemoryQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    partitions: Vec<Partition>,
    /// Members of the group in the order in which they joined, with the events they have to hear.
    members: BTreeMap<u64, VecDeque<Event>>,
    next_member: u64,
    /// Connections of an earlier generation are cut.
    generation: u64,
    /// After so many more messages confirmations are lost.
    confirms: Option<usize>,
}

#[derive(Debug, Default)]
struct Partition {
    first: u64,
    messages: VecDeque<Vec<u8>>,
    owner: Option<u64>,
    /// The owner has been told to let go.
    leaving: bool,
    saved: Option<Place>,
}

impl Partition {
    fn end(&self) -> u64 {
        self.first + self.messages.len() as u64
    }

    fn forget(&mut self, before: u64) {
        while self.first < before && self.messages.pop_front().is_some() {
            self.first += 1;
        }
    }

    fn get(&self, at: u64) -> Option<&Vec<u8>> {
        let index = usize::try_from(at.checked_sub(self.first)?).ok()?;
        self.messages.get(index)
    }
}

impl MemoryQueue {
    /// An empty queue.
    pub fn new(partitions: u32) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                partitions: (0..partitions.max(1))
                    .map(|_| Partition::default())
                    .collect(),
                members: BTreeMap::new(),
                next_member: 0,
                generation: 0,
                confirms: None,
            }),
            changed: Notify::new(),
        }))
    }

    /// A new producer.
    pub fn producer(&self) -> MemoryProducer {
        let state = self.0.lock();
        MemoryProducer {
            partitions: state.partitions.len().try_into().unwrap_or(u32::MAX),
            generation: state.generation,
            shared: Arc::clone(&self.0),
        }
    }

    /// A new member of the group: partitions are shared out among all members.
    pub fn group_consumer(&self) -> MemoryConsumer {
        let mut state = self.0.lock();
        let member = state.next_member;
        state.next_member += 1;
        state.members.insert(member, VecDeque::new());
        state.share_out();
        let consumer = MemoryConsumer::new(&self.0, state.generation, Some(member));
        drop(state);
        self.0.changed.notify_waiters();
        consumer
    }

    /// A consumer of every partition, by itself.
    pub fn whole_consumer(&self) -> MemoryConsumer {
        let state = self.0.lock();
        let all = (0..).take(state.partitions.len()).map(Event::Assigned);
        MemoryConsumer::new(&self.0, state.generation, None).hearing(all)
    }

    /// Cuts every producer and consumer that there is; what is stored stays.
    pub fn cut(&self) {
        let mut state = self.0.lock();
        state.generation += 1;
        state.members.clear();
        for partition in &mut state.partitions {
            (partition.owner, partition.leaving) = (None, false);
        }
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// After `messages` more, everything is cut once: they are stored, but not confirmed.
    pub fn lose_confirms_after(&self, messages: usize) {
        self.0.lock().confirms = Some(messages);
    }

    /// Forgets what a partition holds before `place`, as retention does.
    pub fn forget(&self, partition: u32, place: Place) {
        if let Some(partition) = self.0.lock().partition(partition) {
            partition.forget(place.0);
        }
    }

    /// What was last said to be saved of a partition.
    pub fn saved(&self, partition: u32) -> Option<Place> {
        self.0.lock().partition(partition)?.saved
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it holds the lock")
    }
}

impl State {
    fn partition(&mut self, partition: u32) -> Option<&mut Partition> {
        self.partitions.get_mut(usize::try_from(partition).ok()?)
    }

    /// Gives every partition to the member whose turn it is; who has it now must let go first.
    fn share_out(&mut self) {
        let members: Vec<u64> = self.members.keys().copied().collect();
        if members.is_empty() {
            return;
        }
        for (number, partition) in (0_u32..).zip(&mut self.partitions) {
            let wanted = members[number as usize % members.len()];
            let told = match partition.owner {
                None => {
                    partition.owner = Some(wanted);
                    Some((wanted, Event::Assigned(number)))
                }
                Some(owner) if owner != wanted && !partition.leaving => {
                    partition.leaving = true;
                    Some((owner, Event::Revoked(number)))
                }
                Some(_) => None,
            };
            if let Some((member, event)) = told
                && let Some(events) = self.members.get_mut(&member)
            {
                events.push_back(event);
            }
        }
    }

    fn leave(&mut self, member: u64) {
        self.members.remove(&member);
        for partition in &mut self.partitions {
            if partition.owner == Some(member) {
                (partition.owner, partition.leaving) = (None, false);
            }
        }
        self.share_out();
    }

    /// Counts a message that was stored; whether it is the one after which all is cut.
    fn confirmation_is_lost(&mut self) -> bool {
        self.confirms = self.confirms.map(|left| left.saturating_sub(1));
        self.confirms.take_if(|left| *left == 0).is_some()
    }

    fn check(&self, generation: u64) -> Result<(), QueueError> {
        if self.generation == generation {
            Ok(())
        } else {
            Err(lost("the connection was cut"))
        }
    }
}

fn lost(reason: &str) -> QueueError {
    QueueError::Lost {
        broker: broker(),
        reason: reason.to_owned(),
    }
}

fn broker() -> String {
    "queue in memory".to_owned()
}

/// Puts messages into a [`MemoryQueue`].
#[derive(Debug)]
pub struct MemoryProducer {
    shared: Arc<Shared>,
    partitions: u32,
    generation: u64,
}

impl Producer for MemoryProducer {
    fn partitions(&self) -> u32 {
        self.partitions
    }

    async fn publish(&mut self, messages: &[Outgoing]) -> Result<(), QueueError> {
        let (shared, generation) = (Arc::clone(&self.shared), self.generation);
        let mut state = shared.lock();
        for message in messages {
            state.check(generation)?;
            let Some(partition) = state.partition(message.partition) else {
                return Err(QueueError::Misconfigured {
                    broker: broker(),
                    reason: format!("there is no partition {}", message.partition),
                });
            };
            partition.messages.push_back(message.payload.clone());
            let end = partition.end();
            partition.forget(end.saturating_sub(KEPT_MESSAGES as u64));
            if state.confirmation_is_lost() {
                drop(state);
                MemoryQueue(Arc::clone(&shared)).cut();
                return Err(lost("the confirmation was lost"));
            }
        }
        let sound = state.check(generation);
        drop(state);
        shared.changed.notify_waiters();
        sound
    }
}
