//! The live view, as rows of numbers with their names.

use schemars::JsonSchema;
use serde::Serialize;
use stock_up_core::{Decimal, Span, Volume};

use super::{Text, plain};
use crate::hub::{FeedState, Row, Snapshot};

/// The live view of one window, or a point of its series.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Row")]
pub(in crate::serve) struct RowAnswer<'a> {
    symbol: &'a str,
    #[schemars(with = "String")]
    window: Text<Span>,
    /// End of the window.
    timestamp_ns: i64,
    transactions: u64,
    /// An exact decimal.
    #[schemars(with = "String")]
    volume: Text<&'a Volume>,
    /// An exact decimal.
    #[schemars(with = "Option<String>")]
    last_price: Option<Text<Decimal>>,
    /// An exact decimal.
    #[schemars(with = "Option<String>")]
    min_price: Option<Text<Decimal>>,
    /// An exact decimal.
    #[schemars(with = "Option<String>")]
    max_price: Option<Text<Decimal>>,
    avg_price_trans: Option<f64>,
    avg_price_volume: Option<f64>,
    variance: Option<f64>,
    #[schemars(with = "StatusWord")]
    status: &'static str,
    coverage: f64,
    revision: u32,
}

/// How far numbers can be trusted.
#[derive(JsonSchema)]
#[schemars(rename = "Status", rename_all = "snake_case")]
#[expect(dead_code, reason = "it only describes the words of `Status::name`")]
pub(super) enum StatusWord {
    Complete,
    Provisional,
    Warming,
    Gap,
    Stale,
}

impl<'a> From<&'a Row> for RowAnswer<'a> {
    fn from(row: &'a Row) -> Self {
        let (point, numbers) = (&row.point, &row.point.metrics);
        Self {
            symbol: &row.symbol,
            window: Text(point.window),
            timestamp_ns: point.time,
            transactions: numbers.transactions,
            volume: Text(&numbers.volume),
            last_price: numbers.last_price.map(plain),
            min_price: numbers.min_price.map(plain),
            max_price: numbers.max_price.map(plain),
            avg_price_trans: numbers.mean_price,
            avg_price_volume: numbers.vwap,
            variance: numbers.variance,
            status: point.status.name(),
            coverage: point.coverage,
            revision: point.revision,
        }
    }
}

/// What the connection to the venue is doing.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Feed")]
pub(in crate::serve) struct FeedAnswer<'a> {
    #[schemars(with = "FeedWord")]
    state: &'static str,
    since_ns: Option<i64>,
    detail: &'a str,
}

/// The state of a feed.
#[derive(JsonSchema)]
#[schemars(rename = "FeedPhase", rename_all = "snake_case")]
#[expect(dead_code, reason = "it only describes the words of `FeedPhase::name`")]
enum FeedWord {
    Connecting,
    Live,
    Stale,
    Disconnected,
    Refused,
    Ended,
}

impl<'a> From<&'a FeedState> for FeedAnswer<'a> {
    fn from(feed: &'a FeedState) -> Self {
        Self {
            state: feed.phase.name(),
            since_ns: feed.since,
            detail: &feed.detail,
        }
    }
}

/// What is followed, and its live view.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Symbols")]
pub(in crate::serve) struct SymbolsAnswer<'a> {
    /// The log's time; `null` before the first record.
    time_ns: Option<i64>,
    /// The market is simulated.
    simulated: bool,
    venue: &'a str,
    #[schemars(with = "Vec<String>")]
    windows: Vec<Text<Span>>,
    #[schemars(with = "String")]
    grid: Text<Span>,
    feed: FeedAnswer<'a>,
    symbols: Vec<SymbolAnswer<'a>>,
}

/// Which symbols and windows there are.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Followed")]
pub(in crate::serve) struct FollowedAnswer<'a> {
    symbols: Vec<&'a str>,
    #[schemars(with = "Vec<String>")]
    windows: Vec<Text<Span>>,
    #[schemars(with = "String")]
    grid: Text<Span>,
}

impl<'a> FollowedAnswer<'a> {
    /// What of the snapshot is subscribed and wanted.
    pub(in crate::serve) fn new(
        snapshot: &'a Snapshot,
        wants_symbol: impl Fn(&str) -> bool,
    ) -> Self {
        let symbols = snapshot.symbols.iter();
        let symbols = symbols.filter(|(symbol, view)| view.subscribed && wants_symbol(symbol));
        Self {
            symbols: symbols.map(|(symbol, _)| symbol.as_ref()).collect(),
            windows: snapshot.windows.iter().copied().map(Text).collect(),
            grid: Text(snapshot.grid),
        }
    }
}

/// One symbol.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Symbol")]
struct SymbolAnswer<'a> {
    symbol: &'a str,
    subscribed: bool,
    rows: Vec<RowAnswer<'a>>,
}

impl<'a> SymbolsAnswer<'a> {
    /// The snapshot, reduced to the rows and symbols that are wanted.
    pub(in crate::serve) fn new(
        snapshot: &'a Snapshot,
        wants_symbol: impl Fn(&str) -> bool,
        wants_window: impl Fn(Span) -> bool,
    ) -> Self {
        let symbols = snapshot.symbols.iter();
        let symbols = symbols.filter(|(symbol, _)| wants_symbol(symbol));
        Self {
            time_ns: snapshot.time,
            simulated: snapshot.simulated,
            venue: &snapshot.venue,
            windows: snapshot.windows.iter().copied().map(Text).collect(),
            grid: Text(snapshot.grid),
            feed: (&snapshot.feed).into(),
            symbols: symbols
                .map(|(symbol, view)| SymbolAnswer {
                    symbol,
                    subscribed: view.subscribed,
                    rows: view
                        .rows
                        .iter()
                        .filter(|row| wants_window(row.point.window))
                        .map(|row| row.as_ref().into())
                        .collect(),
                })
                .collect(),
        }
    }
}
