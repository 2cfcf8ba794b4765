//! The seam `Venue`: a market-data protocol without I/O.
//!
//! A venue says where to connect, what to send for a change of subscriptions, how it shows that it
//! is alive, and how its frames become trades. One driver ([`super::Feed`]) does the rest for all
//! of them: sockets, back-off, re-subscription, staleness.

use std::time::Duration;

use stock_up_core::{Names, TradeBatch};

use super::bad::{BadCounts, BadFrame};
use super::endpoint::Endpoint;
use super::finnhub::BatchTexts;
use super::subscriptions::SubscriptionChange;

/// A market-data protocol.
pub trait Venue: Send + Sync + 'static {
    /// What the driver must know of it.
    fn profile(&self) -> &VenueProfile;

    /// Appends the text messages that ask for `change`, in the order in which they are to be sent.
    fn requests(&self, change: &SubscriptionChange, messages: &mut Vec<String>);

    /// Reads one frame; its good trades are appended to `intake`, in their order, its bad ones are
    /// counted there.
    ///
    /// # Errors
    /// [`BadFrame`] when nothing of the frame could be used; then no trade of it is in `intake`, at
    /// most unused names.
    fn decode(
        &self,
        frame: &[u8],
        rules: &FrameRules<'_>,
        intake: &mut Intake,
    ) -> Result<FrameKind, BadFrame>;
}

/// What the driver must know of a venue.
#[derive(Debug, Clone)]
pub struct VenueProfile {
    /// Its name in records, metrics and on the page, such as `finnhub`.
    pub name: &'static str,
    /// Where it is.
    pub endpoint: Endpoint,
    /// Most symbols that one connection may observe.
    pub max_symbols: usize,
    /// How life is shown.
    pub heartbeat: Heartbeat,
}

/// How a connection shows that it is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// A websocket ping goes out so often; every answer or frame is a proof of life.
    pub ping_every: Duration,
    /// A ping that stays unanswered for so long means that nobody is there.
    pub silence: Duration,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(1),
            silence: Duration::from_secs(10),
        }
    }
}

/// What a frame is judged by.
#[derive(Debug, Clone, Copy)]
pub struct FrameRules<'a> {
    /// When it was received: ns since the Unix epoch.
    pub now: i64,
    /// The symbols that are observed; `None` takes every symbol.
    pub subscribed: Option<&'a Names>,
}

/// Where decoded frames go: one batch for all frames that arrived together.
///
/// Who takes the batch leaves an empty one, and the subscriptions change only in between.
#[derive(Debug, Default)]
pub struct Intake {
    /// The good trades.
    pub batch: TradeBatch,
    /// What was wrong with the others.
    pub bad: BadCounts,
    /// Frames in which every trade stood an even number of times: the venue may say all twice.
    pub paired_frames: u64,
    /// What a venue remembers of the texts of the batch.
    pub(super) texts: BatchTexts,
}

/// What a frame was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameKind {
    /// Trades, perhaps none.
    Trades,
    /// The venue shows that it is alive.
    Ping,
    /// An answer to a request, or another message that needs no action.
    Control,
    /// The venue complains.
    Error(VenueError),
}

/// A complaint of the venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueError {
    /// What it means for us.
    pub kind: VenueErrorKind,
    /// In its own words, made safe to show.
    pub text: String,
}

/// What a complaint of a venue means for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VenueErrorKind {
    /// The key is wrong or may not do this: connecting again at once does not help.
    Auth,
    /// More symbols than the venue allows; the earlier ones go on.
    TooManySymbols,
    /// Anything else.
    Other,
}
