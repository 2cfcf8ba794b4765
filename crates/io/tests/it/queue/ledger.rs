//! Messages that know their number, and a reader that checks them as the analyzer would.

use std::collections::BTreeMap;

use stock_up_io::queue::{Consumer, Event, Incoming, Outgoing, Place, QueueError, Start};

/// The message with number `seq` of a partition.
pub(crate) fn message(partition: u32, seq: u64) -> Outgoing {
    sized(partition, seq, 64)
}

/// The same with a payload of so many bytes.
pub(crate) fn sized(partition: u32, seq: u64, bytes: usize) -> Outgoing {
    let mut payload = seq.to_be_bytes().to_vec();
    // Text that is not the same everywhere, so that a wrong cut is seen.
    payload.extend((payload.len()..bytes).map(|at| u8::try_from(at % 251).unwrap()));
    Outgoing {
        partition,
        first_seq: seq,
        end_seq: seq + 1,
        key: Some(format!("KEY{partition}")),
        payload,
    }
}

/// The number of a message that came back.
pub(crate) fn number(incoming: &Incoming) -> u64 {
    let head: [u8; 8] = incoming.payload[..8].try_into().unwrap();
    u64::from_be_bytes(head)
}

/// Applies the next number, drops lower ones, panics at a hole: what the analyzer does.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// Per partition the number that comes next and the place after the last message.
    pub(crate) applied: BTreeMap<u32, (u64, Option<Place>)>,
    /// The same at the last [`Reader::save`].
    pub(crate) saved: BTreeMap<u32, (u64, Option<Place>)>,
    pub(crate) duplicates: u64,
}

impl Reader {
    /// Reads until each of `ends` (partition, count of messages) is reached.
    pub(crate) async fn read_to<C: Consumer>(&mut self, consumer: &mut C, ends: &[(u32, u64)]) {
        while !self.has(ends) {
            self.step(consumer).await.unwrap();
        }
    }

    /// Whether each of `ends` is reached.
    pub(crate) fn has(&self, ends: &[(u32, u64)]) -> bool {
        ends.iter().all(|(partition, end)| {
            let applied = self.applied.get(partition);
            applied.is_some_and(|(next, _)| next >= end) || *end == 0
        })
    }

    /// Takes one event and does what the analyzer does with it.
    pub(crate) async fn step<C: Consumer>(&mut self, consumer: &mut C) -> Result<(), QueueError> {
        match consumer.next().await? {
            Event::Assigned(partition) => {
                let saved = self.saved.get(&partition).copied().unwrap_or_default();
                self.applied.insert(partition, saved);
                consumer.start(partition, start(saved.1)).await
            }
            Event::Revoked(partition) => {
                self.save(consumer, partition).await?;
                self.applied.remove(&partition);
                consumer.release(partition).await
            }
            Event::Message(incoming) => {
                self.apply(&incoming);
                Ok(())
            }
        }
    }

    /// Applies a message, or drops it as one that was there before.
    pub(crate) fn apply(&mut self, incoming: &Incoming) {
        let partition = incoming.partition;
        let (next, place) = self
            .applied
            .get_mut(&partition)
            .unwrap_or_else(|| panic!("a message of partition {partition}, which is not ours"));
        let number = number(incoming);
        assert!(
            number <= *next,
            "hole in {partition}: {number} after {next}"
        );
        *place = Some(incoming.next);
        if number < *next {
            self.duplicates += 1;
        } else {
            *next += 1;
        }
    }

    /// Saves the state of a partition and says so.
    pub(crate) async fn save<C: Consumer>(
        &mut self,
        consumer: &mut C,
        partition: u32,
    ) -> Result<(), QueueError> {
        let state = self.applied[&partition];
        self.saved.insert(partition, state);
        match state.1 {
            Some(place) => consumer.saved(partition, place).await,
            None => Ok(()),
        }
    }

    /// Saves every partition.
    pub(crate) async fn save_all<C: Consumer>(&mut self, c: &mut C) -> Result<(), QueueError> {
        for partition in self.applied.keys().copied().collect::<Vec<_>>() {
            self.save(c, partition).await?;
        }
        Ok(())
    }
}

/// Where to begin after a saved place.
pub(crate) fn start(place: Option<Place>) -> Start {
    place.map_or(Start::Oldest, Start::At)
}
