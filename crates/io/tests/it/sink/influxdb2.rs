//! The real `InfluxDB` 2.x, found by `STOCK_UP_TEST_INFLUXDB2`: each of its answers, and what we do.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use stock_up_core::Span;
use stock_up_io::feed::Secret;
use stock_up_io::sink::influx::{Api, Client, Create, Layout};
use stock_up_io::sink::{DropCause, InfluxSettings, Sink as _, SinkError};
use stock_up_io::store::PointRow;
use stock_up_io::text::VolumeField;

use super::conformance::last_of_each;
use super::database::Database;
use super::{odd_symbols, settings, sink};
use crate::store::run::{rows, run};

/// Settings for `database`, with time for a busy machine.
fn settings_of(database: &Database, dir: &tempfile::TempDir) -> InfluxSettings {
    let mut settings = settings(&database.url, database.api(), dir.path());
    settings.timeout = Duration::from_secs(30);
    settings
}

/// The same with another organisation, bucket or token.
fn changed(
    settings: &InfluxSettings,
    change: impl FnOnce(&mut String, &mut String, &mut Secret),
) -> InfluxSettings {
    let mut settings = settings.clone();
    if let Api::V2 { org, bucket, token } = &mut settings.api {
        change(org, bucket, token);
    }
    settings
}

/// A token that may do `action` with this bucket, and nothing else.
fn token(database: &Database, action: &str) -> Secret {
    let org = database.org_id();
    let bucket = database.find_bucket().unwrap();
    let resource = json!({ "type": "buckets", "id": bucket["id"], "orgID": org });
    let permissions = json!([{ "action": action, "resource": resource }]);
    let made = database.ask_json(
        "POST /api/v2/authorizations",
        &json!({ "orgID": org, "permissions": permissions }),
    );
    Secret::new(made["token"].as_str().unwrap())
}

#[tokio::test]
async fn a_type_conflict_costs_only_the_measurement_that_conflicts() {
    let Some(database) = Database::bucket("conflict") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings_of(&database, &dir);
    settings.batch_lines = 5_000;
    settings.layout = Layout::Seed {
        window: Span::from_secs(60),
        volume: VolumeField::Float,
    };
    database.write_line("last_price,symbol=S3 value=\"text\" 1000");
    let all = rows(&run(20, 50));
    let written = sink(&settings).write(&all).await.unwrap();
    let ours = all
        .iter()
        .filter(|row| row.point.window == Span::from_secs(60));
    let has_last = |row: &PointRow| row.point.metrics.last_price.is_some();
    let last: BTreeMap<_, _> = ours
        .map(|row| ((&row.symbol, row.point.time), has_last(row)))
        .collect();
    let lines = last.values().filter(|has_last| **has_last).count();
    let [dropped] = written.dropped.as_slice() else {
        panic!("{:?}", written.dropped);
    };
    assert_eq!(
        (dropped.cause, dropped.lines),
        (DropCause::TypeConflict, lines as u64)
    );
    let letters = fs::read_to_string(&settings.dead_letters).unwrap();
    assert_eq!(letters.lines().count(), lines);
    for letter in letters.lines() {
        let letter: Value = serde_json::from_str(letter).unwrap();
        let line = letter["line"].as_str().unwrap();
        assert!(line.starts_with("last_price,symbol=S"), "{letter}");
    }
    assert_eq!(database.count("min_price"), lines);
    assert_eq!(database.count("transactions"), last.len());
    assert_eq!(database.count("last_price"), 1);
}

#[tokio::test]
async fn points_beyond_retention_are_counted_and_the_rest_is_stored() {
    let Some(database) = Database::bucket_named("retention") else {
        return;
    };
    database.create_bucket(3_600);
    let dir = tempfile::tempdir().unwrap();
    let mut all = rows(&run(1, 20));
    let now = stock_up_io::clock::Clock::system().now();
    let young = all.len() / 2;
    for row in &mut all[young..] {
        row.point.time += now - 30_000_000_000;
    }
    let settings = settings_of(&database, &dir);
    let written = sink(&settings).write(&all).await.unwrap();
    let old = last_of_each(&all[..young]).len() as u64;
    assert_eq!(written.dropped.len(), 1, "{:?}", written.dropped);
    assert_eq!(
        (written.dropped[0].cause, written.dropped[0].lines),
        (DropCause::BeyondRetention, old)
    );
    assert!(!settings.dead_letters.exists());
    assert_eq!(database.points(), last_of_each(&all[young..]));
}

#[tokio::test]
async fn a_bucket_that_is_missing_is_told_and_created_on_request() {
    let Some(database) = Database::bucket_named("missing") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings_of(&database, &dir);
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
    let bucket = database.find_bucket().unwrap();
    let rule = &bucket["retentionRules"][0];
    assert_eq!(rule["everySeconds"], 30 * 86_400);
}

#[tokio::test]
async fn a_wrong_organisation_or_key_is_told_apart_from_a_missing_bucket() {
    let Some(database) = Database::bucket("keys") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let all = rows(&run(1, 5));
    let settings = settings_of(&database, &dir);
    let mut elsewhere = changed(&settings, |org, _, _| *org = "my bucket".to_owned());
    for create in [None, Some(Create { retention: None })] {
        elsewhere.create = create;
        let error = sink(&elsewhere).write(&all).await.unwrap_err();
        assert!(matches!(error, SinkError::Misconfigured { .. }), "{error}");
        assert!(error.to_string().contains("[influxdb] org"), "{error}");
        assert!(!error.to_string().contains("create = true"), "{error}");
    }
    let read = token(&database, "read");
    for key in [Secret::new("wrong"), Secret::default(), read] {
        let settings = changed(&settings, |_, _, token| *token = key);
        let error = sink(&settings).write(&all).await.unwrap_err();
        assert!(matches!(error, SinkError::Refused { .. }), "{error}");
    }
    assert_eq!(database.points(), BTreeMap::new());
}

#[tokio::test]
async fn a_token_that_may_only_write_is_enough_where_the_bucket_is_there() {
    let Some(database) = Database::bucket("writer") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let write = token(&database, "write");
    let mut settings = changed(&settings_of(&database, &dir), |_, _, token| *token = write);
    let all = rows(&run(1, 5));
    for create in [None, Some(Create { retention: None })] {
        settings.create = create;
        let written = sink(&settings).write(&all).await.unwrap();
        assert_eq!(written.dropped, []);
    }
    assert_eq!(database.points(), last_of_each(&all));
    // It cannot create another.
    let other = changed(&settings, |_, bucket, _| bucket.push_str("_more"));
    let error = sink(&other).write(&all).await.unwrap_err();
    assert!(matches!(error, SinkError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("create the bucket"), "{error}");
}

#[tokio::test]
async fn symbols_that_look_like_syntax_are_stored_as_they_are() {
    let Some(database) = Database::bucket("hostile") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let all = &odd_symbols();
    let settings = settings_of(&database, &dir);
    let written = sink(&settings).write(all).await.unwrap();
    assert_eq!(written.dropped, []);
    assert_eq!(database.points(), last_of_each(all));
}

#[tokio::test]
async fn a_probe_says_who_is_there_or_what_is_wrong() {
    let Some(database) = Database::bucket_named("probe") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let client = Client::new(&settings_of(&database, &dir)).unwrap();
    let error = client.probe().await.unwrap_err();
    assert!(error.to_string().contains("not found"), "{error}");
    database.create_bucket(0);
    let version = client.probe().await.unwrap();
    assert!(
        version.trim_start_matches('v').starts_with("2."),
        "{version}"
    );
}
