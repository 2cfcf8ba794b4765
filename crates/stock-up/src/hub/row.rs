//! What the page is shown: a window's numbers with their names, and what happens to the feed.

use std::sync::Arc;

use stock_up_core::{Metrics, Point, Span, Status, SymbolId};

/// A window's numbers at one time, on its own: the symbol is a text, not a number of the analyzer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) symbol: Arc<str>,
    pub(crate) window: Span,
    /// End of the window: ns since the Unix epoch.
    pub(crate) time: i64,
    /// How often the point was emitted before; 0 in the live view.
    pub(crate) revision: u32,
    pub(crate) status: Status,
    /// Share of the window that was provably observed, 0 to 1.
    pub(crate) coverage: f64,
    pub(crate) metrics: Metrics,
}

impl Row {
    /// A point of the analyzer, under the name of its symbol.
    pub(crate) fn new(symbol: Arc<str>, point: Point) -> Self {
        Self {
            symbol,
            window: point.window,
            time: point.time,
            revision: point.revision,
            status: point.status,
            coverage: point.coverage,
            metrics: point.metrics,
        }
    }

    /// The point again, without a number of the analyzer.
    pub(crate) fn to_point(&self) -> Point {
        Point {
            symbol: SymbolId(0),
            window: self.window,
            time: self.time,
            revision: self.revision,
            status: self.status,
            coverage: self.coverage,
            metrics: self.metrics.clone(),
        }
    }

    /// Whether nothing differs but the time.
    pub(crate) fn says_the_same(&self, before: &Self) -> bool {
        let trust = |row: &Self| (row.status, row.coverage.to_bits(), row.revision);
        trust(self) == trust(before) && self.metrics == before.metrics
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
