//! The client of librdkafka: its settings, and what is asked of it, by partition and place.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use super::super::config::KafkaConfig;
use super::super::watch::Watch;
use super::group::Group;
use crate::queue::message::MAX_MESSAGE_BYTES;
use crate::queue::{Place, QueueError};

/// How long a broker may take to say from where to where a partition reaches.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What is fetched ahead at most: of a partition, in one answer, and in all (KiB, messages).
const FETCHED_PER_PARTITION: &str = "1048576";
const FETCHED_AT_ONCE: &str = "8388608";
const FETCHED_KIBIBYTES: &str = "16384";
const FETCHED_MESSAGES: &str = "10000";

/// Largest answer that is read: a single message may be larger than what was asked for.
const LARGEST_ANSWER: &str = "134217728";

/// After so much silence the group gives the partitions of a member to others.
const SESSION_MILLIS: &str = "10000";

/// Among whom the partitions are shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Among the members of the group.
    Member,
    /// Everything is ours.
    Alone,
}

/// Where a partition is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// From the first message that there is.
    First,
    /// From this offset on.
    Next(u64),
}

/// Partitions that are read, each with its place.
pub(super) type Places = BTreeMap<u32, At>;

/// A message, as far as we care.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) partition: u32,
    pub(super) offset: u64,
    pub(super) payload: Vec<u8>,
}

pub(super) struct Client {
    inner: BaseConsumer<Group>,
    watch: Watch,
    topic: String,
    role: Role,
}

impl Client {
    /// A client that has not begun; as a member of the group it has asked for its share.
    pub(super) fn new(
        config: &KafkaConfig,
        role: Role,
        group: Group,
        watch: &Watch,
    ) -> Result<Self, QueueError> {
        let mut settings = config.client(&config.password()?);
        // librdkafka wants a group's name of everybody; who is alone never joins it.
        let name = match role {
            Role::Member => config.group.clone(),
            Role::Alone => format!("{}-alone", config.group),
        };
        settings
            .set("group.id", name)
            .set("partition.assignment.strategy", "range")
            .set("session.timeout.ms", SESSION_MILLIS)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("check.crcs", "true")
            .set("max.partition.fetch.bytes", FETCHED_PER_PARTITION)
            .set("fetch.max.bytes", FETCHED_AT_ONCE)
            .set("receive.message.max.bytes", LARGEST_ANSWER)
            .set("queued.max.messages.kbytes", FETCHED_KIBIBYTES)
            .set("queued.min.messages", FETCHED_MESSAGES);
        let judge = |error| watch.judge(&error);
        let inner: BaseConsumer<Group> = settings.create_with_context(group).map_err(judge)?;
        if role == Role::Member {
            inner.subscribe(&[&config.topic]).map_err(judge)?;
        }
        Ok(Self {
            inner,
            watch: watch.clone(),
            topic: config.topic.clone(),
            role,
        })
    }

    /// The next message, if one comes in time. Calls of the group are heard here too.
    pub(super) fn poll(&self, wait: Duration) -> Option<Result<Fetched, Complaint>> {
        Some(match self.inner.poll(wait)? {
            Ok(message) => self.fetched(&message).map_err(Complaint::Ours),
            Err(error) => Err(Complaint::Theirs(error)),
        })
    }

    fn fetched(&self, message: &BorrowedMessage<'_>) -> Result<Fetched, QueueError> {
        let partition = u32::try_from(message.partition()).unwrap_or(u32::MAX);
        let offset = unsigned(message.offset());
        // A tombstone has none.
        let payload = message.payload().unwrap_or_default();
        if payload.len() > MAX_MESSAGE_BYTES {
            return Err(self.watch.misconfigured(format!(
                "the message at {offset} of partition {partition} has {} bytes, more than \
                 {MAX_MESSAGE_BYTES}: it is none of ours",
                payload.len()
            )));
        }
        Ok(Fetched {
            partition,
            offset,
            payload: payload.to_vec(),
        })
    }

    /// Whether a partition can be read on from `wanted`.
    pub(super) fn check(&self, partition: u32, wanted: u64) -> Result<(), QueueError> {
        let (first, end) = self.reach(partition)?;
        if wanted < first {
            return Err(self.watch.overtaken(partition, wanted, first));
        }
        if wanted > end {
            return Err(self.watch.misconfigured(format!(
                "partition {partition} ends at {end}, but was read up to {wanted} before: it is \
                 another topic of the same name, or it lost messages; begin with a new data \
                 directory, or restore the topic"
            )));
        }
        Ok(())
    }

    /// The first offset of a partition that there is, and the one after the last.
    pub(super) fn reach(&self, partition: u32) -> Result<(u64, u64), QueueError> {
        let (first, end) = self.judged(self.inner.fetch_watermarks(
            &self.topic,
            signed(partition),
            ANSWER_WITHIN,
        ))?;
        Ok((unsigned(first), unsigned(end)))
    }

    /// Reads these and nothing else. What was fetched ahead is thrown away.
    pub(super) fn assign(&self, places: &Places) -> Result<(), QueueError> {
        self.judged(self.inner.assign(&self.list(places)))
    }

    /// Answers the group that nothing is read any more.
    pub(super) fn unassign(&self) -> Result<(), QueueError> {
        self.judged(self.inner.unassign())
    }

    /// Whether the group has given our partitions away without waiting for us.
    pub(super) fn is_robbed(&self) -> bool {
        self.inner.assignment_lost()
    }

    pub(super) fn pause(&self, places: &Places) -> Result<(), QueueError> {
        self.judged(self.inner.pause(&self.list(places)))
    }

    pub(super) fn resume(&self, places: &Places) -> Result<(), QueueError> {
        self.judged(self.inner.resume(&self.list(places)))
    }

    /// Lets tools see the lag. Nothing of ours depends on it, so a failure is passed over.
    pub(super) fn commit(&self, partition: u32, place: Place) {
        if self.role == Role::Member {
            // What is committed is the next offset, as a place is.
            let list = self.list(&Places::from([(partition, At::Next(place.0))]));
            drop(self.inner.commit(&list, CommitMode::Async));
        }
    }

    fn list(&self, places: &Places) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(places.len());
        for (partition, at) in places {
            let offset = match at {
                At::First => Offset::Beginning,
                At::Next(next) => Offset::Offset(i64::try_from(*next).unwrap_or(i64::MAX)),
            };
            list.add_partition_offset(&self.topic, signed(*partition), offset)
                .expect("an offset of 63 bits is valid");
        }
        list
    }

    fn judged<T>(&self, result: KafkaResult<T>) -> Result<T, QueueError> {
        result.map_err(|error| self.watch.judge(&error))
    }
}

/// What comes instead of a message.
#[derive(Debug)]
pub(super) enum Complaint {
    /// It is one that we do not take.
    Ours(QueueError),
    /// librdkafka has something to say, which need not be the end.
    Theirs(KafkaError),
}

fn signed(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

fn unsigned(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or(0)
}
