//! The text of server-sent events.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use stock_up_core::LateDropped;

use super::client::Filter;
use crate::hub::Row;
use crate::serve::answers::RowAnswer;
use crate::telemetry::Counts;

/// One event: a name, and JSON on one line.
pub(super) fn event(name: &str, data: &impl Serialize) -> Bytes {
    // Every type that is sent is a plain structure, whose keys are texts.
    let data = serde_json::to_string(data).expect("plain structures are always JSON");
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// Room for the JSON of a row with long numbers.
const ROW_BYTES: usize = 512;

/// Rows whose JSON is written once, whoever wants them.
pub(super) struct Encoded(Vec<(Arc<Row>, Vec<u8>)>);

impl Encoded {
    pub(super) fn new(rows: Vec<Arc<Row>>) -> Self {
        let encode = |row: Arc<Row>| {
            let mut text = Vec::with_capacity(ROW_BYTES);
            serde_json::to_writer(&mut text, &RowAnswer::from(row.as_ref()))
                .expect("plain structures are always JSON");
            (row, text)
        };
        Self(rows.into_iter().map(encode).collect())
    }

    /// The event with the rows that the filter wants; `None` when there are none.
    pub(super) fn event(&self, name: &str, head: &str, filter: &Filter) -> Option<Bytes> {
        let wanted = || self.0.iter().filter(|(row, _)| filter.wants_row(row));
        let rows_bytes: usize = wanted().map(|(_, row)| row.len() + 1).sum();
        if rows_bytes == 0 {
            return None;
        }
        let head = format!("event: {name}\ndata: {{{head}\"rows\":[");
        let tail = b"]}\n\n";
        let mut text = Vec::with_capacity(head.len() + rows_bytes + tail.len());
        text.extend_from_slice(head.as_bytes());
        for (place, (_, row)) in wanted().enumerate() {
            if place > 0 {
                text.push(b',');
            }
            text.extend_from_slice(row);
        }
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
