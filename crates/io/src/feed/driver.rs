//! The one driver of all venues: connects, waits, connects again.
//!
//! One task owns everything; there are no locks. What happens on an open connection is in
//! [`super::session`]. The driver ends only when it is told to, or when nobody listens any more.

use std::time::Duration;

use stock_up_core::GapCause;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::bad::printable;
use super::dial::{Socket, dial};
use super::endpoint::EndpointError;
use super::handshake::{Verdict, Wait, judge};
use super::liveness::Staleness;
use super::repeats::{DuplicateFrames, RepeatedFrames};
use super::session::{End, Session};
use super::signal::{FeedReport, FeedSignal};
use super::stop::Stop;
use super::subscriptions::{SubscriptionChange, Subscriptions};
use super::tls::{TlsError, connector};
use super::venue::Venue;
use crate::backoff::{Backoff, BackoffPolicy};
use crate::clock::Clock;

/// Longest reason or detail in a signal, in characters.
const DETAIL_CHARS: usize = 300;

/// How a feed behaves, whatever its venue.
#[derive(Debug, Clone)]
pub struct FeedSettings {
    /// Waits between tries.
    pub backoff: BackoffPolicy,
    /// A try to connect, handshake included, may take so long.
    pub connect_timeout: Duration,
    /// No trade for so long is told as `Stale`; `None` never is.
    pub stale_after: Option<Duration>,
    /// What to do with frames that come again byte for byte.
    pub duplicate_frames: DuplicateFrames,
}

impl Default for FeedSettings {
    fn default() -> Self {
        Self {
            backoff: BackoffPolicy::default(),
            connect_timeout: Duration::from_secs(10),
            stale_after: None,
            duplicate_frames: DuplicateFrames::Keep,
        }
    }
}

/// Why a feed cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The address is not allowed.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The authorities cannot be read.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A feed of one venue: a live connection, kept up.
pub struct Feed<V> {
    pub(super) venue: V,
    pub(super) settings: FeedSettings,
    pub(super) clock: Clock,
    tls: TlsConnector,
}

impl<V: Venue> Feed<V> {
    /// A feed that will connect when it [runs](Self::run).
    ///
    /// # Errors
    /// [`FeedError`] when the endpoint is not allowed or its certificates cannot be read.
    pub fn new(venue: V, settings: FeedSettings, clock: Clock) -> Result<Self, FeedError> {
        let endpoint = &venue.profile().endpoint;
        endpoint.check()?;
        let tls = connector(endpoint.ca_file.as_deref())?;
        Ok(Self {
            venue,
            settings,
            clock,
            tls,
        })
    }

    /// Keeps the feed up until `shutdown` completes or nobody receives the signals any more.
    ///
    /// `wishes` holds the symbols to observe; a change takes effect on the open connection.
    pub async fn run(
        self,
        wishes: watch::Receiver<Vec<String>>,
        signals: mpsc::Sender<FeedSignal>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        // Jitter only has to differ between machines and starts.
        let seed = self.clock.now().cast_unsigned() ^ u64::from(std::process::id());
        let mut driver = Driver {
            backoff: Backoff::new(self.settings.backoff, seed),
            staleness: Staleness::new(self.settings.stale_after, Instant::now()),
            feed: self,
            subscriptions: Subscriptions::default(),
            wishes,
            signals,
            stop: Stop::new(shutdown),
            report: FeedReport::default(),
            repeats: RepeatedFrames::default(),
        };
        // Nobody left to tell is as good an end as being told.
        driver.run().await.unwrap_or_default();
    }
}

impl<V> std::fmt::Debug for Feed<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let settings = &self.settings;
        f.debug_struct("Feed")
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}

/// Nobody receives the signals any more.
#[derive(Debug)]
pub(super) struct Gone;

/// A feed at work.
pub(super) struct Driver<V> {
    pub(super) feed: Feed<V>,
    pub(super) subscriptions: Subscriptions,
    pub(super) wishes: watch::Receiver<Vec<String>>,
    signals: mpsc::Sender<FeedSignal>,
    pub(super) stop: Stop,
    pub(super) staleness: Staleness,
    pub(super) report: FeedReport,
    pub(super) repeats: RepeatedFrames,
    backoff: Backoff,
}

impl<V: Venue> Driver<V> {
    async fn run(&mut self) -> Result<(), Gone> {
        self.wish().await?;
        loop {
            self.tell(FeedSignal::Connecting).await?;
            let wait = match self.connect().await {
                None => break,
                Some(Ok(socket)) => match self.converse(socket).await? {
                    None => break,
                    Some(wait) => wait,
                },
                Some(Err(verdict)) => self.failed(verdict).await?,
            };
            if !self.rest(wait).await? {
                break;
            }
        }
        self.tell(FeedSignal::Ended).await
    }

    /// One try to connect; `None` when it is time to stop.
    async fn connect(&mut self) -> Option<Result<Socket, Verdict>> {
        let limit = self.feed.settings.connect_timeout;
        let endpoint = &self.feed.venue.profile().endpoint;
        let tried = tokio::select! {
            biased;
            () = self.stop.told() => return None,
            tried = tokio::time::timeout(limit, dial(endpoint, &self.feed.tls)) => tried,
        };
        Some(match tried {
            Ok(Ok(socket)) => Ok(socket),
            Ok(Err(error)) => Err(judge(&error)),
            Err(_) => Err(Verdict {
                refused: false,
                reason: format!("no connection within {limit:?}"),
                wait: Wait::Backoff,
            }),
        })
    }

    /// Lives through a connection; the wait before the next, or `None` when it is time to stop.
    async fn converse(&mut self, socket: Socket) -> Result<Option<Duration>, Gone> {
        let started = Instant::now();
        let (end, heard_ts) = Session::new(self, socket).run().await?;
        self.backoff.lived(started.elapsed());
        let (cause, detail, refused) = match end {
            End::Stopped => {
                self.tell_report().await?;
                return Ok(None);
            }
            End::Lost { cause, detail } => (cause, detail, false),
            End::Broken { detail, .. } => (GapCause::BadFrames, detail, false),
            End::Refused { reason } => (GapCause::Disconnected, reason, true),
        };
        self.tell_report().await?;
        let detail = self.safe(&detail);
        self.tell(FeedSignal::Disconnected {
            heard_ts,
            cause,
            detail: detail.clone(),
        })
        .await?;
        if refused {
            let verdict = Verdict {
                refused,
                reason: detail,
                wait: Wait::Long,
            };
            return self.failed(verdict).await.map(Some);
        }
        Ok(Some(self.backoff.after_failure()))
    }

    /// Tells of a try that failed; returns the wait before the next.
    async fn failed(&mut self, verdict: Verdict) -> Result<Duration, Gone> {
        let retry_in = match verdict.wait {
            Wait::Backoff => self.backoff.after_failure(),
            Wait::Long => self.backoff.after_refusal(),
            Wait::Asked(asked) => self.backoff.after_request(asked),
        };
        let reason = self.safe(&verdict.reason);
        let signal = if verdict.refused {
            FeedSignal::Refused { reason, retry_in }
        } else {
            FeedSignal::Unreachable { reason, retry_in }
        };
        self.tell(signal).await?;
        Ok(retry_in)
    }

    /// Waits, and takes over new wishes meanwhile; false when it is time to stop.
    async fn rest(&mut self, wait: Duration) -> Result<bool, Gone> {
        let over = tokio::time::sleep(wait);
        tokio::pin!(over);
        loop {
            tokio::select! {
                biased;
                () = self.stop.told() => return Ok(false),
                () = self.signals.closed() => return Err(Gone),
                () = &mut over => return Ok(true),
                () = changed(&mut self.wishes) => {
                    self.wish().await?;
                }
            }
        }
    }

    /// Takes over the current wish, tells what is no longer wanted and what cannot be had, and
    /// returns the difference.
    pub(super) async fn wish(&mut self) -> Result<SubscriptionChange, Gone> {
        let wish = self.wishes.borrow_and_update().clone();
        let max_symbols = self.feed.venue.profile().max_symbols;
        let (change, refused) = self.subscriptions.wish(&wish, max_symbols);
        if !refused.is_empty() {
            self.tell(FeedSignal::RefusedSymbols(refused)).await?;
        }
        if !change.remove.is_empty() {
            let ts = self.feed.clock.now();
            let symbols = change.remove.clone();
            self.tell(FeedSignal::Unsubscribed { ts, symbols }).await?;
        }
        Ok(change)
    }

    /// Hands a signal on; waits when the receiver is busy.
    pub(super) async fn tell(&mut self, signal: FeedSignal) -> Result<(), Gone> {
        self.signals.send(signal).await.map_err(|_| Gone)
    }

    pub(super) async fn tell_report(&mut self) -> Result<(), Gone> {
        match self.report.take() {
            Some(report) => self.tell(FeedSignal::Report(report)).await,
            None => Ok(()),
        }
    }

    /// A text from outside as one that may be shown.
    pub(super) fn safe(&self, text: &str) -> String {
        let endpoint = &self.feed.venue.profile().endpoint;
        printable(&endpoint.scrub(text), DETAIL_CHARS)
    }
}

/// Waits for another wish; for ever when nobody can have one any more.
pub(super) async fn changed(wishes: &mut watch::Receiver<Vec<String>>) {
    if wishes.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
