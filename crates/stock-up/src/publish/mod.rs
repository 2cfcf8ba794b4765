//! The spool's other end: what is durable in the log goes to the queue, in order, until it is
//! confirmed.
//!
//! ```text
//! log ──records──▶ splitter ──pieces──▶ group ──messages──▶ producer ══▶ broker
//!                                         └── kept until all are confirmed, sent again if not
//! ```
//!
//! The log is what survives an outage of the broker. After any doubt the same group is sent again
//! by a new producer; its numbers make the repetition harmless.

mod again;
mod group;
mod news;
mod pace;
mod rewind;
mod state;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use stock_up_core::TradeBatch;
use stock_up_core::partition::{Piece, Splitter};
use stock_up_core::record::codec;
use stock_up_io::clock::Stopwatch;
use stock_up_io::queue::{Outgoing, Producer, QueueError};
use stock_up_log::{Error, Log, Reader, Retention};
use tokio::time::sleep;

use crate::analyze::{Finish, LogRetention};
use crate::queue::{Queue, QueueProducer, Waits};
use crate::telemetry::Telemetry;
pub(crate) use again::{From, Next, publish_again};
use group::Group;
pub(crate) use news::LogNews;
use pace::Pace;
pub(crate) use state::{Published, StateFile};

/// The longest wait for the log, which calls, before looking at other things.
const WAIT: Duration = Duration::from_millis(20);

/// How often it is kept how far we have come.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// What publishing works with.
#[derive(Debug)]
pub(crate) struct Publish {
    pub(crate) log: Log,
    pub(crate) news: Arc<LogNews>,
    pub(crate) queue: Queue,
    pub(crate) file: StateFile,
    pub(crate) published: Published,
    pub(crate) retention: LogRetention,
    pub(crate) telemetry: Arc<Telemetry>,
}

/// Publishing at work.
struct Publisher {
    publish: Publish,
    reader: Reader,
    /// What was read but not confirmed yet, and where the log goes on after it.
    waiting: Vec<Outgoing>,
    /// The number after the last record that the broker has.
    confirmed: u64,
    batch: TradeBatch,
    since_kept: Stopwatch,
}

impl Publish {
    /// Reads what of the log was not published yet, for what it says about itself.
    ///
    /// # Errors
    /// If the log no longer holds it, or is damaged.
    pub(crate) fn known(&self) -> anyhow::Result<crate::collect::Known> {
        let mut known = self.published.known.clone();
        let mut reader = self.reader()?;
        let mut batch = TradeBatch::default();
        while let Some(frame) = reader.next_frame()? {
            let record = codec::decode_into(frame.payload, &mut batch)
                .with_context(|| format!("record {} of the log", frame.seq))?;
            if let Some(record) = record {
                known.note(&record);
            } else {
                let newest = batch.trades.iter().map(|trade| trade.ts_event).max();
                known.note_trades(batch.ts_recv, newest);
            }
        }
        Ok(known)
    }

    /// Whose records the queue gets.
    fn source(&self) -> [u8; 16] {
        self.published.source(self.log.source())
    }

    fn reader(&self) -> anyhow::Result<Reader> {
        let (position, first) = (self.published.position, self.log.first_seq());
        if position < first {
            return Err(anyhow!(
                "records {position} to {first} were removed from the log before they were \
                 published; to go on without them, set up a new queue, give the analyzers empty \
                 data directories, and run `stock-up republish --new-queue` on this data directory"
            ));
        }
        Ok(self.log.reader(position)?)
    }

    /// Publishes until `finish` is reached.
    ///
    /// # Errors
    /// What a person has to decide, or a failure of the disk.
    pub(crate) async fn run(self, finish: Arc<Finish>) -> anyhow::Result<()> {
        let mut publisher = Publisher {
            reader: self.reader()?,
            confirmed: self.published.position,
            publish: self,
            waiting: Vec::new(),
            batch: TradeBatch::default(),
            since_kept: Stopwatch::start(),
        };
        let mut waits = Waits::default();
        let contact = publisher.publish.telemetry.services.queue.contact();
        loop {
            let mut worked = || {
                waits.succeeded();
                contact.stands();
            };
            match publisher.connected(&finish, &mut worked).await? {
                Ok(()) => return publisher.keep(),
                Err(error) if error.is_passing() && finish.is_hurried() => {
                    // What was confirmed since it was last kept is sent once more then.
                    tracing::warn!(%error, "the queue is away; the next start publishes the rest");
                    return Ok(());
                }
                Err(error) if error.is_passing() => {
                    contact.failed();
                    publisher.tell();
                    tracing::warn!(%error, "the queue is away; the log keeps what comes");
                    sleep(waits.after_failure()).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Publisher {
    /// Publishes over one connection, until it is lost or everything is said.
    async fn connected(
        &mut self,
        finish: &Finish,
        worked: &mut impl FnMut(),
    ) -> anyhow::Result<Result<(), QueueError>> {
        let mut producer = match self.connect().await {
            Ok(producer) => producer,
            Err(error) => return Ok(Err(error)),
        };
        if let Some(stored) = producer.stored_until() {
            self.meet(stored)?;
        }
        let partitions = producer.partitions();
        let splitter = &mut self.publish.published.splitter;
        let splitter = splitter.get_or_insert_with(|| Splitter::new(partitions));
        if splitter.partitions() != partitions {
            bail!(
                "the log was published in {} partitions before, and this queue has {partitions}; \
                 to publish all of it here, run `stock-up republish` on this data directory",
                splitter.partitions()
            );
        }
        let source = self.publish.source();
        let mut group = Group::new(source, partitions);
        let mut pace = Pace::new(self.publish.queue.publish_latency());
        loop {
            if let Err(error) = self.confirm(&mut producer).await? {
                return Ok(Err(error));
            }
            worked();
            if let Err(error) = self.pause(&mut producer, &pace).await? {
                return Ok(Err(error));
            }
            if self.fill(&mut group)? {
                pace.published(group.is_full());
                self.waiting = group.take();
                continue;
            }
            self.keep_if_due()?;
            if finish.is_reached(self.publish.published.position) {
                return Ok(Ok(()));
            }
            if let Err(error) = self.rest(&mut producer).await? {
                return Ok(Err(error));
            }
        }
    }

    async fn connect(&self) -> Result<QueueProducer, QueueError> {
        let Publish {
            queue, published, ..
        } = &self.publish;
        let source = format!("{:032x}", u128::from_be_bytes(self.publish.source()));
        let remembered = published.splitter.as_ref().map(Splitter::partitions);
        queue.producer(&source, remembered).await
    }

    /// Sends what waits, and goes on only when the broker has all of it.
    async fn confirm(
        &mut self,
        producer: &mut QueueProducer,
    ) -> anyhow::Result<Result<(), QueueError>> {
        if self.waiting.is_empty() {
            self.tell();
            return Ok(Ok(()));
        }
        if let Err(error) = producer.publish(&self.waiting).await {
            return Ok(Err(error));
        }
        self.publish
            .telemetry
            .publish
            .messages
            .inc_by(self.waiting.len() as u64);
        self.waiting.clear();
        self.tell();
        self.keep_if_due()?;
        Ok(Ok(()))
    }

    /// Says how much there is, and how much of it is not confirmed: also while the broker is away.
    fn tell(&mut self) {
        let Publish {
            log,
            published,
            telemetry,
            ..
        } = &self.publish;
        if self.waiting.is_empty() {
            self.confirmed = published.position;
        }
        let end = log.durable_end();
        telemetry.log_commits.durable(end);
        telemetry.pipeline.set_log_bytes(log.bytes());
        let lag = end.saturating_sub(self.confirmed);
        telemetry
            .publish
            .lag
            .set(i64::try_from(lag).unwrap_or(i64::MAX));
    }

    /// Reads the next group of the log; false if nothing is there.
    fn fill(&mut self, group: &mut Group) -> anyhow::Result<bool> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut any = false;
        let published = &mut self.publish.published;
        while !group.is_full() {
            let Some(frame) = self.reader.next_frame()? else {
                break;
            };
            any = true;
            let seq = frame.seq;
            let end = seq + u64::from(frame.count);
            let record = codec::decode_into(frame.payload, &mut self.batch)
                .with_context(|| format!("record {seq} of the log"))?;
            let Some(splitter) = &mut published.splitter else {
                break;
            };
            let followers = (splitter, &mut published.known);
            again::pass(record.as_ref(), &self.batch, followers, &mut pieces);
            published.position = end;
            group.add(pieces.drain(..));
        }
        Ok(any)
    }

    /// Waits until the next group may be closed, or for somebody who needs old records again: a
    /// stream of records that never pauses must not keep them waiting.
    async fn pause(
        &mut self,
        producer: &mut QueueProducer,
        pace: &Pace,
    ) -> anyhow::Result<Result<(), QueueError>> {
        let request = tokio::select! {
            biased;
            request = producer.next_rewind() => request,
            () = pace.closes(&self.publish.news) => return Ok(Ok(())),
        };
        self.send_again(producer, request).await
    }

    /// Waits a little for more of the log, or for somebody who needs old records again.
    async fn rest(
        &mut self,
        producer: &mut QueueProducer,
    ) -> anyhow::Result<Result<(), QueueError>> {
        let request = tokio::select! {
            biased;
            request = producer.next_rewind() => Some(request),
            () = self.publish.news.more() => None,
            () = sleep(WAIT) => None,
        };
        if let Some(request) = request {
            return self.send_again(producer, request).await;
        }
        let Publish { log, published, .. } = &self.publish;
        match log.wait_for(published.position, Duration::ZERO) {
            // Nobody writes for now: `collect` ends, or waits for room on the device.
            Ok(_) | Err(Error::Closed | Error::NoSpace(_)) => Ok(Ok(())),
            Err(error) => Err(error.into()),
        }
    }

    fn keep_if_due(&mut self) -> anyhow::Result<()> {
        if self.waiting.is_empty() && self.since_kept.elapsed() >= KEEP_EVERY {
            self.keep()?;
            self.retain()?;
        }
        Ok(())
    }

    /// Notes how far we have come; everything before is confirmed.
    fn keep(&mut self) -> anyhow::Result<()> {
        self.since_kept = Stopwatch::start();
        self.publish.file.save(&self.publish.published)
    }

    /// Lets go of old segments once all is published: until then they are the only copy.
    fn retain(&self) -> anyhow::Result<()> {
        let Publish {
            log,
            published,
            retention,
            ..
        } = &self.publish;
        if published.position < log.durable_end() {
            return Ok(());
        }
        let age = published.known.time.zip(retention.max_age);
        let retention = Retention {
            max_bytes: retention.max_bytes,
            min_time: age.map(|(now, age)| now.saturating_sub(age)),
        };
        match log.retain(&retention) {
            Ok(_) | Err(Error::Closed | Error::NoSpace(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
