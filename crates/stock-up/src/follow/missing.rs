//! Records that the queue should have brought and did not.
//!
//! Where the broker lets go of what it delivered, whoever has the log is asked to send them again.
//! Where it keeps them, they are gone from it, and a person must publish them again: until then the
//! partition waits, and says so.

use std::collections::{BTreeMap, BTreeSet};

use stock_up_io::queue::{QueueError, Start};

use crate::hub::Hub;
use crate::queue::{Queue, QueueConsumer};

/// What is missing of the partitions of this process.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// From where on partitions asked for records to be sent again.
    asked: BTreeMap<u32, u64>,
    /// Partitions whose place is gone from the broker.
    overtaken: BTreeSet<u32>,
}

impl Missing {
    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// The broker no longer has the place at which a partition would go on: what is left of it is
    /// looked through for records that are published again.
    pub(super) fn overtaken(&mut self, partition: u32) {
        self.overtaken.insert(partition);
    }

    /// Where to begin to read a partition that would go on at `known`.
    pub(super) fn start(&self, partition: u32, known: Start) -> Start {
        if self.overtaken.contains(&partition) {
            return Start::Oldest;
        }
        known
    }

    /// Asks for the records from `wanted` on, or waits for a person.
    ///
    /// # Errors
    /// If the broker is lost.
    pub(super) async fn ask(
        &mut self,
        consumer: &mut QueueConsumer,
        (partition, wanted): (u32, u64),
        (queue, hub): (&Queue, &Hub),
    ) -> Result<(), QueueError> {
        if self.asked.get(&partition) == Some(&wanted) {
            // On their way.
            return Ok(());
        }
        if consumer.ask_rewind(wanted).await? {
            tracing::warn!(
                partition,
                from = wanted,
                "asked for records to be sent again"
            );
        } else {
            let told = hole(queue, partition, wanted);
            tracing::error!("{told}");
            hub.publish_not_ready(&told);
        }
        self.asked.insert(partition, wanted);
        Ok(())
    }

    /// The records of a partition have come up to `end`; the answer is whether nothing is missing
    /// any more, where something was.
    pub(super) fn came(&mut self, partition: u32, end: u64) -> bool {
        self.overtaken.remove(&partition);
        let wanted = self.asked.get(&partition);
        if wanted.is_none_or(|wanted| *wanted >= end) {
            return false;
        }
        tracing::info!(partition, "the missing records came");
        self.forget(partition)
    }

    /// The partition is somebody else's; the answer is as that of [`Missing::came`].
    pub(super) fn forget(&mut self, partition: u32) -> bool {
        self.asked.remove(&partition).is_some() && self.asked.is_empty()
    }

    /// What a person must know of records that have not come; `None` if nothing is missing.
    pub(super) fn told(&self, queue: &Queue) -> Option<String> {
        let (partition, wanted) = self.asked.first_key_value()?;
        Some(hole(queue, *partition, *wanted))
    }
}

/// What a person must know of records that do not come by themselves.
fn hole(queue: &Queue, partition: u32, wanted: u64) -> String {
    format!(
        "{}, partition {partition}: records from {wanted} on are missing, and the broker no \
         longer has them; analysis of the partition waits: {}",
        queue.name(),
        queue.how_to_repeat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(asked: &[(u32, u64)]) -> Missing {
        Missing {
            asked: asked.iter().copied().collect(),
            overtaken: BTreeSet::new(),
        }
    }

    #[test]
    fn what_is_missing_is_there_when_the_last_of_it_came_or_went_to_somebody_else() {
        let mut missing = missing(&[(1, 10), (2, 20), (3, 30)]);
        assert!(!missing.came(1, 10), "the wanted record is not there yet");
        assert!(!missing.came(1, 11), "others are still missing");
        assert!(!missing.forget(2));
        assert!(missing.forget(3), "that was the last");
        assert!(missing.is_empty());
        assert!(!missing.forget(3) && !missing.came(3, 40), "nothing was");
    }

    #[test]
    fn a_partition_that_was_overtaken_is_read_from_the_oldest_until_records_come() {
        let (mut missing, known) = (missing(&[]), Start::At(stock_up_io::queue::Place(7)));
        missing.overtaken(4);
        assert_eq!(missing.start(4, known), Start::Oldest);
        assert_eq!(missing.start(5, known), known);
        assert!(!missing.came(4, 1));
        assert_eq!(missing.start(4, known), known);
    }
}
