//! Puts messages into the topic.
//!
//! Idempotent, `acks=all`, and without a limit of its own on how long a message may take: the
//! spool is the buffer. What is bounded is how long *we* wait ([`KafkaConfig::confirm_within`]);
//! after that, and after any error, the client is thrown away, and its owner sends again from
//! what was confirmed last.
//!
//! Within one client nothing can be missing in the middle. A batch that fails for good fails all
//! that wait behind it (`enable.gapless.guarantee`), and those already on their way are refused by
//! the broker, which counts the messages of a producer. It begins to count with the first batch
//! that it takes, whatever number that has: so the first message of each partition goes alone. It
//! forgets a producer that is silent for a day, which none of ours is: the log's time ticks.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};

use super::config::KafkaConfig;
use super::topic;
use super::watch::Watch;
use crate::queue::{Outgoing, Producer, QueueError};

/// Largest payload in bytes: what a topic takes by default, less what is around it.
pub const LARGEST_MESSAGE: usize = 1_000_000;

/// The same as librdkafka counts it: with key, headers and framing.
const LARGEST_RECORD: &str = "1048576";

/// Messages that librdkafka holds for us at most, by number and by KiB.
const HELD_MESSAGES: &str = "100000";
const HELD_KIBIBYTES: &str = "65536";

/// How soon room is looked for again where librdkafka is full of what was given up earlier.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Header with the first sequence number of a message, as text, for other tools.
const SEQUENCE_HEADER: &str = "stock-up-seq";

/// A connection that writes to the topic.
pub struct KafkaProducer {
    /// None after an error.
    client: Option<FutureProducer<Watch>>,
    watch: Watch,
    topic: String,
    partitions: u32,
    /// Partitions in which the broker counts the messages of this client.
    counted: BTreeSet<u32>,
    confirm_within: Duration,
}

impl fmt::Debug for KafkaProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaProducer")
            .field("topic", &self.topic)
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

impl KafkaProducer {
    /// Connects; creates the topic where the configuration says so.
    ///
    /// `remembered` is how many partitions the topic had when the first message was sent to it.
    ///
    /// # Errors
    /// [`QueueError::Misconfigured`] when the topic is not there or has another number of
    /// partitions than is remembered: its symbols would no longer be where they were.
    pub async fn connect(
        config: &KafkaConfig,
        remembered: Option<u32>,
    ) -> Result<Self, QueueError> {
        let password = config.password()?;
        let watch = Watch::new(config, password.clone());
        let partitions = topic::partitions(config).await?;
        if let Some(remembered) = remembered.filter(|remembered| *remembered != partitions) {
            return Err(watch.misconfigured(format!(
                "it has {partitions} partitions, but had {remembered}: symbols would change \
                 their partition; create a new topic and name it, or restore this one"
            )));
        }
        let mut client = config.client(&password);
        config.batching(&mut client);
        client
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            .set("message.timeout.ms", "0")
            .set("max.in.flight.requests.per.connection", "5")
            .set("message.max.bytes", LARGEST_RECORD)
            .set("queue.buffering.max.messages", HELD_MESSAGES)
            .set("queue.buffering.max.kbytes", HELD_KIBIBYTES);
        let client = client
            .create_with_context(watch.clone())
            .map_err(|error| watch.judge(&error))?;
        Ok(Self {
            client: Some(client),
            watch,
            topic: config.topic.clone(),
            partitions,
            counted: BTreeSet::new(),
            confirm_within: config.confirm_within(),
        })
    }

    fn check(&self, message: &Outgoing) -> Result<(), QueueError> {
        if message.partition >= self.partitions {
            return Err(self.watch.misconfigured(format!(
                "there is no partition {}, but only {}",
                message.partition, self.partitions
            )));
        }
        let bytes = message.payload.len();
        if bytes > LARGEST_MESSAGE {
            return Err(self.watch.misconfigured(format!(
                "a message of {bytes} bytes is larger than {LARGEST_MESSAGE}"
            )));
        }
        Ok(())
    }

    async fn send(&mut self, messages: &[Outgoing]) -> Result<(), QueueError> {
        messages
            .iter()
            .try_for_each(|message| self.check(message))?;
        let mut new = BTreeSet::new();
        let (first, others): (Vec<_>, Vec<_>) = messages.iter().partition(|message| {
            let partition = message.partition;
            !self.counted.contains(&partition) && new.insert(partition)
        });
        // Order matters: what follows the first message of a partition must not overtake its fate.
        self.deliver(&first).await?;
        self.counted.append(&mut new);
        self.deliver(&others).await
    }

    /// Returns when all of `messages` are confirmed.
    async fn deliver(&self, messages: &[&Outgoing]) -> Result<(), QueueError> {
        let Some(client) = &self.client else {
            return Err(self.watch.lost("this producer has ended"));
        };
        let mut unconfirmed = VecDeque::with_capacity(messages.len());
        for message in messages {
            let delivery = self.enqueue(client, message, &mut unconfirmed).await?;
            unconfirmed.push_back(delivery);
        }
        // The last first: most of the others are confirmed by then and wake nobody.
        while let Some(delivery) = unconfirmed.pop_back() {
            self.confirmed(client, delivery).await?;
        }
        Ok(())
    }

    /// Gives a message to librdkafka. Where it is full, earlier ones are waited for first.
    async fn enqueue(
        &self,
        client: &FutureProducer<Watch>,
        message: &Outgoing,
        unconfirmed: &mut VecDeque<DeliveryFuture>,
    ) -> Result<DeliveryFuture, QueueError> {
        let sequence = message.first_seq.to_string();
        loop {
            match client.send_result(self.record(message, &sequence)) {
                Ok(delivery) => return Ok(delivery),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {}
                Err((error, _)) => return Err(self.judge(client, &error)),
            }
            match unconfirmed.pop_front() {
                Some(earlier) => self.confirmed(client, earlier).await?,
                None => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    }

    fn record<'a>(&'a self, message: &'a Outgoing, sequence: &str) -> FutureRecord<'a, str, [u8]> {
        let headers = OwnedHeaders::new_with_capacity(1).insert(Header {
            key: SEQUENCE_HEADER,
            value: Some(sequence),
        });
        FutureRecord {
            topic: &self.topic,
            partition: Some(i32::try_from(message.partition).unwrap_or(i32::MAX)),
            payload: Some(&message.payload),
            key: message.key.as_deref(),
            timestamp: None,
            headers: Some(headers),
        }
    }

    async fn confirmed(
        &self,
        client: &FutureProducer<Watch>,
        delivery: DeliveryFuture,
    ) -> Result<(), QueueError> {
        match delivery.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err((error, _))) => Err(self.judge(client, &error)),
            Err(_) => Err(self
                .watch
                .lost("the producer ended before the confirmation")),
        }
    }

    /// What an error means; one that only says that there was another gives that one.
    fn judge(&self, client: &FutureProducer<Watch>, error: &KafkaError) -> QueueError {
        match client.client().fatal_error() {
            Some((_, text)) => self.watch.judge_fatal(&text),
            None => self.watch.judge(error),
        }
    }

    fn give_up(&mut self) {
        if let Some(client) = self.client.take() {
            in_the_background(move || drop(client));
        }
    }
}

impl Producer for KafkaProducer {
    fn partitions(&self) -> u32 {
        self.partitions
    }

    async fn publish(&mut self, messages: &[Outgoing]) -> Result<(), QueueError> {
        let (watch, waited) = (self.watch.clone(), self.confirm_within);
        let sent = tokio::select! {
            sent = tokio::time::timeout(waited, self.send(messages)) => {
                sent.unwrap_or_else(|_| {
                    Err(watch.lost(&format!("no confirmation within {waited:?}")))
                })
            }
            verdict = watch.wait() => Err(verdict),
        };
        if sent.is_err() {
            self.give_up();
        }
        sent
    }
}

impl Drop for KafkaProducer {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// The end of a client can block for long: nobody waits for it.
pub(super) fn in_the_background(work: impl FnOnce() + Send + 'static) {
    // Without a thread the work is dropped here, which does the same and waits.
    drop(
        std::thread::Builder::new()
            .name("kafka-end".to_owned())
            .spawn(work),
    );
}
