//! What every sink must do, tried on each of them.

use std::collections::BTreeMap;

use stock_up_core::Point;
use stock_up_io::sink::{MemorySink, Sink};
use stock_up_io::store::PointRow;

use super::database::Database;
use super::mock::Mock;
use super::{settings, sink, v1};
use crate::store::run::{rows, run};

/// Symbol, window in ns and time, to the line that says the point.
type Seen = BTreeMap<(String, i64, i64), String>;

/// A point in words that every sink can say again.
pub(super) fn said(point: &Point) -> String {
    let metrics = &point.metrics;
    let last = metrics
        .last_price
        .map(|price| price.to_string().parse::<f64>().unwrap());
    let volume: f64 = metrics.volume.to_string().parse().unwrap();
    format!(
        "{} {volume} {last:?} {:?} {} {} {}",
        metrics.transactions,
        metrics.mean_price,
        point.status.name(),
        point.coverage,
        point.revision
    )
}

/// What a sink must hold after `batch`: the last of each point.
pub(super) fn last_of_each(batch: &[PointRow]) -> Seen {
    let name = |row: &PointRow| {
        (
            row.symbol.to_string(),
            row.point.window.ns(),
            row.point.time,
        )
    };
    batch
        .iter()
        .map(|row| (name(row), said(&row.point)))
        .collect()
}

async fn conforms(mut sink: impl Sink<PointRow>, seen: impl Fn() -> Seen) {
    let all = rows(&run(3, 120));
    assert!(sink.batch_items() > 0);
    let (first, rest) = all.split_at(all.len() / 3);
    // Nothing at all is fine.
    sink.write(&[]).await.unwrap();
    let written = sink.write(first).await.unwrap();
    assert_eq!((written.written, written.skipped), (first.len() as u64, 0));
    assert_eq!(written.dropped, []);
    assert_eq!(seen(), last_of_each(first));
    // Again, and overlapping with what is new: nothing changes but what is new.
    sink.write(first).await.unwrap();
    assert_eq!(seen(), last_of_each(first));
    let overlap = &all[first.len() / 2..];
    sink.write(overlap).await.unwrap();
    assert_eq!(seen(), last_of_each(&all));
    // Old news in its order of emission ends with the newest, as a catch-up does.
    sink.write(&all).await.unwrap();
    sink.write(rest).await.unwrap();
    assert_eq!(seen(), last_of_each(&all));
}

#[tokio::test]
async fn the_sink_in_memory_conforms() {
    let sink = MemorySink::default();
    let held = sink.clone();
    conforms(sink, move || {
        let points = held.points().into_iter();
        points
            .map(|((symbol, window, time), point)| {
                ((symbol.to_string(), window.ns(), time), said(&point))
            })
            .collect()
    })
    .await;
}

#[tokio::test]
async fn the_sink_of_influxdb_conforms_on_a_socket_of_ours() {
    let (mock, dir) = (Mock::start(), tempfile::tempdir().unwrap());
    let held = mock.clone();
    let sink = sink(&settings(&mock.url, v1("stocks"), dir.path()));
    conforms(sink, move || {
        let lines = held.lines();
        lines
            .iter()
            .map(|(series, fields)| read_line(series, fields))
            .collect()
    })
    .await;
    assert!(!mock.overlapped(), "one request at a time");
}

#[tokio::test]
async fn the_sink_of_influxdb_conforms_on_the_real_server() {
    let Some(database) = Database::new("conforms") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let sink = sink(&settings(&database.url, database.api(), dir.path()));
    conforms(sink, || database.points()).await;
}

#[tokio::test]
async fn the_sink_of_influxdb_conforms_on_the_real_server_of_two() {
    let Some(database) = Database::bucket("conforms") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let sink = sink(&settings(&database.url, database.api(), dir.path()));
    conforms(sink, || database.points()).await;
}

/// A line of the layout `wide`, read back.
pub(super) fn read_line(series: &str, fields: &str) -> ((String, i64, i64), String) {
    let (tags, time) = series.split_once(' ').unwrap();
    let tags: BTreeMap<&str, &str> = tags
        .split(',')
        .skip(1)
        .map(|tag| tag.split_once('=').unwrap())
        .collect();
    let fields: BTreeMap<&str, &str> = fields
        .trim()
        .split(',')
        .map(|field| field.split_once('=').unwrap())
        .collect();
    let window = stock_up_core::Span::parse(tags["window"]).unwrap().ns();
    let float = |name: &str| fields.get(name).map(|text| text.parse::<f64>().unwrap());
    let said = format!(
        "{} {} {:?} {:?} {} {} {}",
        fields["transactions"].trim_end_matches('i'),
        float("volume").unwrap(),
        float("last_price"),
        float("avg_price_trans"),
        fields["status"].trim_matches('"'),
        float("coverage").unwrap(),
        fields["revision"].trim_end_matches('i'),
    );
    (
        (tags["symbol"].to_owned(), window, time.parse().unwrap()),
        said,
    )
}
