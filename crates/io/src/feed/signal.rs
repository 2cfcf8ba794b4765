//! What a feed tells: everything that happens to it, in order, with the trades.

use std::time::Duration;

use stock_up_core::{GapCause, TradeBatch};

use super::bad::BadCounts;
use super::subscriptions::RefusedSymbol;
use super::venue::VenueError;

/// Something that happened to a feed. Times are ns since the Unix epoch, by the feed's clock.
///
/// Order: `Connecting`, then `Connected` and `Subscribed` (all symbols that are wanted), or
/// `Refused` or `Unreachable` and `Connecting` again. A connection ends with `Disconnected`;
/// symbols stay wanted across it. `Ended` is the last signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedSignal {
    /// A try to connect begins.
    Connecting,
    /// A connection is up.
    Connected {
        /// When.
        ts: i64,
    },
    /// These symbols were asked for on the connection that is up. Venues without acknowledgement
    /// let nobody know more.
    Subscribed {
        /// When the request was sent.
        ts: i64,
        /// The symbols.
        symbols: Vec<String>,
    },
    /// These symbols are not wanted any more; also while there is no connection.
    Unsubscribed {
        /// When.
        ts: i64,
        /// The symbols.
        symbols: Vec<String>,
    },
    /// These symbols are wanted but cannot be had, all of them each time the wish changes.
    RefusedSymbols(Vec<RefusedSymbol>),
    /// Trades that arrived together; `ts_recv` says when.
    Trades(TradeBatch),
    /// A proof of life: an answer to a ping or a frame of any kind. At most one for each ping.
    Heard {
        /// When the latest one came.
        ts: i64,
    },
    /// The connection is gone. Trades may be missing from `heard_ts` on.
    Disconnected {
        /// The last proof of life.
        heard_ts: i64,
        /// What kind of end it was.
        cause: GapCause,
        /// In words, without secrets.
        detail: String,
    },
    /// The connection answers, but no trade came for the time that the settings allow.
    Stale {
        /// When that was found.
        ts: i64,
    },
    /// Trades come again after `Stale`; the trades are the next signal.
    Fresh {
        /// When.
        ts: i64,
    },
    /// The venue answered and did not let us in.
    Refused {
        /// Why, in words, without secrets.
        reason: String,
        /// The next try comes after this time.
        retry_in: Duration,
    },
    /// Nobody answered.
    Unreachable {
        /// Why, in words, without secrets.
        reason: String,
        /// The next try comes after this time.
        retry_in: Duration,
    },
    /// The venue complains about something and stays connected.
    VenueError(VenueError),
    /// What was counted since the last report; at most one for each ping, none when nothing was.
    Report(FeedReport),
    /// The feed was told to stop, and has.
    Ended,
}

/// What a feed counted since its last report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedReport {
    /// Data frames that came in.
    pub frames: u64,
    /// Trades that were handed on.
    pub trades: u64,
    /// Frames that were equal, byte for byte, to the one before.
    pub repeated_frames: u64,
    /// Those of them that were dropped, by the setting `duplicate_frames = "collapse"`.
    pub collapsed_frames: u64,
    /// Frames in which every trade stood an even number of times; their trades were kept.
    pub paired_frames: u64,
    /// Frames and trades that were dropped, by reason.
    pub bad: BadCounts,
}

impl FeedReport {
    /// Takes the counts and starts again; `None` when there is nothing to tell.
    pub(super) fn take(&mut self) -> Option<Self> {
        let report = std::mem::take(self);
        (report != Self::default()).then_some(report)
    }
}
