//! Roles analyze and serve over a queue: messages of partitions become points.
//!
//! ```text
//! consumer ──message──▶ check ──records──▶ one analysis a partition ──points──▶ its store
//!     ▲                                                   └────────────────────▶ hub ─▶ serve
//!     └──────────── what is saved need not come again ◀───┘
//! ```
//!
//! One task owns the consumer and hands messages out; each partition has an analyzer with a thread,
//! a store and a saved position of its own, so it can go to another machine by itself. When the
//! consumer is lost, analysis stays where it is and a new consumer goes on; what comes twice is
//! known by its numbers.

mod dir;
mod history;
mod leave;
mod origin;
mod part;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use stock_up_core::Record;
use stock_up_core::partition::partition_of;
use stock_up_io::clock::Clock;
use stock_up_io::queue::message::{self, MessageError};
use stock_up_io::queue::{Consumer, Event, Incoming, Place, QueueError, Start};
use stock_up_io::store::RetentionPolicy;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

pub(crate) use dir::FollowDir;
pub(crate) use history::Partitioned;
pub(crate) use origin::Origin;

use crate::analyze::{Done, Patience};
use crate::config::Config;
use crate::hub::Hub;
use crate::queue::{Queue, QueueConsumer, Reading, Waits};
use crate::sink::Targets;
use crate::telemetry::Telemetry;
use leave::Leaving;
use part::{Empty, Opened, Running};

/// Notes of what was saved that wait to be passed on; the newest says all.
const WAITING_SAVED: usize = 64;

/// How often the partitions are looked at: one that has ended ends the process.
const LOOK: Duration = Duration::from_millis(200);

/// What a process that follows a queue works with.
#[derive(Debug)]
pub(crate) struct Follow {
    pub(crate) queue: Queue,
    pub(crate) reading: Reading,
    pub(crate) dir: FollowDir,
    pub(crate) history: Partitioned,
    pub(crate) hub: Hub,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) retention: RetentionPolicy,
    /// Where points go besides; only who analyzes sends them on.
    pub(crate) targets: Targets,
    pub(crate) config: Config,
    /// States are shared with the other analyzers; starts wait so long for that.
    pub(crate) shares: Option<Patience>,
    pub(crate) clock: Clock,
    /// What sinks run on.
    pub(crate) runtime: Handle,
    /// No `collect` in this process counts the trades.
    pub(crate) receives: bool,
    /// End after so long without a trade.
    pub(crate) until_idle: Option<Duration>,
}

/// A process that follows a queue, at work.
struct Follower {
    follow: Follow,
    parts: BTreeMap<u32, Running>,
    /// Partitions whose first message has not come yet.
    empty: BTreeMap<u32, Empty>,
    /// Partitions that somebody else waits for.
    leaving: Leaving,
    /// Where partitions tell what is saved.
    tell: mpsc::Sender<Done>,
    saved: mpsc::Receiver<Done>,
    /// Counts the consumers: places of an earlier one mean nothing to a later one.
    consumer: u64,
    idle_at: Option<Instant>,
    /// From where on partitions asked for records to be sent again.
    asked: BTreeMap<u32, u64>,
    /// Partitions whose place is gone from the broker.
    overtaken: BTreeSet<u32>,
}

/// Why a consumer was given up.
enum Stopped {
    /// The process is to end.
    Told,
    Lost(QueueError),
}

impl Follow {
    /// Follows the queue until `told`, or until no trade came for as long as was asked.
    ///
    /// # Errors
    /// What a person has to decide, or a failure of the disk.
    pub(crate) async fn run(self, told: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
        let (tell, saved) = mpsc::channel(WAITING_SAVED);
        let follower = Follower {
            follow: self,
            parts: BTreeMap::new(),
            empty: BTreeMap::new(),
            leaving: Leaving::default(),
            tell,
            saved,
            consumer: 0,
            idle_at: None,
            asked: BTreeMap::new(),
            overtaken: BTreeSet::new(),
        };
        follower.run(told).await
    }
}

impl Follower {
    async fn run(mut self, told: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
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
                // What is left of it is looked through for records that are published again.
                Stopped::Lost(error @ QueueError::Overtaken { partition, .. }) => {
                    tracing::error!("{error}");
                    self.overtaken.insert(partition);
                }
                Stopped::Lost(error) => return Err(error.into()),
            }
            tokio::select! {
                () = &mut told => break,
                () = sleep(waits.after_failure()) => {}
            }
        }
        self.leave_all().await
    }

    /// Works with a consumer until it is lost, or until it is time to end and everything is saved.
    async fn work(
        &mut self,
        consumer: &mut QueueConsumer,
        told: std::pin::Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> anyhow::Result<Stopped> {
        if self.asked.is_empty() {
            self.follow.hub.publish_ready();
        }
        let stopped = self.consume(consumer, told).await?;
        if matches!(stopped, Stopped::Told) {
            // Order matters: who gets our partitions next must find their states.
            self.leave_all().await?;
            self.pass_on_rest(consumer).await;
        }
        Ok(stopped)
    }

    /// Saves and ends everything.
    async fn leave_all(&mut self) -> anyhow::Result<()> {
        self.empty.clear();
        for (partition, part) in std::mem::take(&mut self.parts) {
            self.leave(partition, part);
        }
        self.leaving.all().await
    }

    /// Begins to save a partition that is not ours any more.
    fn leave(&mut self, partition: u32, part: Running) {
        let Follow {
            history,
            hub,
            telemetry,
            ..
        } = &self.follow;
        history.remove(partition);
        self.asked.remove(&partition);
        let partitions = part.partitions();
        hub.forget(|symbol| partition_of(symbol, partitions) == partition);
        self.leaving.add(partition, part);
        telemetry.publish.partitions.set(count(self.parts.len()));
    }

    /// Reads until it is time to end, or the consumer is lost.
    async fn consume(
        &mut self,
        consumer: &mut QueueConsumer,
        mut told: std::pin::Pin<&mut (impl Future<Output = ()> + Send)>,
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
                _ = look.tick() => { self.look()?; Ok(()) }
                Some(done) = self.saved.recv() => self.pass_on(consumer, done).await,
                left = self.leaving.next() => {
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
        match self.asked.first_key_value() {
            None => Ok(Stopped::Told),
            Some((partition, wanted)) => Err(anyhow!(self.hole(*partition, *wanted))),
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
                let start = self.assigned(partition)?;
                self.rest();
                Ok(consumer.start(partition, start).await)
            }
            Event::Revoked(partition) => {
                self.empty.remove(&partition);
                match self.parts.remove(&partition) {
                    // It is released when it has saved.
                    Some(part) => {
                        self.leave(partition, part);
                        Ok(Ok(()))
                    }
                    None => Ok(consumer.release(partition).await),
                }
            }
            Event::Message(incoming) => {
                let Some(wanted) = self.message(&incoming).await? else {
                    return Ok(Ok(()));
                };
                self.rewind(consumer, incoming.partition, wanted).await
            }
        }
    }

    /// What a person must know of records that do not come by themselves.
    fn hole(&self, partition: u32, wanted: u64) -> String {
        let queue = &self.follow.queue;
        format!(
            "{}, partition {partition}: records from {wanted} on are missing, and the broker no \
             longer has them; analysis of the partition waits: {}",
            queue.name(),
            queue.how_to_repeat()
        )
    }

    /// What was missing has come, as far as is known.
    fn filled(&mut self, partition: u32) {
        self.overtaken.remove(&partition);
        let end = self.parts.get(&partition).map_or(0, Running::end);
        let was_missing = self
            .asked
            .get(&partition)
            .is_some_and(|wanted| *wanted < end);
        if was_missing {
            self.asked.remove(&partition);
            tracing::info!(partition, "the missing records came");
        }
        if was_missing && self.asked.is_empty() {
            self.follow.hub.publish_ready();
        }
    }

    /// Asks for records that the queue should have brought and did not, or waits for a person.
    async fn rewind(
        &mut self,
        consumer: &mut QueueConsumer,
        partition: u32,
        wanted: u64,
    ) -> anyhow::Result<Result<(), QueueError>> {
        if self.asked.get(&partition) == Some(&wanted) {
            // On their way.
            return Ok(Ok(()));
        }
        match consumer.ask_rewind(wanted).await {
            Ok(true) => {
                tracing::warn!(
                    partition,
                    from = wanted,
                    "asked for records to be sent again"
                );
                self.asked.insert(partition, wanted);
                Ok(Ok(()))
            }
            Ok(false) => {
                let told = self.hole(partition, wanted);
                tracing::error!("{told}");
                self.follow.hub.publish_not_ready(&told);
                self.asked.insert(partition, wanted);
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    /// Ends what is here of a partition that comes anew, where somebody else may have gone on with
    /// it while the queue was away: what is shared says.
    async fn renew(&mut self, partition: u32) -> anyhow::Result<()> {
        if self.follow.shares.is_some() && self.follow.config.redis.is_on() {
            self.empty.remove(&partition);
            if let Some(part) = self.parts.remove(&partition) {
                self.leave(partition, part);
            }
        }
        self.leaving.all().await
    }

    /// Where to begin a partition: after what is known of it already.
    fn assigned(&mut self, partition: u32) -> anyhow::Result<Start> {
        let is_overtaken = self.overtaken.contains(&partition);
        let at = |start| if is_overtaken { Start::Oldest } else { start };
        if let Some(part) = self.parts.get(&partition) {
            return Ok(at(Start::At(part.place)));
        }
        if self.empty.contains_key(&partition) {
            return Ok(Start::Oldest);
        }
        match Running::open((&self.follow, &self.tell), partition)? {
            Opened::Resumed(running, start) => {
                self.add(partition, *running);
                Ok(at(start))
            }
            Opened::Empty(empty) => {
                self.empty.insert(partition, *empty);
                Ok(Start::Oldest)
            }
        }
    }

    fn add(&mut self, partition: u32, running: Running) {
        self.parts.insert(partition, running);
        let here = count(self.parts.len());
        self.follow.telemetry.publish.partitions.set(here);
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
        if !self.parts.contains_key(&partition) {
            if batch.header.first_seq > 0 {
                return Ok(Some(0));
            }
            let Some(empty) = self.empty.remove(&partition) else {
                return Ok(None);
            };
            let at = Place(incoming.next.0.saturating_sub(1));
            let site = (&self.follow, &self.tell);
            let running = Running::begin(site, empty, &batch.header, at).with_context(about)?;
            self.add(partition, running);
        }
        let is_trade = |record: &Record| matches!(record, Record::Trades(_));
        let has_trades = batch.records.iter().any(is_trade);
        let mut missing = None;
        if let Some(part) = self.parts.get_mut(&partition) {
            let delivered = part.deliver(batch, incoming, self.consumer).await;
            missing = delivered.with_context(about)?;
        }
        if has_trades {
            self.rest();
        }
        if missing.is_none() {
            self.filled(partition);
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

    /// A partition that has ended by itself has failed.
    fn look(&mut self) -> anyhow::Result<()> {
        for (partition, part) in &mut self.parts {
            part.sinks.check()?;
            match part.ended.try_recv() {
                Ok(Ok(())) => return Err(anyhow!("analyze of partition {partition} ended early")),
                Ok(Err(error)) => {
                    return Err(error.context(format!("partition {partition}")));
                }
                Err(tokio::sync::oneshot::error::TryRecvError::Empty) => {}
                Err(tokio::sync::oneshot::error::TryRecvError::Closed) => {
                    return Err(anyhow!("analyze of partition {partition} panicked"));
                }
            }
        }
        Ok(())
    }

    /// A trade came, or may come now: idleness begins anew.
    fn rest(&mut self) {
        self.idle_at = self.follow.until_idle.map(|idle| Instant::now() + idle);
    }
}

/// As many, as a gauge has it.
fn count(parts: usize) -> i64 {
    i64::try_from(parts).unwrap_or(i64::MAX)
}
