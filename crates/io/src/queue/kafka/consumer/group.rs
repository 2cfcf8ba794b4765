//! What librdkafka calls back at a change of the group.
//!
//! The callback only notes what is asked. librdkafka waits, heartbeats going on, until the reader
//! answers with `assign` or `unassign`, which it does when the owner has saved. At the end of the
//! client nobody is left to ask, so the callback answers by itself, or closing would never end.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;

use super::super::watch::Watch;

/// What the group asks of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// These partitions are ours from now on.
    Take(Vec<u32>),
    /// Everything goes.
    Let,
    /// Something that should not happen.
    Failed(String),
}

/// The context of the client; its clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Group {
    watch: Watch,
    asked: Arc<Mutex<VecDeque<Asked>>>,
    closing: Arc<AtomicBool>,
}

impl Group {
    pub(super) fn new(watch: &Watch) -> Self {
        Self {
            watch: watch.clone(),
            asked: Arc::default(),
            closing: Arc::default(),
        }
    }

    /// What has been asked and not been looked at.
    pub(super) fn asked(&self) -> Option<Asked> {
        let asked = self.asked.lock();
        asked
            .expect("nothing panics while it holds the lock")
            .pop_front()
    }

    /// From now on the callback answers by itself.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    fn note(&self, asked: Asked) {
        let notes = self.asked.lock();
        notes
            .expect("nothing panics while it holds the lock")
            .push_back(asked);
    }
}

impl ClientContext for Group {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.watch.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.watch.error(error, reason);
    }
}

impl ConsumerContext for Group {
    fn rebalance(
        &self,
        client: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        if self.closing.load(Ordering::SeqCst) {
            // If it fails, the client is fatally ill, and closes without an answer.
            drop(client.unassign());
            return;
        }
        self.note(match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let elements = list.elements();
                let numbers = elements.iter().map(|e| u32::try_from(e.partition()));
                Asked::Take(numbers.filter_map(Result::ok).collect())
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => Asked::Let,
            other => Asked::Failed(format!("the group could not be shared out: {other:?}")),
        });
    }
}
