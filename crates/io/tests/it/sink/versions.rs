//! 2.x and 3.x over a socket of ours: paths, keys, creation, and what their answers lead to.

use std::fs;
use std::time::Duration;

use stock_up_core::Span;
use stock_up_io::feed::Secret;
use stock_up_io::sink::influx::{Api, Client, Create};
use stock_up_io::sink::{DropCause, Sink as _, SinkError};

use super::mock::{Fault, Mock};
use super::{SECRET, settings, sink, v1};
use crate::store::run::{rows, run};

/// What 2.7 says of a bucket that is not there.
const NO_BUCKET: Fault = Fault::Answer(
    404,
    "",
    "{\"code\":\"not found\",\"message\":\"bucket \\\"stocks\\\" not found\"}",
);

fn v2() -> Api {
    Api::V2 {
        org: "desk & co".to_owned(),
        bucket: "stocks".to_owned(),
        token: Secret::new(SECRET),
    }
}

#[tokio::test]
async fn two_and_three_write_with_a_token_and_create_what_is_missing() {
    const WRITE: &str = "POST /api/v2/write?org=desk+%26+co&bucket=stocks&precision=ns HTTP/1.1";
    let (mock, dir) = (Mock::start(), tempfile::tempdir().unwrap());
    let mut two = settings(&mock.url, v2(), dir.path());
    let retention = Some(Span::from_secs(86_400));
    two.create = Some(Create { retention });
    mock.script([NO_BUCKET]);
    sink(&two).write(&rows(&run(1, 5))).await.unwrap();
    assert_eq!(mock.authorization(), format!("Token {SECRET}"));
    assert_eq!(
        mock.requests(),
        [
            WRITE,
            "GET /api/v2/orgs?org=desk+%26+co HTTP/1.1",
            "POST /api/v2/buckets HTTP/1.1",
            WRITE,
        ]
    );
    let bucket: serde_json::Value = serde_json::from_str(&mock.bodies()[1]).unwrap();
    assert_eq!(bucket["retentionRules"][0]["everySeconds"], 86_400);
    assert_eq!(
        (&bucket["orgID"], &bucket["name"]),
        (&"0f".into(), &"stocks".into())
    );

    let mock = Mock::start();
    let api = Api::V3 {
        database: "stocks".to_owned(),
        token: Secret::new(SECRET),
    };
    let mut three = settings(&mock.url, api, dir.path());
    three.create = Some(Create { retention: None });
    mock.script([Fault::Answer(
        409,
        "",
        "{\"error\":\"database already exists\"}",
    )]);
    sink(&three).write(&rows(&run(1, 5))).await.unwrap();
    assert_eq!(
        mock.requests(),
        [
            "POST /api/v3/configure/database HTTP/1.1",
            "POST /api/v2/write?bucket=stocks&precision=ns HTTP/1.1",
        ]
    );
    assert_eq!(mock.lines().len(), 10);
}

#[tokio::test]
async fn a_token_that_cannot_create_a_bucket_of_two_is_told_so_only_where_it_has_to() {
    let (mock, dir) = (Mock::start(), tempfile::tempdir().unwrap());
    let mut settings = settings(&mock.url, v2(), dir.path());
    settings.create = Some(Create { retention: None });
    let all = rows(&run(1, 5));
    // 2.7 shows no organisation to a token that may not read it.
    mock.script([NO_BUCKET, Fault::Answer(200, "", "{\"orgs\":[]}")]);
    let error = sink(&settings).write(&all).await.unwrap_err();
    assert!(matches!(error, SinkError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("create the bucket"), "{error}");
    assert_eq!(mock.faults_left(), 0);
    // Where it is there, nothing is asked but to write.
    sink(&settings).write(&all).await.unwrap();
    assert_eq!(mock.lines().len(), 10);
    let asked = mock.requests();
    let is_write = |line: &String| line.starts_with("POST /api/v2/write?");
    assert!(asked[2..].iter().all(is_write), "{asked:?}");
}

#[tokio::test]
async fn answers_of_two_lead_to_the_same_as_those_of_one() {
    let (mock, dir) = (Mock::start(), tempfile::tempdir().unwrap());
    let mut sink = sink(&settings(&mock.url, v2(), dir.path()));
    let all = rows(&run(2, 5));
    mock.script([Fault::Answer(
        422,
        "",
        "{\"code\":\"unprocessable entity\",\"message\":\"failure writing points to database: partial \
         write: dropped 3 points outside retention policy of duration 1h0m0s - oldest point \
         stock_window,symbol=S0,window=60s at 1970-01-01T00:00:01Z dropped because it violates a \
         Retention Policy Lower Bound at 2026-07-27T21:15:32.846147093Z, newest point \
         stock_window,symbol=S0,window=60s at 1970-01-01T00:00:03Z dropped because it violates a \
         Retention Policy Lower Bound at 2026-07-27T21:15:32.846147093Z dropped=3 for database: \
         1a6c2b7b0b2ce4d1 for retention policy: autogen\"}",
    )]);
    let written = sink.write(&all).await.unwrap();
    assert_eq!(
        (written.dropped[0].cause, written.dropped[0].lines),
        (DropCause::BeyondRetention, 3)
    );
    mock.script([NO_BUCKET]);
    let error = sink.write(&all).await.unwrap_err();
    assert!(matches!(error, SinkError::Misconfigured { .. }), "{error}");
    mock.script([Fault::Answer(
        401,
        "",
        "{\"code\":\"unauthorized\",\"message\":\"unauthorized access CANARY-7f3a\"}",
    )]);
    let error = sink.write(&all).await.unwrap_err();
    assert!(matches!(error, SinkError::Refused { .. }), "{error}");
    assert!(!error.to_string().contains(SECRET), "{error}");
    mock.script([Fault::Answer(429, "Retry-After: 12\r\n", "")]);
    let error = sink.write(&all).await.unwrap_err();
    let asked = Some(Duration::from_secs(12));
    assert!(matches!(error, SinkError::Unavailable { retry_after, .. } if retry_after == asked));
}

#[tokio::test]
async fn a_server_that_finds_it_too_much_gets_less() {
    let (mock, dir) = (Mock::start(), tempfile::tempdir().unwrap());
    mock.limit(7);
    let mut sink = sink(&settings(&mock.url, v1("stocks"), dir.path()));
    let all = rows(&run(2, 50));
    let written = sink.write(&all).await.unwrap();
    assert_eq!(written.dropped, []);
    let points = super::conformance::last_of_each(&all).len();
    assert_eq!(mock.lines().len(), points);
    assert!(
        (1..=7).contains(&sink.batch_items()),
        "{}",
        sink.batch_items()
    );
}

#[tokio::test]
async fn lines_that_cannot_be_read_are_put_aside_one_by_one() {
    let (mock, dir) = (Mock::start(), tempfile::tempdir().unwrap());
    let settings = settings(&mock.url, v1("stocks"), dir.path());
    // Eight lines: the whole, its halves, the half of the first half, and one line of that.
    let all: Vec<_> = rows(&run(1, 4)).into_iter().take(8).collect();
    let bad = Fault::Answer(
        400,
        "",
        "{\"error\":\"unable to parse 'x': missing fields\"}",
    );
    let good = Fault::Answer(204, "", "");
    mock.script([
        bad.clone(),
        bad.clone(),
        bad.clone(),
        good.clone(),
        bad,
        good.clone(),
        good,
    ]);
    let written = sink(&settings).write(&all).await.unwrap();
    assert_eq!(
        (written.dropped[0].cause, written.dropped[0].lines),
        (DropCause::Unparsable, 1)
    );
    assert_eq!(mock.faults_left(), 0);
    let letters = fs::read_to_string(&settings.dead_letters).unwrap();
    let letter: serde_json::Value = serde_json::from_str(letters.trim()).unwrap();
    assert_eq!(letter["at_ns"], 7);
    assert!(
        letter["line"]
            .as_str()
            .unwrap()
            .starts_with("stock_window,symbol=S0"),
        "{letter}"
    );
}

#[tokio::test]
async fn doctor_learns_who_is_there() {
    let (mock, dir) = (Mock::start(), tempfile::tempdir().unwrap());
    let client = Client::new(&settings(&mock.url, v2(), dir.path())).unwrap();
    assert_eq!(client.probe().await.unwrap(), "9.9");
    let page = Fault::Answer(200, "", "<html>a web page</html>");
    mock.script([page.clone(), page]);
    let error = client.probe().await.unwrap_err();
    assert!(matches!(error, SinkError::Misconfigured { .. }), "{error}");
}
