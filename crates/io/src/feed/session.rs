//! One open connection: subscribes, reads, pings, until it ends.
//!
//! Frames that are ready are read in one go and share a batch, so that the cost of a channel, a
//! timer and a wake-up is paid once for many frames when trades come fast, and a single frame waits
//! for nothing.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::{SinkExt as _, Stream as _};
use stock_up_core::GapCause;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error as SocketError, Message, Utf8Bytes};

use super::bad::BadFrame;
use super::dial::Socket;
use super::driver::{Driver, Gone, changed};
use super::liveness::{Liveness, Pulse};
use super::repeats::DuplicateFrames;
use super::signal::FeedSignal;
use super::subscriptions::SubscriptionChange;
use super::venue::{FrameKind, FrameRules, Intake, Venue, VenueErrorKind};

/// Most frames that are read before timers and wishes get their turn.
const MAX_READY_FRAMES: usize = 256;
/// A batch with so many trades is handed on although more are ready.
const BATCH_TRADES: usize = 1_024;
/// Sending what is small may take so long; else nobody is there.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Saying goodbye may take so long.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// We were told to stop.
    Stopped,
    /// It broke or was closed.
    Lost { cause: GapCause, detail: String },
    /// It carried what no websocket may carry; this close code says what.
    Broken { code: CloseCode, detail: String },
    /// The venue does not want us.
    Refused { reason: String },
}

/// Why reading stops: the connection ended, or nobody wants to know.
enum Halt {
    End(End),
    Gone,
}

impl From<Gone> for Halt {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// An open connection.
pub(super) struct Session<'d, V> {
    driver: &'d mut Driver<V>,
    socket: Socket,
    liveness: Liveness,
    intake: Intake,
    /// The last proof of life, and the last one that was told.
    heard: i64,
    told: i64,
    /// A ping was read; its answer is queued and must be flushed.
    flush_due: bool,
}

impl<'d, V: Venue> Session<'d, V> {
    pub(super) fn new(driver: &'d mut Driver<V>, socket: Socket) -> Self {
        let silence = driver.feed.venue.profile().heartbeat.silence;
        Self {
            driver,
            socket,
            liveness: Liveness::new(silence),
            intake: Intake::default(),
            heard: 0,
            told: 0,
            flush_due: false,
        }
    }

    /// Lives until the connection ends; how, and when it last proved to be alive.
    pub(super) async fn run(mut self) -> Result<(End, i64), Gone> {
        let end = match self.live().await {
            Ok(never) => match never {},
            Err(Halt::Gone) => return Err(Gone),
            Err(Halt::End(end)) => end,
        };
        self.deliver().await?;
        match end {
            End::Stopped | End::Refused { .. } => self.close(CloseCode::Normal).await,
            End::Broken { code, .. } => self.close(code).await,
            End::Lost { .. } => {}
        }
        Ok((end, self.heard))
    }

    async fn live(&mut self) -> Result<std::convert::Infallible, Halt> {
        self.open().await?;
        let every = self.driver.feed.venue.profile().heartbeat.ping_every;
        let mut ticker = interval(every);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.driver.stop.told() => return Err(Halt::End(End::Stopped)),
                now = ticker.tick() => self.tick(now).await?,
                () = changed(&mut self.driver.wishes) => self.subscribe_changes().await?,
                message = next(&mut self.socket) => self.read(message).await?,
            }
        }
    }

    /// Tells that the connection is up, and asks for everything that is wanted.
    async fn open(&mut self) -> Result<(), Halt> {
        self.driver.repeats.restart();
        self.heard = self.driver.feed.clock.now();
        self.told = self.heard;
        let ts = self.heard;
        self.driver.tell(FeedSignal::Connected { ts }).await?;
        let everything = SubscriptionChange {
            add: self.driver.subscriptions.wanted().to_vec(),
            remove: Vec::new(),
        };
        self.request(everything).await
    }

    async fn subscribe_changes(&mut self) -> Result<(), Halt> {
        let change = self.driver.wish().await?;
        self.request(change).await
    }

    async fn request(&mut self, change: SubscriptionChange) -> Result<(), Halt> {
        let mut messages = Vec::new();
        self.driver.feed.venue.requests(&change, &mut messages);
        if messages.is_empty() {
            return Ok(());
        }
        let socket = &mut self.socket;
        in_time(async {
            for message in messages {
                socket.feed(Message::text(message)).await?;
            }
            socket.flush().await
        })
        .await?;
        self.driver.staleness.restart(Instant::now());
        if change.add.is_empty() {
            return Ok(());
        }
        let ts = self.driver.feed.clock.now();
        let symbols = change.add;
        Ok(self
            .driver
            .tell(FeedSignal::Subscribed { ts, symbols })
            .await?)
    }

    /// Reads what is ready, beginning with `message`, and hands its trades on.
    async fn read(&mut self, message: Incoming) -> Result<(), Halt> {
        let mut now = self.driver.feed.clock.now();
        let mut incoming = Some(message);
        let mut budget = MAX_READY_FRAMES;
        while let Some(message) = incoming {
            self.heard = now;
            self.liveness.heard();
            if let Some(complaint) = self.take(message, now)? {
                self.deliver().await?;
                self.driver.tell(complaint).await?;
            }
            if self.intake.batch.trades.len() >= BATCH_TRADES {
                self.deliver().await?;
                now = self.driver.feed.clock.now();
            }
            budget -= 1;
            incoming = if budget == 0 {
                None
            } else {
                ready(&mut self.socket).await
            };
        }
        self.deliver().await?;
        if std::mem::take(&mut self.flush_due) {
            in_time(self.socket.flush()).await?;
        }
        Ok(())
    }

    /// Takes one message in; a complaint of the venue is returned.
    fn take(&mut self, message: Incoming, now: i64) -> Result<Option<FeedSignal>, Halt> {
        match message {
            Some(Ok(Message::Text(text))) => self.decode(&text, now),
            Some(Ok(Message::Ping(_))) => {
                self.flush_due = true;
                Ok(None)
            }
            Some(Ok(Message::Close(frame))) => Err(lost(&close_text(frame))),
            Some(Ok(Message::Binary(_))) => Err(self.broken(&BadFrame::Binary)),
            Some(Ok(_)) => Ok(None),
            None => Err(lost("the venue closed the connection")),
            Some(Err(error)) => Err(self.failed(error)),
        }
    }

    fn decode(&mut self, frame: &Utf8Bytes, now: i64) -> Result<Option<FeedSignal>, Halt> {
        let driver = &mut *self.driver;
        driver.report.frames += 1;
        if driver.repeats.is_repeat(frame) {
            driver.report.repeated_frames += 1;
            if driver.feed.settings.duplicate_frames == DuplicateFrames::Collapse {
                driver.report.collapsed_frames += 1;
                return Ok(None);
            }
        }
        if self.intake.batch.trades.is_empty() {
            self.intake.batch.ts_recv = now;
        }
        let rules = FrameRules {
            now,
            subscribed: Some(driver.subscriptions.names()),
        };
        match driver
            .feed
            .venue
            .decode(frame.as_bytes(), &rules, &mut self.intake)
        {
            Ok(FrameKind::Trades | FrameKind::Ping | FrameKind::Control) => Ok(None),
            Ok(FrameKind::Error(mut error)) => {
                error.text = driver.safe(&error.text);
                if error.kind == VenueErrorKind::Auth {
                    let reason = format!("the venue says: {}", error.text);
                    return Err(Halt::End(End::Refused { reason }));
                }
                Ok(Some(FeedSignal::VenueError(error)))
            }
            Err(bad) => {
                driver.report.bad.frame(&bad);
                Ok(None)
            }
        }
    }

    /// Hands on the trades that were taken in.
    async fn deliver(&mut self) -> Result<(), Gone> {
        let report = &mut self.driver.report;
        report.paired_frames += std::mem::take(&mut self.intake.paired_frames);
        if !self.intake.bad.is_empty() {
            report.bad.merge(std::mem::take(&mut self.intake.bad));
        }
        if self.intake.batch.trades.is_empty() {
            self.intake.batch.clear();
            return Ok(());
        }
        let batch = std::mem::take(&mut self.intake.batch);
        report.trades += u64::try_from(batch.trades.len()).unwrap_or(u64::MAX);
        if self.driver.staleness.traded(Instant::now()) {
            let ts = batch.ts_recv;
            self.driver.tell(FeedSignal::Fresh { ts }).await?;
        }
        self.driver.tell(FeedSignal::Trades(batch)).await
    }

    /// Once for each ping: tells what is due and asks whether anybody is there.
    async fn tick(&mut self, now: Instant) -> Result<(), Halt> {
        // Order matters: an answer that lies in the socket counts before silence is declared.
        if let Some(message) = ready(&mut self.socket).await {
            self.read(message).await?;
        }
        if self.liveness.pulse(now) == Pulse::Silent {
            let silence = self.driver.feed.venue.profile().heartbeat.silence;
            return Err(Halt::End(End::Lost {
                cause: GapCause::Silent,
                detail: format!("no frame and no answer to pings for {silence:?}"),
            }));
        }
        if self.heard > self.told {
            self.told = self.heard;
            let ts = self.heard;
            self.driver.tell(FeedSignal::Heard { ts }).await?;
        }
        let observed = !self.driver.subscriptions.wanted().is_empty();
        if observed && self.driver.staleness.falls_stale(now) {
            let ts = self.driver.feed.clock.now();
            self.driver.tell(FeedSignal::Stale { ts }).await?;
        }
        self.driver.tell_report().await?;
        self.liveness.asked(now);
        in_time(self.socket.send(Message::Ping(Bytes::new()))).await
    }

    /// A frame that no websocket may carry: the connection cannot be trusted any more.
    fn broken(&mut self, bad: &BadFrame) -> Halt {
        self.driver.report.bad.frame(bad);
        Halt::End(End::Broken {
            code: match bad {
                BadFrame::Utf8 { .. } => CloseCode::Invalid,
                BadFrame::TooLong { .. } => CloseCode::Size,
                BadFrame::Binary => CloseCode::Unsupported,
                _ => CloseCode::Protocol,
            },
            detail: bad.to_string(),
        })
    }

    fn failed(&mut self, error: SocketError) -> Halt {
        match error {
            SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                lost("the connection was lost without a close frame (1006)")
            }
            SocketError::Io(error) => lost(&format!("the connection was lost: {error}")),
            SocketError::Utf8(_) => self.broken(&BadFrame::Utf8 { at: 0 }),
            SocketError::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
                let max = max_size;
                self.broken(&BadFrame::TooLong { size, max })
            }
            SocketError::Protocol(error) => self.broken(&BadFrame::Protocol {
                problem: error.to_string(),
            }),
            error => lost(&error.to_string()),
        }
    }

    /// Says goodbye, without waiting for an answer.
    async fn close(&mut self, code: CloseCode) {
        let frame = CloseFrame {
            code,
            reason: Utf8Bytes::from_static(""),
        };
        // The connection is given up either way.
        drop(timeout(CLOSE_TIMEOUT, self.socket.close(Some(frame))).await);
    }
}

/// What a socket gives: a message, an error, or nothing any more.
type Incoming = Option<Result<Message, SocketError>>;

/// The next message.
async fn next(socket: &mut Socket) -> Incoming {
    std::future::poll_fn(|cx| Pin::new(&mut *socket).poll_next(cx)).await
}

/// The next message, if there is one by now.
async fn ready(socket: &mut Socket) -> Option<Incoming> {
    std::future::poll_fn(|cx| {
        Poll::Ready(match Pin::new(&mut *socket).poll_next(cx) {
            Poll::Ready(incoming) => Some(incoming),
            Poll::Pending => None,
        })
    })
    .await
}

async fn in_time(write: impl Future<Output = Result<(), SocketError>>) -> Result<(), Halt> {
    match timeout(WRITE_TIMEOUT, write).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(lost(&format!("cannot send: {error}"))),
        Err(_) => Err(lost("cannot send: the venue takes nothing in")),
    }
}

fn lost(detail: &str) -> Halt {
    Halt::End(End::Lost {
        cause: GapCause::Disconnected,
        detail: detail.to_owned(),
    })
}

fn close_text(frame: Option<CloseFrame>) -> String {
    match frame {
        None => "the venue closed the connection".to_owned(),
        Some(frame) if frame.reason.is_empty() => {
            format!("the venue closed the connection: {}", frame.code)
        }
        Some(frame) => format!(
            "the venue closed the connection: {} {}",
            frame.code, frame.reason
        ),
    }
}
