//! A venue of our own: it speaks Finnhub's protocol over a recorded tape, and misbehaves on demand.
//!
//! It is what newcomers try things out with (`stock-up venue serve`), and what the tests of the
//! [driver](super::Feed) run against: real sockets, real handshakes. It keeps Finnhub's rules: a
//! token,
//! 50 symbols, one connection per token, no acknowledgements, pings as texts.
//!
//! Time on the tape stands still until somebody has subscribed to something and a short silence
//! shows that all requests are in, so that a client gets every trade from the first one on.

mod client;
mod control;
mod fault;
mod frame;
mod gate;
mod http;
mod hub;
mod pace;
mod play;
mod reel;
mod status;

use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::secret::Secret;
use super::stop::Stop;
use crate::tape::{TapeError, TapeReader};

pub use control::Control;
pub use fault::{Action, Fault, FaultError, Refusal};
pub use http::serve_control;
pub use pace::{Speed, SpeedError};
pub use status::{TapePhase, VenueStatus};

use hub::Hub;
use reel::Reel;

/// Events that may wait for the hub.
const EVENTS: usize = 256;

/// How the venue serves.
#[derive(Clone)]
pub struct TapeVenueSettings {
    /// How fast time on the tape runs.
    pub speed: Speed,
    /// Most trades in a frame.
    pub frame_trades: usize,
    /// The only token that is let in; `None` lets any in that is not empty.
    pub token: Option<Secret>,
    /// Symbols that one connection may observe.
    pub max_symbols: usize,
    /// A ping text goes out so often.
    pub ping_every: Duration,
    /// The tape starts when no request came for so long.
    pub settle: Duration,
    /// The tape waits while nobody is subscribed; otherwise its time goes on.
    pub hold: bool,
    /// Cuts times to milliseconds instead of refusing a tape that has finer ones.
    pub truncate_time: bool,
    /// Serves `wss://` instead of `ws://`.
    pub tls: Option<TlsAcceptor>,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
}

impl Default for TapeVenueSettings {
    fn default() -> Self {
        Self {
            speed: Speed::default(),
            frame_trades: 25,
            token: None,
            max_symbols: super::finnhub::DEFAULT_MAX_SYMBOLS,
            ping_every: Duration::from_secs(27),
            settle: Duration::from_millis(100),
            hold: false,
            truncate_time: false,
            tls: None,
            faults: Vec::new(),
        }
    }
}

impl std::fmt::Debug for TapeVenueSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TapeVenueSettings")
            .field("speed", &self.speed)
            .field("hold", &self.hold)
            .field("tls", &self.tls.is_some())
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// Why the venue cannot serve, or cannot go on.
#[derive(Debug, Error)]
pub enum TapeVenueError {
    /// A tape cannot be read.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// There is no trade on any tape.
    #[error("the tapes hold no trade")]
    Empty,
    /// The protocol has no finer times than milliseconds.
    #[error(
        "`{file}`, at or before line {line}: time {ts_event} has a part below a millisecond, which \
         Finnhub's protocol cannot carry; use --truncate-time to cut it off"
    )]
    FineTime {
        /// The tape.
        file: String,
        /// Its line, or a few lines before it.
        line: u64,
        /// The time in ns.
        ts_event: i64,
    },
}

/// A venue with its tapes loaded, ready to serve.
#[derive(Debug)]
pub struct TapeVenue {
    hub: Hub,
    control: Control,
}

impl TapeVenue {
    /// A venue that plays `tapes`, merged by time; equal times in the order of the list.
    ///
    /// # Errors
    /// [`TapeVenueError`] when the beginning of a tape cannot be read or played.
    pub fn new(
        tapes: Vec<TapeReader>,
        settings: TapeVenueSettings,
    ) -> Result<Self, TapeVenueError> {
        let reel = Reel::new(tapes, settings.truncate_time)?;
        let (events, inbox) = mpsc::channel(EVENTS);
        let (status, seen) = status::channel();
        Ok(Self {
            control: Control::new(events.clone(), seen),
            hub: Hub::new(reel, settings, (events, inbox), status),
        })
    }

    /// A handle for faults on demand and for watching.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Serves on `listener` until `shutdown` completes.
    ///
    /// # Errors
    /// [`TapeVenueError`] when a tape cannot be read any further.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), TapeVenueError> {
        drop(self.control);
        self.hub.run(listener, Stop::new(shutdown)).await
    }
}
