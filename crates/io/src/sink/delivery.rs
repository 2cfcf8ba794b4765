//! Brings points to a sink: live where it can, from the store where it must, and never gives up.
//!
//! The cursor is the number of the first point that was not acknowledged. It moves only after the
//! sink has said yes, and it is saved with a later checkpoint; so after a crash points are written
//! again and none is left out, which is harmless because a sink's `write` is idempotent.

use std::sync::Arc;
use std::time::Duration;

use crate::backoff::{Backoff, BackoffPolicy};
use crate::clock::Stopwatch;
use crate::store::{EmittedPage, PointRow, ReaderPool, StoreError};

use tokio::sync::watch;

use super::tail::{Tail, Taken};
use super::{DropCause, Dropped, Sink, SinkError, Written};

/// Numbers that one look into the store covers.
const PAGE_POINTS: u64 = 50_000;

/// How often the store is asked for points that it does not hold yet.
const STORE_POLL: Duration = Duration::from_millis(250);

/// Longest wait between tries while the rest is written at the end.
const HURRIED_WAIT: Duration = Duration::from_millis(200);

/// How a delivery works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliverySettings {
    /// The longest that a point waits for company in its batch.
    pub batch_wait: Duration,
    /// How long the rest is tried at the end; what is left is sent at the next start.
    pub finish: Duration,
    /// Waits between tries.
    pub backoff: BackoffPolicy,
    /// For the jitter of the waits.
    pub seed: u64,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            batch_wait: Duration::from_millis(5),
            finish: Duration::from_secs(3),
            backoff: BackoffPolicy::default(),
            seed: 0,
        }
    }
}

/// Is told what a delivery does; it counts and writes it down, and must not block.
pub trait Watch: Send + Sync {
    /// A batch was taken.
    fn written(&self, written: &Written, took: Duration);
    /// Something will never be in the sink.
    fn dropped(&self, dropped: &Dropped);
    /// A batch was not taken; it is tried again after `wait`.
    fn failed(&self, error: &SinkError, wait: Duration);
    /// So many points were emitted and are not acknowledged.
    fn lag(&self, points: u64);
}

/// How many points were left when a delivery was told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// They are sent at the next start.
    pub points: u64,
}

/// The one that feeds a sink.
#[derive(Debug)]
pub struct Delivery<S, W> {
    sink: S,
    watch: W,
    tail: Tail,
    store: Arc<ReaderPool>,
    settings: DeliverySettings,
    backoff: Backoff,
    next: u64,
    /// The end is near: there is no time for long waits.
    hurry: watch::Receiver<bool>,
    /// Nothing was acknowledged before: what the store has let go of long ago was never meant.
    is_first: bool,
}

impl<S: Sink<PointRow>, W: Watch> Delivery<S, W> {
    /// Goes on at `cursor`, the first point that was not acknowledged, or with the oldest point
    /// that `store` holds.
    pub fn new(
        (sink, watch): (S, W),
        (tail, store): (Tail, Arc<ReaderPool>),
        cursor: Option<u64>,
        settings: DeliverySettings,
    ) -> Self {
        let next = cursor.unwrap_or(0);
        tail.acknowledge(next);
        Self {
            sink,
            watch,
            tail,
            store,
            settings,
            backoff: Backoff::new(settings.backoff, settings.seed),
            next,
            hurry: watch::channel(false).1,
            is_first: cursor.is_none(),
        }
    }

    /// Delivers until `told` completes and the rest is written, or the time for that is over.
    ///
    /// # Errors
    /// If the store cannot be read: going on would leave points out.
    pub async fn run(mut self, told: impl Future<Output = ()> + Send) -> Result<Left, StoreError> {
        let (tail, finish) = (self.tail.clone(), self.settings.finish);
        let (tell_hurry, hurry) = watch::channel(false);
        self.hurry = hurry;
        let mut deliver = std::pin::pin!(self.deliver());
        tokio::select! {
            failed = &mut deliver => return failed.map(|()| Left { points: tail.lag() }),
            () = told => {}
        }
        tell_hurry.send_replace(true);
        tokio::select! {
            failed = &mut deliver => failed?,
            () = drained(&tail) => {}
            () = tokio::time::sleep(finish) => {}
        }
        Ok(Left { points: tail.lag() })
    }

    /// Never ends but by an error.
    async fn deliver(&mut self) -> Result<(), StoreError> {
        loop {
            let most = self.sink.batch_items().max(1);
            match self.tail.take(self.next, most) {
                Taken::Rows(rows) => {
                    let rows = self.with_company(rows, most).await;
                    self.write(&rows).await;
                    self.acknowledge(self.next + rows.len() as u64);
                }
                Taken::Elsewhere => self.catch_up().await?,
                Taken::Nothing => self.tail.news().await,
            }
        }
    }

    /// Waits a little for more points, so that a batch is worth its request.
    async fn with_company(&mut self, mut rows: Vec<PointRow>, most: usize) -> Vec<PointRow> {
        let next = self.next + rows.len() as u64;
        let wait = self.settings.batch_wait;
        if rows.len() >= most || wait.is_zero() {
            return rows;
        }
        let enough = async {
            while self.tail.waiting(next) + rows.len() < most {
                self.tail.news().await;
            }
        };
        // Time over is as good as enough.
        drop(tokio::time::timeout(wait, enough).await);
        if let Taken::Rows(more) = self.tail.take(next, most - rows.len()) {
            rows.extend(more);
        }
        rows
    }

    /// Sends what the store holds and the tail does not.
    async fn catch_up(&mut self) -> Result<(), StoreError> {
        let page = self.page().await?;
        if page.next == self.next {
            // Analysis has emitted it, or is about to: it is saved in a moment.
            drop(tokio::time::timeout(STORE_POLL, self.tail.news()).await);
            return Ok(());
        }
        self.tell_missing(&page);
        let mut rest = page.rows.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(self.sink.batch_items().clamp(1, rest.len()));
            self.write(batch).await;
            if let Some(next) = later.first() {
                self.acknowledge(next.emission);
            }
            rest = later;
        }
        self.acknowledge(page.next);
        Ok(())
    }

    async fn page(&mut self) -> Result<EmittedPage, StoreError> {
        let (store, next) = (Arc::clone(&self.store), self.next);
        let read = move || store.with(|reader| reader.emitted(next, PAGE_POINTS));
        match tokio::task::spawn_blocking(read).await {
            Ok(page) => page,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Points that were removed before they were sent are never passed over in silence.
    fn tell_missing(&mut self, page: &EmittedPage) {
        let mut missing = (page.next - self.next).saturating_sub(page.rows.len() as u64);
        if self.is_first {
            let first = page.rows.first().map_or(page.next, |row| row.emission);
            missing = missing.saturating_sub(first - self.next);
            self.is_first = page.rows.is_empty();
        }
        if missing > 0 {
            self.watch.dropped(&Dropped {
                cause: DropCause::StoreRetention,
                lines: missing,
                reason: "the store had thinned or removed these points before they could be \
                         sent; [store] full says how long it keeps every point"
                    .to_owned(),
            });
        }
    }

    /// Writes a batch, however long it takes.
    async fn write(&mut self, batch: &[PointRow]) {
        loop {
            self.watch.lag(self.tail.lag());
            let watch = Stopwatch::start();
            let error = match self.sink.write(batch).await {
                Ok(written) => {
                    self.taken(&written, watch.elapsed());
                    return;
                }
                Err(error) => error,
            };
            let wait = match &error {
                SinkError::Unavailable {
                    retry_after: Some(asked),
                    ..
                } => self.backoff.after_request(*asked),
                SinkError::Unavailable { .. } | SinkError::Misconfigured { .. } => {
                    self.backoff.after_failure()
                }
                SinkError::Refused { .. } => self.backoff.after_refusal(),
            };
            self.watch.failed(&error, wait);
            self.pause(wait).await;
        }
    }

    /// Waits so long, or for a moment when the end is near.
    async fn pause(&mut self, wait: Duration) {
        let near = async { drop(self.hurry.wait_for(|hurry| *hurry).await) };
        let is_near = tokio::time::timeout(wait, near).await.is_ok();
        if is_near {
            tokio::time::sleep(wait.min(HURRIED_WAIT)).await;
        }
    }

    fn taken(&mut self, written: &Written, took: Duration) {
        self.watch.written(written, took);
        for dropped in &written.dropped {
            self.watch.dropped(dropped);
        }
        self.backoff.succeeded();
    }

    fn acknowledge(&mut self, next: u64) {
        self.next = next;
        self.tail.acknowledge(next);
        self.watch.lag(self.tail.lag());
    }
}

/// Completes once everything that was emitted is acknowledged.
async fn drained(tail: &Tail) {
    while tail.lag() > 0 {
        tail.acknowledgement().await;
    }
}
