//! Points into a topic, in transactions, for readers that ask for committed messages alone.
//!
//! The transaction that holds points also moves the offset of a group that nobody joins: it is the
//! number of the next emission. So after any doubt the sink asks how far it came and leaves out
//! what is there already; a reader with `isolation.level=read_committed` sees every point once.
//!
//! Transactions block and their errors are many (librdkafka's issues 4420, 4558, 5423): each runs
//! on a thread for blocking work, and after any error the client is thrown away. A new one with
//! the same id fences the old one and ends what it left open.
//!
//! Not covered: brokers keep the offset of such a group for seven days after the last write
//! (`offsets.retention.minutes`). After a longer pause what was written last may come twice.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{
    BaseProducer, BaseRecord, NoCustomPartitioner, Producer as _, ProducerContext,
};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::config::KafkaConfig;
use super::producer::in_the_background;
use super::topic;
use super::watch::Watch;
use crate::clock::Stopwatch;
use crate::queue::QueueError;
use crate::sink::{Sink, SinkError, Written};
use crate::store::PointRow;
use crate::text::json;

/// How long any one step of a transaction may take before the client is given up.
const STEP_WITHIN: Duration = Duration::from_secs(30);

/// After so long the broker ends a transaction of a client that is gone.
const OPEN_MILLIS: &str = "60000";

/// Points of one transaction at best.
const BATCH_POINTS: usize = 2_000;

/// Writes points into a topic, each once.
pub struct KafkaPointSink {
    config: KafkaConfig,
    id: String,
    watch: Watch,
    /// None before the first write and after an error.
    client: Option<Client>,
}

impl fmt::Debug for KafkaPointSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaPointSink")
            .field("topic", &self.config.topic)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl KafkaPointSink {
    /// A sink that has not connected yet. `config.topic` is the topic of the points.
    ///
    /// `id` names the row of emissions, such as the identity of the store: whoever continues it
    /// must have the same one, and nobody else.
    ///
    /// # Errors
    /// [`SinkError::Misconfigured`] when a password cannot be read.
    pub fn new(config: KafkaConfig, id: &str) -> Result<Self, SinkError> {
        let password = config.password().map_err(sink_error)?;
        Ok(Self {
            watch: Watch::new(&config, password),
            id: format!("stock-up-points-{id}"),
            config,
            client: None,
        })
    }

    async fn connect(&self) -> Result<Client, QueueError> {
        topic::partitions(&self.config).await?;
        let (config, id) = (self.config.clone(), self.id.clone());
        // Each client has its own, so that what one has said does not count for the next.
        let watch = Watch::new(&config, config.password()?);
        let connecting = tokio::task::spawn_blocking(move || Client::new(&config, &id, watch));
        let cut_off = |_| Err(self.watch.lost("connecting was cut off"));
        connecting.await.unwrap_or_else(cut_off)
    }

    async fn put(&mut self, batch: &[PointRow]) -> Result<Written, QueueError> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => self.connect().await?,
        };
        let fresh = batch.iter().filter(|row| row.emission >= client.next);
        let records: Vec<_> = fresh.map(record).collect();
        let end = batch.iter().map(|row| row.emission + 1).max();
        // Dropped in the middle, this leaves the client to the thread, which throws it away.
        let writing = tokio::task::spawn_blocking(move || {
            let written = client.write(&records, end);
            (client, written)
        });
        let Ok((client, written)) = writing.await else {
            return Err(self.watch.lost("writing was cut off"));
        };
        match written {
            Ok(()) => self.client = Some(client),
            Err(error) => {
                in_the_background(move || drop(client));
                return Err(error);
            }
        }
        Ok(Written {
            written: batch.len() as u64,
            ..Written::default()
        })
    }
}

impl Sink<PointRow> for KafkaPointSink {
    async fn write(&mut self, batch: &[PointRow]) -> Result<Written, SinkError> {
        self.put(batch).await.map_err(sink_error)
    }

    fn batch_items(&self) -> usize {
        BATCH_POINTS
    }
}

impl Drop for KafkaPointSink {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            in_the_background(move || drop(client));
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is for `map_err`")]
fn sink_error(error: QueueError) -> SinkError {
    let reason = error.to_string();
    match error {
        QueueError::Lost { .. } => SinkError::Unavailable {
            reason,
            retry_after: None,
        },
        QueueError::Refused { .. } => SinkError::Refused { reason },
        QueueError::Misconfigured { .. } | QueueError::Overtaken { .. } => {
            SinkError::Misconfigured { reason }
        }
    }
}

/// Symbol and text of a point.
fn record(row: &PointRow) -> (Arc<str>, Vec<u8>) {
    let mut text = Vec::new();
    json::write_point(&row.point, &row.symbol, &mut text);
    (Arc::clone(&row.symbol), text)
}

/// One client, until its first error.
struct Client {
    producer: BaseProducer<Reports>,
    group: ConsumerGroupMetadata,
    watch: Watch,
    topic: String,
    /// Number of the first emission that is not in the topic.
    next: u64,
}

impl Client {
    fn new(config: &KafkaConfig, id: &str, watch: Watch) -> Result<Self, QueueError> {
        let judge = |error: KafkaError| watch.verdict().unwrap_or_else(|| watch.judge(&error));
        let settings = config.client(&config.password()?);
        let mut writing = settings.clone();
        config.batching(&mut writing);
        writing
            .set("transactional.id", id)
            .set("transaction.timeout.ms", OPEN_MILLIS)
            // Where Kafka's own clients put a key.
            .set("partitioner", "murmur2_random");
        let reports = Reports::new(watch.clone());
        let producer: BaseProducer<Reports> =
            writing.create_with_context(reports).map_err(judge)?;
        producer.init_transactions(STEP_WITHIN).map_err(judge)?;

        // Order matters: only now no older client can move the offset.
        let mut asking = settings;
        asking
            .set("group.id", id)
            .set("enable.auto.commit", "false");
        let asking: BaseConsumer<Watch> =
            asking.create_with_context(watch.clone()).map_err(judge)?;
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition(&config.topic, 0);
        let found = asking.committed_offsets(list, STEP_WITHIN).map_err(judge)?;
        let next = found.elements().first().map(TopicPartitionListElem::offset);
        let Some(group) = asking.group_metadata() else {
            return Err(watch.lost("librdkafka knows no group"));
        };
        Ok(Self {
            producer,
            group,
            topic: config.topic.clone(),
            next: match next {
                Some(Offset::Offset(next)) => u64::try_from(next).unwrap_or(0),
                _ => 0,
            },
            watch,
        })
    }

    fn write(
        &mut self,
        records: &[(Arc<str>, Vec<u8>)],
        end: Option<u64>,
    ) -> Result<(), QueueError> {
        let Some(end) = end.filter(|_| !records.is_empty()) else {
            return Ok(());
        };
        self.transact(records, end)
            .map_err(|error| self.judge(&error))?;
        self.next = end;
        Ok(())
    }

    /// What an error means; where the client has ended for good, why it has.
    fn judge(&self, error: &KafkaError) -> QueueError {
        match self.producer.client().fatal_error() {
            Some((RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced, _)) => self
                .watch
                .misconfigured("another process writes the same points; stop one of them"),
            Some((_, text)) => self.watch.judge_fatal(&text),
            None => self.watch.judge(error),
        }
    }

    fn transact(&self, records: &[(Arc<str>, Vec<u8>)], end: u64) -> Result<(), KafkaError> {
        let reports = self.producer.context();
        reports.delivered.store(0, Ordering::SeqCst);
        self.producer.begin_transaction()?;
        for (symbol, text) in records {
            self.send(symbol, text)?;
        }
        self.producer.flush(STEP_WITHIN)?;
        // Commits have succeeded with messages that had not (confluent-kafka-dotnet's 1568).
        if reports.delivered.load(Ordering::SeqCst) != records.len() {
            let missing = RDKafkaErrorCode::MessageTimedOut;
            return Err(KafkaError::MessageProduction(missing));
        }
        let mut list = TopicPartitionList::with_capacity(1);
        let next = Offset::Offset(i64::try_from(end).unwrap_or(i64::MAX));
        list.add_partition_offset(&self.topic, 0, next)?;
        self.producer
            .send_offsets_to_transaction(&list, &self.group, STEP_WITHIN)?;
        self.producer.commit_transaction(STEP_WITHIN)
    }

    fn send(&self, symbol: &str, text: &[u8]) -> Result<(), KafkaError> {
        let waiting = Stopwatch::start();
        let mut record = BaseRecord::to(&self.topic).key(symbol).payload(text);
        while let Err((error, again)) = self.producer.send(record) {
            let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            if error != full || waiting.elapsed() >= STEP_WITHIN {
                return Err(error);
            }
            self.producer.poll(Duration::from_millis(10));
            record = again;
        }
        Ok(())
    }
}

/// Counts what was delivered.
struct Reports {
    watch: Watch,
    delivered: AtomicUsize,
}

impl Reports {
    fn new(watch: Watch) -> Self {
        let delivered = AtomicUsize::new(0);
        Self { watch, delivered }
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.watch.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.watch.error(error, reason);
    }
}

impl ProducerContext<NoCustomPartitioner> for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, report: &DeliveryResult<'_>, (): ()) {
        if report.is_ok() {
            self.delivered.fetch_add(1, Ordering::SeqCst);
        }
    }
}
