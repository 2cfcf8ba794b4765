//! The text of server-sent events.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use stock_up_core::LateDropped;
use stock_up_io::text::json::write_point;

use super::client::Filter;
use crate::hub::Row;
use crate::telemetry::Counts;

/// One event: a name, and JSON on one line.
pub(super) fn event(name: &str, data: &impl Serialize) -> Bytes {
    // Every type that is sent is a plain structure, whose keys are texts.
    let data = serde_json::to_string(data).expect("plain structures are always JSON");
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// Room for the JSON of most rows.
const ROW_BYTES: usize = 384;

/// Rows whose JSON is written once, whoever wants them.
pub(super) struct Encoded {
    /// With the place in the text.
    rows: Vec<(Arc<Row>, Range<usize>)>,
    /// A comma stands behind each row.
    text: Vec<u8>,
}

impl Encoded {
    pub(super) fn new(rows: Vec<Arc<Row>>) -> Self {
        let mut text = Vec::with_capacity(rows.len() * ROW_BYTES);
        let encode = |row: Arc<Row>| {
            let start = text.len();
            write_point(&row.point, &row.symbol, &mut text);
            text.push(b',');
            (row, start..text.len())
        };
        let rows = rows.into_iter().map(encode).collect();
        Self { rows, text }
    }

    /// The event with the rows that the filter wants; `None` when there are none.
    pub(super) fn event(&self, name: &str, head: &str, filter: &Filter) -> Option<Bytes> {
        let rows = self.rows.iter().filter(|(row, _)| filter.wants_row(row));
        let wanted: Vec<Range<usize>> = rows.map(|(_, place)| place.clone()).collect();
        if wanted.is_empty() {
            return None;
        }
        let head = format!("event: {name}\ndata: {{{head}\"rows\":[");
        let tail = b"]}\n\n";
        let size: usize = wanted.iter().map(ExactSizeIterator::len).sum();
        let mut text = Vec::with_capacity(head.len() + size + tail.len());
        text.extend_from_slice(head.as_bytes());
        for place in wanted {
            text.extend_from_slice(self.text.get(place).unwrap_or_default());
        }
        // The comma behind the last row.
        text.pop();
        text.extend_from_slice(tail);
        Some(Bytes::from(text))
    }
}

/// The beginning of the data of `rows`.
pub(super) fn rows_head(time: Option<i64>) -> String {
    let mut head = String::from("\"time_ns\":");
    match time {
        Some(time) => write!(head, "{time},").expect("writing to a String does not fail"),
        None => head.push_str("null,"),
    }
    head
}

/// The rates of the program itself.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Pipeline")]
pub(in crate::serve) struct PipelineEvent {
    trades_per_second: f64,
    points_per_second: f64,
    received: u64,
    applied: u64,
    duplicate: u64,
    ineligible: u64,
    /// All that came too late for every window.
    late_dropped: u64,
    late_dropped_by_cause: LateDroppedByCause,
    refused: u64,
    in_flight: u64,
    lag_records: u64,
    log_bytes: u64,
    gaps_open: usize,
}

/// Why trades came too late for every window.
#[derive(Debug, Serialize, JsonSchema)]
struct LateDroppedByCause {
    /// They took longer to reach us than points are revised.
    delayed: u64,
    /// They were received in time, but behind log time.
    out_of_order: u64,
}

impl From<LateDropped> for LateDroppedByCause {
    fn from(dropped: LateDropped) -> Self {
        let LateDropped {
            delayed,
            out_of_order,
        } = dropped;
        Self {
            delayed,
            out_of_order,
        }
    }
}

impl PipelineEvent {
    pub(super) fn new(now: &Counts, before: &Counts, over: Duration, gaps_open: usize) -> Self {
        let settled = now.settled;
        Self {
            trades_per_second: rate(now.received, before.received, over),
            points_per_second: rate(now.points, before.points, over),
            received: now.received,
            applied: settled.applied,
            duplicate: settled.duplicate,
            ineligible: settled.ineligible,
            late_dropped: settled.late_dropped.total(),
            late_dropped_by_cause: settled.late_dropped.into(),
            refused: settled.refused,
            in_flight: now.in_flight(),
            lag_records: now.lag_records,
            log_bytes: now.log_bytes,
            gaps_open,
        }
    }
}

fn rate(now: u64, before: u64, over: Duration) -> f64 {
    let count = u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX);
    let per_second = f64::from(count) / over.as_secs_f64().max(0.001);
    (per_second * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use stock_up_core::{Decimal, Metrics, Point, Span, Status, SymbolId, Volume};

    use super::*;
    use crate::serve::answers::RowAnswer;

    fn row(symbol: &str, status: Status, metrics: Metrics) -> Row {
        let point = Point {
            symbol: SymbolId(0),
            window: Span::from_secs(90),
            time: 1_787_924_136_086_000_001,
            revision: 2,
            status,
            coverage: 0.5,
            metrics,
        };
        Row {
            symbol: Arc::from(symbol),
            point,
        }
    }

    /// As read by someone for whom `1` and `1.0` are one number.
    fn read(text: &[u8]) -> Value {
        let mut row: Value = serde_json::from_slice(text).unwrap();
        for key in [
            "avg_price_trans",
            "avg_price_volume",
            "variance",
            "coverage",
        ] {
            let value = row.get_mut(key).unwrap();
            *value = Value::from(value.as_f64());
        }
        row
    }

    #[test]
    fn a_row_is_written_as_the_schema_describes_it() {
        let decimal = |text: &str| Decimal::parse(text.as_bytes()).ok();
        let numbers = Metrics {
            transactions: 3,
            volume: Volume::parse("36893488147419103232.0155").unwrap(),
            last_price: decimal("167.4200"),
            min_price: decimal("1e-12"),
            max_price: decimal("100000.5"),
            mean_price: Some(1e-7),
            vwap: Some(1e17),
            variance: Some(2.0),
        };
        for (symbol, status, metrics) in [
            ("SPY", Status::Complete, numbers),
            ("<img src=x>\"\\\u{7}é", Status::Gap, Metrics::EMPTY),
        ] {
            let row = row(symbol, status, metrics);
            let described = serde_json::to_vec(&RowAnswer::from(&row)).unwrap();
            let encoded = Encoded::new(vec![Arc::new(row)]);
            let written = encoded.text.strip_suffix(b",").unwrap();
            assert_eq!(read(written), read(&described), "{symbol}");
        }
    }

    #[test]
    fn an_event_has_the_wanted_rows_alone() {
        let rows = ["SPY", "IBM", "BAC"]
            .map(|symbol| Arc::new(row(symbol, Status::Complete, Metrics::EMPTY)));
        let encoded = Encoded::new(rows.into());
        let symbols = |filter: &Filter| {
            let event = encoded.event("rows", "\"time_ns\":7,", filter)?;
            let text = std::str::from_utf8(&event).unwrap();
            let data = text.strip_prefix("event: rows\ndata: ").unwrap();
            let data: Value = serde_json::from_str(data.strip_suffix("\n\n").unwrap()).unwrap();
            assert_eq!(data["time_ns"], 7);
            let rows = data["rows"].as_array().unwrap().iter();
            Some(
                rows.map(|row| row["symbol"].to_string())
                    .collect::<Vec<_>>(),
            )
        };
        let mut filter = Filter::default();
        assert_eq!(symbols(&filter).unwrap().len(), 3);
        filter.symbols = ["BAC".to_owned(), "SPY".to_owned()].into();
        assert_eq!(symbols(&filter).unwrap(), ["\"SPY\"", "\"BAC\""]);
        filter.window = Some(Span::from_secs(60));
        assert_eq!(symbols(&filter), None);
    }
}
