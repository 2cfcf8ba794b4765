//! The task that owns the consumer: it hands messages out, and goes on after one is lost.

use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, anyhow};
use stock_up_core::Record;
use stock_up_io::queue::message::{self, MessageError};
use stock_up_io::queue::{Consumer, Event, Incoming, Place, QueueError};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::Follow;
use super::assignment::Assignment;
use super::missing::Missing;
use crate::analyze::Done;
use crate::queue::{QueueConsumer, Waits};

/// Notes of what was saved that wait to be passed on; the newest says all.
const WAITING_SAVED: usize = 64;

/// How often the partitions are looked at: one that has ended ends the process.
const LOOK: Duration = Duration::from_millis(200);

/// A process that follows a queue, at work.
pub(super) struct Follower {
    follow: Follow,
    assignment: Assignment,
    missing: Missing,
    /// What partitions tell that is saved.
    saved: mpsc::Receiver<Done>,
    /// Counts the consumers: places of an earlier one mean nothing to a later one.
    consumer: u64,
    idle_at: Option<Instant>,
}

/// Why a consumer was given up.
enum Stopped {
    /// The process is to end.
    Told,
    Lost(QueueError),
}

impl Follower {
    pub(super) fn new(follow: Follow) -> Self {
        let (tell, saved) = mpsc::channel(WAITING_SAVED);
        Self {
            follow,
            assignment: Assignment::new(tell),
            missing: Missing::default(),
            saved,
            consumer: 0,
            idle_at: None,
        }
    }

    /// As [`Follow::run`].
    pub(super) async fn run(mut self, told: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
        let mut told = std::pin::pin!(told);
        let mut waits = Waits::default();
        let contact = self.follow.telemetry.services.queue.contact();
        loop {
            let connected = tokio::select! {
                () = &mut told => break,
                connected = self.follow.queue.consumer(self.follow.reading) => connected,
            };
            self.consumer += 1;
            // Who has nothing to read yet is not idle.
            self.idle_at = None;
            let stopped = match connected {
                Ok(mut consumer) => {
                    waits.succeeded();
                    contact.stands();
                    self.work(&mut consumer, told.as_mut()).await?
                }
                Err(error) => Stopped::Lost(error),
            };
            if matches!(stopped, Stopped::Lost(_)) {
                contact.failed();
            }
            match stopped {
                Stopped::Told => break,
                Stopped::Lost(error) if error.is_passing() => {
                    tracing::warn!(%error, "the queue is away; analysis waits");
                }
                Stopped::Lost(error @ QueueError::Overtaken { partition, .. }) => {
                    tracing::error!("{error}");
                    self.missing.overtaken(partition);
                }
                Stopped::Lost(error) => return Err(error.into()),
            }
            tokio::select! {
                () = &mut told => break,
                () = sleep(waits.after_failure()) => {}
            }
        }
        self.assignment.leave_all(&self.follow).await
    }

    /// Works with a consumer until it is lost, or until it is time to end and everything is saved.
    async fn work(
        &mut self,
        consumer: &mut QueueConsumer,
        told: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> anyhow::Result<Stopped> {
        if self.missing.is_empty() {
            self.follow.hub.publish_ready();
        }
        let stopped = self.consume(consumer, told).await?;
        if matches!(stopped, Stopped::Told) {
            // Order matters: who gets our partitions next must find their states.
            self.assignment.leave_all(&self.follow).await?;
            self.pass_on_rest(consumer).await;
        }
        Ok(stopped)
    }

    /// Reads until it is time to end, or the consumer is lost.
    async fn consume(
        &mut self,
        consumer: &mut QueueConsumer,
        mut told: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> anyhow::Result<Stopped> {
        let mut look = tokio::time::interval(LOOK);
        loop {
            let idle_at = self.idle_at;
            let idle = async {
                match idle_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let done = tokio::select! {
                biased;
                () = &mut told => return Ok(Stopped::Told),
                _ = look.tick() => { self.assignment.look()?; Ok(()) }
                Some(done) = self.saved.recv() => self.pass_on(consumer, done).await,
                left = self.assignment.left() => {
                    let partition = left?;
                    tracing::info!(partition, "partition went to another analyzer");
                    consumer.release(partition).await
                }
                event = consumer.next() => match event {
                    Ok(event) => self.event(consumer, event).await?,
                    Err(error) => Err(error),
                },
                () = idle => return self.idle(),
            };
            if let Err(error) = done {
                return Ok(Stopped::Lost(error));
            }
        }
    }

    /// Nothing came for as long as was asked.
    fn idle(&self) -> anyhow::Result<Stopped> {
        match self.missing.told(&self.follow.queue) {
            None => Ok(Stopped::Told),
            Some(told) => Err(anyhow!(told)),
        }
    }

    async fn event(
        &mut self,
        consumer: &mut QueueConsumer,
        event: Event,
    ) -> anyhow::Result<Result<(), QueueError>> {
        match event {
            Event::Assigned(partition) => {
                self.renew(partition).await?;
                let known = self.assignment.take(&self.follow, partition)?;
                self.rest();
                let start = self.missing.start(partition, known);
                Ok(consumer.start(partition, start).await)
            }
            // What must be saved is released when it is.
            Event::Revoked(partition) if self.leave(partition) => Ok(Ok(())),
            Event::Revoked(partition) => Ok(consumer.release(partition).await),
            Event::Message(incoming) => {
                let Some(wanted) = self.message(&incoming).await? else {
                    return Ok(Ok(()));
                };
                let wanted = (incoming.partition, wanted);
                let whom = (&self.follow.queue, &self.follow.hub);
                Ok(self.missing.ask(consumer, wanted, whom).await)
            }
        }
    }

    /// As [`Assignment::leave`]; what is missing is missing to somebody else.
    fn leave(&mut self, partition: u32) -> bool {
        if self.missing.forget(partition) {
            self.follow.hub.publish_ready();
        }
        self.assignment.leave(&self.follow, partition)
    }

    /// Ends what is here of a partition that comes anew, where somebody else may have gone on with
    /// it while the queue was away: what is shared says.
    async fn renew(&mut self, partition: u32) -> anyhow::Result<()> {
        if self.follow.shares.is_some() && self.follow.config.redis.is_on() {
            // What is missing of it is still missing to us.
            self.assignment.leave(&self.follow, partition);
        }
        self.assignment.all_left().await
    }

    /// Takes a message; the answer is the first record that is missing before it, if one is.
    async fn message(&mut self, incoming: &Incoming) -> anyhow::Result<Option<u64>> {
        let (partition, broker) = (incoming.partition, self.follow.queue.name());
        let about = || {
            format!(
                "{broker}, partition {partition}, before {}",
                incoming.next.0
            )
        };
        let batch = match message::decode(&incoming.payload) {
            Ok(batch) => batch,
            Err(error) => return self.foreign(error).with_context(about),
        };
        if !self.assignment.runs(partition) {
            if batch.header.first_seq > 0 {
                return Ok(Some(0));
            }
            let at = (partition, Place(incoming.next.0.saturating_sub(1)));
            let begun = self.assignment.begin(&self.follow, at, &batch.header);
            begun.with_context(about)?;
        }
        let Some(part) = self.assignment.part(partition) else {
            return Ok(None);
        };
        let is_trade = |record: &Record| matches!(record, Record::Trades(_));
        let has_trades = batch.records.iter().any(is_trade);
        let delivered = part.deliver(batch, incoming, self.consumer).await;
        let missing = delivered.with_context(about)?;
        let end = part.end();
        if has_trades {
            self.rest();
        }
        if missing.is_none() && self.missing.came(partition, end) {
            self.follow.hub.publish_ready();
        }
        Ok(missing)
    }

    /// What is no message of ours stops us, unless it was said that it may be passed over.
    fn foreign(&self, error: MessageError) -> anyhow::Result<Option<u64>> {
        if self.follow.queue.skips_foreign() && !matches!(error, MessageError::Newer(_)) {
            tracing::warn!(%error, "a foreign message was passed over");
            return Ok(None);
        }
        Err(anyhow::Error::new(error).context(
            "going on could lose trades; remove it, or set `foreign = \"skip\"` in `[queue]`",
        ))
    }

    async fn pass_on(
        &mut self,
        consumer: &mut QueueConsumer,
        done: Done,
    ) -> Result<(), QueueError> {
        if done.consumer == self.consumer {
            consumer.saved(done.partition, done.place).await?;
        }
        Ok(())
    }

    /// Passes on what was saved at the end, as far as the broker is there to hear it.
    async fn pass_on_rest(&mut self, consumer: &mut QueueConsumer) {
        while let Ok(done) = self.saved.try_recv() {
            if self.pass_on(consumer, done).await.is_err() {
                return;
            }
        }
    }

    /// A trade came, or may come now: idleness begins anew.
    fn rest(&mut self) {
        self.idle_at = self.follow.until_idle.map(|idle| Instant::now() + idle);
    }
}
