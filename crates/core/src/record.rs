//! What the log holds: trades, the passing of time, the health of the feed, settings.
//!
//! Everything that can change a result is one of these, in one order, so that the analyzer is a
//! pure function of the log. The bytes are described in `docs/formats/record.md` and made in
//! [`codec`].

pub mod codec;

use crate::settings::AnalyzerSettings;
use crate::trade::TradeBatch;

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Trades that arrived together. Takes one sequence number per trade.
    Trades(TradeBatch),
    /// The clock moved on.
    Tick(Tick),
    /// The state of the feed changed.
    Feed(FeedChange),
    /// New settings take effect here.
    Settings(SettingsEpoch),
    /// How far the whole log is, told to one partition of it.
    Watermark(Watermark),
}

impl Record {
    /// How many sequence numbers the record takes; a batch takes one per trade.
    pub fn count(&self) -> u32 {
        match self {
            Self::Trades(batch) => u32::try_from(batch.trades.len()).unwrap_or(u32::MAX).max(1),
            Self::Tick(_) | Self::Feed(_) | Self::Settings(_) | Self::Watermark(_) => 1,
        }
    }
}

/// The clock of the log moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The log's time: ns since the Unix epoch, UTC.
    pub time: i64,
    /// When the feed last proved to be alive, by a frame or an answered ping; at most `time`.
    pub heard: i64,
}

/// How far the whole log is.
///
/// A log that is split into partitions ([`crate::partition`]) has one time, and each partition
/// holds only some of the trades that move it. Without this a quiet partition would fall behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watermark {
    /// The log's time; `None` before the first record that has one.
    pub time: Option<i64>,
    /// The last proof that the feed was live, in the log's time.
    pub heard: Option<i64>,
    /// Event time of the first trade that moved a window, with which the grid begins.
    pub begun: Option<i64>,
}

/// The state of the feed changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedChange {
    /// When, in the log's time.
    pub at: i64,
    /// When, by the wall clock of the machine: ns since the Unix epoch.
    pub ts_recv: i64,
    /// What changed.
    pub event: FeedEvent,
}

/// What can happen to a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedEvent {
    /// `collect` began to work on this log.
    Started {
        /// Name of the venue, such as `finnhub`.
        venue: String,
        /// The market is simulated.
        simulated: bool,
    },
    /// How the log's time runs from here on. It may change only before the first trade.
    Clock(Clock),
    /// A connection is up; `at` is when it was.
    Connected,
    /// These symbols are observed from `at` on; an empty list means every symbol that appears.
    Subscribed(Vec<String>),
    /// These symbols are no longer observed; their windows end.
    Unsubscribed(Vec<String>),
    /// Trades may have been missed from `from` on (log time), until the gap closes.
    GapOpened {
        /// The last moment at which the feed was provably live.
        from: i64,
        /// Why.
        cause: GapCause,
    },
    /// The feed is observed again from `at` on. What was missed stays missed.
    GapClosed,
    /// The connection answers, but no trade came for the time that the venue's setting allows.
    Stale,
    /// Trades come again after [`FeedEvent::Stale`].
    Fresh,
    /// The venue refused us; the text says why, without secrets.
    Refused(String),
    /// The input ends: every point up to the log's time is emitted.
    Ended,
}

/// How the log's time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// It follows the wall clock of `collect`, by ticks.
    #[default]
    Wall,
    /// It follows the trades: they are recorded ones, played again. The feed counts as observed
    /// from its first trade on.
    Event,
}

/// Why trades may have been missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapCause {
    /// The connection was lost or closed.
    Disconnected,
    /// The connection was open but dead: neither frames nor answers to pings.
    Silent,
    /// `collect` was not running.
    Stopped,
    /// What came in could not be stored or was more than the limits allow.
    Overload,
    /// Frames could not be read.
    BadFrames,
}

impl GapCause {
    /// The cause as one word for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Silent => "silent",
            Self::Stopped => "stopped",
            Self::Overload => "overload",
            Self::BadFrames => "bad_frames",
        }
    }
}

/// Settings from one position of the log on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsEpoch {
    /// Counts the changes, from 1.
    pub revision: u64,
    /// What to compute.
    pub settings: AnalyzerSettings,
}
