//! What is stored: series by column, trades, gaps.

use schemars::JsonSchema;
use serde::Serialize;
use stock_up_core::{Decimal, Point, Span, Volume};
use stock_up_io::store::Gap;

use super::live::StatusWord;
use super::{Text, plain};
use crate::hub::Row;
use crate::serve::sources::TradeRow;

/// A stored series, one array per column, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Series")]
pub(in crate::serve) struct SeriesAnswer {
    symbol: String,
    #[schemars(with = "String")]
    window: Text<Span>,
    /// The distance of the points.
    #[schemars(with = "String")]
    step: Text<Span>,
    timestamp_ns: Vec<i64>,
    transactions: Vec<u64>,
    #[schemars(with = "Vec<String>")]
    volume: Vec<Text<Volume>>,
    #[schemars(with = "Vec<Option<String>>")]
    last_price: Vec<Option<Text<Decimal>>>,
    #[schemars(with = "Vec<Option<String>>")]
    min_price: Vec<Option<Text<Decimal>>>,
    #[schemars(with = "Vec<Option<String>>")]
    max_price: Vec<Option<Text<Decimal>>>,
    avg_price_trans: Vec<Option<f64>>,
    avg_price_volume: Vec<Option<f64>>,
    variance: Vec<Option<f64>>,
    #[schemars(with = "Vec<StatusWord>")]
    status: Vec<&'static str>,
    coverage: Vec<f64>,
    revision: Vec<u32>,
    /// There are more points than were asked for; these are the newest.
    truncated: bool,
}

impl SeriesAnswer {
    pub(in crate::serve) fn new(symbol: String, window: Span, step: Span) -> Self {
        Self {
            symbol,
            window: Text(window),
            step: Text(step),
            timestamp_ns: Vec::new(),
            transactions: Vec::new(),
            volume: Vec::new(),
            last_price: Vec::new(),
            min_price: Vec::new(),
            max_price: Vec::new(),
            avg_price_trans: Vec::new(),
            avg_price_volume: Vec::new(),
            variance: Vec::new(),
            status: Vec::new(),
            coverage: Vec::new(),
            revision: Vec::new(),
            truncated: false,
        }
    }

    pub(in crate::serve) fn filled(mut self, rows: Vec<Row>, truncated: bool) -> Self {
        self.truncated = truncated;
        for row in rows {
            self.push(row);
        }
        self
    }

    fn push(&mut self, row: Row) {
        let Point {
            time,
            revision,
            status,
            coverage,
            metrics: numbers,
            ..
        } = row.point;
        self.timestamp_ns.push(time);
        self.transactions.push(numbers.transactions);
        self.volume.push(Text(numbers.volume));
        self.last_price.push(numbers.last_price.map(plain));
        self.min_price.push(numbers.min_price.map(plain));
        self.max_price.push(numbers.max_price.map(plain));
        self.avg_price_trans.push(numbers.mean_price);
        self.avg_price_volume.push(numbers.vwap);
        self.variance.push(numbers.variance);
        self.status.push(status.name());
        self.coverage.push(coverage);
        self.revision.push(revision);
    }
}

/// Trades in log order.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Trades")]
pub(in crate::serve) struct TradesAnswer {
    pub(in crate::serve) trades: Vec<TradeAnswer>,
    /// There are more trades in the range; these are the newest.
    pub(in crate::serve) truncated: bool,
}

/// One trade.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Trade")]
pub(in crate::serve) struct TradeAnswer {
    /// When it happened at the venue.
    timestamp_ns: i64,
    /// When it was received.
    ts_recv_ns: i64,
    /// Its number in the log.
    seq: u64,
    /// An exact decimal.
    #[schemars(with = "String")]
    price: Text<Decimal>,
    /// An exact decimal.
    #[schemars(with = "String")]
    size: Text<Decimal>,
    conditions: String,
}

impl From<TradeRow> for TradeAnswer {
    fn from(trade: TradeRow) -> Self {
        Self {
            timestamp_ns: trade.ts_event,
            ts_recv_ns: trade.ts_recv,
            seq: trade.seq,
            price: plain(trade.price),
            size: plain(trade.size),
            conditions: trade.conditions,
        }
    }
}

/// What was not observed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Gaps")]
pub(in crate::serve) struct GapsAnswer<'a> {
    pub(in crate::serve) gaps: Vec<GapAnswer<'a>>,
}

/// An interval in which trades may have been missed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Gap")]
pub(in crate::serve) struct GapAnswer<'a> {
    from_ns: i64,
    /// `null` while the gap is open.
    to_ns: Option<i64>,
    /// Empty for all.
    symbols: &'a [String],
    cause: &'a str,
    #[schemars(with = "GapWord")]
    state: &'static str,
}

/// What became of a gap: it grows, what was missed stays missed, or it was fetched.
#[derive(JsonSchema)]
#[schemars(rename = "GapState", rename_all = "snake_case")]
#[expect(dead_code, reason = "it only describes the words of `GapState::name`")]
enum GapWord {
    Open,
    GivenUp,
    Filled,
}

impl<'a> From<&'a Gap> for GapAnswer<'a> {
    fn from(gap: &'a Gap) -> Self {
        Self {
            from_ns: gap.from,
            to_ns: gap.to,
            symbols: &gap.symbols,
            cause: gap.cause.name(),
            state: gap.state.name(),
        }
    }
}
