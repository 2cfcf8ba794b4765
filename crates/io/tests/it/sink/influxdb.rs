//! The real `InfluxDB` 1.x, found by `STOCK_UP_TEST_INFLUXDB`: each of its answers, and what we do.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use stock_up_core::{Span, Volume};
use stock_up_io::sink::influx::{Client, Create, Layout};
use stock_up_io::sink::{DropCause, Sink as _, SinkError};
use stock_up_io::store::PointRow;
use stock_up_io::text::VolumeField;

use super::conformance::last_of_each;
use super::database::Database;
use super::{SECRET, odd_symbols, settings, sink, v1};
use crate::store::run::{rows, run};

fn seed(volume: VolumeField) -> Layout {
    Layout::Seed {
        window: Span::from_secs(60),
        volume,
    }
}

fn whole_volumes(mut batch: Vec<PointRow>) -> Vec<PointRow> {
    for row in &mut batch {
        let volume = row.point.metrics.volume.to_string();
        row.point.metrics.volume = Volume::parse(volume.split('.').next().unwrap()).unwrap();
    }
    batch
}

#[tokio::test]
async fn a_type_conflict_costs_only_the_lines_that_conflict_and_says_how_to_mend_it() {
    let Some(database) = Database::new("conflict") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(&database.url, v1(&database.name), dir.path());
    settings.layout = seed(VolumeField::Float);
    settings.batch_lines = 5_000;
    let all = whole_volumes(rows(&run(4, 60)));
    sink(&settings).write(&all).await.unwrap();
    let points = database.count("transactions");
    // The same points from a program that was told otherwise.
    settings.layout = seed(VolumeField::Integer);
    let written = sink(&settings).write(&all).await.unwrap();
    let ours = all
        .iter()
        .filter(|row| row.point.window == Span::from_secs(60))
        .count();
    assert_eq!(written.written, ours as u64);
    assert_eq!(written.skipped, (all.len() - ours) as u64);
    let [dropped] = written.dropped.as_slice() else {
        panic!("{:?}", written.dropped);
    };
    assert_eq!(
        (dropped.cause, dropped.lines),
        (DropCause::TypeConflict, points as u64)
    );
    assert!(
        dropped.reason.contains("volume = \"float\""),
        "{}",
        dropped.reason
    );
    let letters = fs::read_to_string(&settings.dead_letters).unwrap();
    assert_eq!(letters.lines().count(), points);
    for line in letters.lines() {
        let letter: Value = serde_json::from_str(line).unwrap();
        assert_eq!(letter["cause"], "type_conflict");
        assert!(
            letter["line"]
                .as_str()
                .unwrap()
                .starts_with("volume,symbol=S"),
            "{letter}"
        );
    }
    assert_eq!(database.count("volume"), points);
    assert_eq!(database.count("transactions"), points);
}

#[tokio::test]
async fn one_conflicting_series_in_a_large_batch_is_found() {
    let Some(database) = Database::new("needle") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let all = rows(&run(20, 50));
    // Somebody wrote a text where our number goes, in one measurement and at one time.
    let mut settings = settings(&database.url, v1(&database.name), dir.path());
    settings.batch_lines = 5_000;
    database.write_line("last_price,symbol=S3 value=\"text\" 1000");
    settings.layout = seed(VolumeField::Float);
    let written = sink(&settings).write(&all).await.unwrap();
    let ours = all
        .iter()
        .filter(|row| row.point.window == Span::from_secs(60));
    let has_last = |row: &PointRow| row.point.metrics.last_price.is_some();
    let last: BTreeMap<_, _> = ours
        .map(|row| ((&row.symbol, row.point.time), has_last(row)))
        .collect();
    let lines = last.values().filter(|has_last| **has_last).count();
    // A field has one type in a whole measurement: all of `last_price`, and nothing else.
    assert_eq!(written.dropped.len(), 1, "{:?}", written.dropped);
    assert_eq!(written.dropped[0].lines, lines as u64);
    assert_eq!(database.count("min_price"), lines);
    assert_eq!(database.count("last_price"), 1);
}

#[tokio::test]
async fn points_beyond_retention_are_counted_and_the_rest_is_stored() {
    let Some(database) = Database::new("retention") else {
        return;
    };
    let name = &database.name;
    database.query(&format!(
        "CREATE RETENTION POLICY short ON {name} DURATION 1h REPLICATION 1 DEFAULT"
    ));
    let dir = tempfile::tempdir().unwrap();
    let mut all = rows(&run(1, 20));
    let now = stock_up_io::clock::Clock::system().now();
    let young = all.len() / 2;
    for row in &mut all[young..] {
        row.point.time += now - 30_000_000_000;
    }
    let mut sink = sink(&settings(&database.url, v1(name), dir.path()));
    let written = sink.write(&all).await.unwrap();
    let old = last_of_each(&all[..young]).len() as u64;
    assert_eq!(written.dropped.len(), 1, "{:?}", written.dropped);
    assert_eq!(
        (written.dropped[0].cause, written.dropped[0].lines),
        (DropCause::BeyondRetention, old)
    );
    assert_eq!(database.points(), last_of_each(&all[young..]));
}

#[tokio::test]
async fn a_fractional_volume_that_the_layout_cannot_hold_costs_the_volume_alone() {
    let Some(database) = Database::new("fraction") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(&database.url, v1(&database.name), dir.path());
    settings.layout = seed(VolumeField::Integer);
    let all = rows(&run(1, 20));
    let written = sink(&settings).write(&all).await.unwrap();
    let [dropped] = written.dropped.as_slice() else {
        panic!("{:?}", written.dropped);
    };
    assert_eq!(dropped.cause, DropCause::Refused);
    assert!(
        dropped.reason.contains("volume = \"float\""),
        "{}",
        dropped.reason
    );
    assert_eq!(database.count("transactions"), 20);
    let letters = fs::read_to_string(&settings.dead_letters).unwrap();
    assert_eq!(letters.lines().count() as u64, dropped.lines);
}

#[tokio::test]
async fn a_database_that_is_missing_is_told_and_created_on_request() {
    let Some(database) = Database::named("missing") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(&database.url, v1(&database.name), dir.path());
    let all = rows(&run(1, 5));
    let error = sink(&settings).write(&all).await.unwrap_err();
    assert!(matches!(error, SinkError::Misconfigured { .. }), "{error}");
    assert!(error.to_string().contains("create = true"), "{error}");
    let retention = Some(Span::from_secs(30 * 86_400));
    settings.create = Some(Create { retention });
    // These points are of 1970: kept for thirty days they would be gone at once.
    for _ in 0..2 {
        let written = sink(&settings).write(&all).await.unwrap();
        assert_eq!(written.dropped[0].cause, DropCause::BeyondRetention);
    }
    let policies = database.rows(&format!("SHOW RETENTION POLICIES ON {}", database.name));
    let ours = policies
        .iter()
        .find(|policy| policy["name"] == "stock_up")
        .unwrap();
    assert_eq!(
        (ours["duration"].as_str(), ours["default"].as_bool()),
        (Some("720h0m0s"), Some(true))
    );
    // A policy that is missing is told as well.
    let mut other = v1(&database.name);
    if let stock_up_io::sink::influx::Api::V1 {
        retention_policy, ..
    } = &mut other
    {
        "nope".clone_into(retention_policy);
    }
    settings.api = other;
    settings.create = None;
    let error = sink(&settings).write(&all).await.unwrap_err();
    assert!(matches!(error, SinkError::Misconfigured { .. }), "{error}");
}

#[tokio::test]
async fn symbols_that_look_like_syntax_are_stored_as_they_are() {
    let Some(database) = Database::new("hostile") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let all = &odd_symbols();
    let mut sink = sink(&settings(&database.url, v1(&database.name), dir.path()));
    let written = sink.write(all).await.unwrap();
    assert_eq!(written.dropped, []);
    assert_eq!(database.points(), last_of_each(all));
}

#[tokio::test]
async fn a_probe_says_who_is_there_or_what_is_wrong() {
    let Some(database) = Database::named("probe") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let client = Client::new(&settings(&database.url, v1(&database.name), dir.path())).unwrap();
    let error = client.probe().await.unwrap_err();
    assert!(error.to_string().contains("database not found"), "{error}");
    database.query(&format!("CREATE DATABASE {}", database.name));
    let version = client.probe().await.unwrap();
    assert!(version.starts_with("1."), "{version}");
}

#[tokio::test]
async fn nothing_shows_the_password() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings("http://127.0.0.1:9", v1("x"), dir.path());
    let mut sink = sink(&settings);
    let error = sink.write(&rows(&run(1, 1))).await.unwrap_err();
    let shown = format!("{error} {error:?} {settings:?} {sink:?}");
    assert!(
        !shown.contains(SECRET) && !shown.contains("c3RvY2s6"),
        "{shown}"
    );
}
