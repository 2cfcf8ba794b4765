//! What the page is shown: a window's numbers with their names, and what happens to the feed.

use std::sync::Arc;

use stock_up_core::Point;

/// A window's numbers at one time, with their symbol as a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) symbol: Arc<str>,
    /// Its symbol is a number of the analyzer that computed it: it means nothing elsewhere.
    pub(crate) point: Point,
}

impl Row {
    /// Whether nothing differs but the time.
    pub(crate) fn says_the_same(&self, before: &Self) -> bool {
        let (now, before) = (&self.point, &before.point);
        let trust = |point: &Point| (point.status, point.coverage.to_bits(), point.revision);
        trust(now) == trust(before) && now.metrics == before.metrics
    }
}

/// What the connection to the venue is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeedPhase {
    Connecting,
    Live,
    /// Connected, but no trades for longer than the venue's setting allows.
    Stale,
    Disconnected,
    /// The venue turned us away.
    Refused,
    /// The input is over.
    Ended,
}

impl FeedPhase {
    /// The word of `docs/http.md`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Disconnected => "disconnected",
            Self::Refused => "refused",
            Self::Ended => "ended",
        }
    }
}

/// The state of the feed, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedState {
    pub(crate) phase: FeedPhase,
    /// Since when, in the log's time; `None` before the first record.
    pub(crate) since: Option<i64>,
    /// Why, without secrets; may be empty.
    pub(crate) detail: String,
}
