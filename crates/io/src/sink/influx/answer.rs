//! What the server's answers mean.
//!
//! Seen on 1.6.7: 204 stored; 400 `{"error":"partial write: field type conflict: … dropped=2"}`,
//! `partial write: points beyond retention policy dropped=2`, `partial write: unable to parse '…'
//! … dropped=0` and `unable to parse '…'`: the other lines are stored; 404 `database not found`;
//! 500 `retention policy not found`; 401 `authorization failed`.
//! Seen on 2.7.12, where `message` stands for `error`: 422 `failure writing points to database:
//! partial write: …` for conflicts and old points, which are `dropped 2 points outside retention
//! policy of duration 1h0m0s - … dropped=2 for database: … for retention policy: autogen`; 400
//! `unable to parse '…'`: no line is stored; 404 `bucket "…" not found`, `organization name "…" not
//! found`; 401 `unauthorized access`; 403 `insufficient permissions for write`.

use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use super::super::{DropCause, SinkError};
use super::MAX_REASON_CHARS;
use super::settings::Api;

/// Status and headers of an answer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) version: Option<String>,
}

/// What became of the lines of a request, when the server looked at them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// All are stored.
    Stored,
    /// Some or all are not, and never will be.
    Fault(Fault),
    /// Fewer at once, please.
    TooLarge,
}

/// Why lines are not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) cause: DropCause,
    /// How many were not taken, where the server says it.
    pub(super) lines: Option<u64>,
    /// The server's words.
    pub(super) reason: String,
}

/// An error as 1.x and 3.x (`error`) or 2.x (`message`) write it.
#[derive(Debug, Default, Deserialize)]
struct Body {
    error: Option<String>,
    message: Option<String>,
}

/// Reads the answer to a write.
pub(super) fn of_write(
    base: &Url,
    api: &Api,
    head: &Head,
    body: &str,
) -> Result<Answer, SinkError> {
    let said = words(body);
    match head.status {
        204 => Ok(Answer::Stored),
        413 => Ok(Answer::TooLarge),
        400 | 422 if missing(&said).is_none() => Ok(Answer::Fault(fault(&said))),
        _ => Err(failure(base, api, head, &shortened(&said))),
    }
}

/// What any answer means that is no answer to the lines themselves.
pub(super) fn failure(base: &Url, api: &Api, head: &Head, said: &str) -> SinkError {
    let target = api.target();
    match (head.status, missing(said)) {
        (401 | 403, _) => SinkError::Refused {
            reason: format!(
                "InfluxDB at {base} refuses us ({}): {said}; see [influxdb] user and password, or \
                 token, and their right to write to `{target}`",
                head.status
            ),
        },
        (_, Some(what)) => SinkError::Misconfigured {
            reason: format!("InfluxDB at {base}: {said}; {}", what.advice()),
        },
        (429 | 500..=599 | 408, None) => SinkError::Unavailable {
            reason: format!("InfluxDB at {base} answers {}: {said}", head.status),
            retry_after: head.retry_after.as_deref().and_then(seconds),
        },
        (status, None) => not_influx(base, status),
    }
}

pub(super) fn not_influx(base: &Url, status: u16) -> SinkError {
    SinkError::Misconfigured {
        reason: format!(
            "{base} answers {status}, as no InfluxDB of this version does; see [influxdb] url and \
             version"
        ),
    }
}

/// The server's words: on one line, and not too many.
pub(super) fn reason(body: &str) -> String {
    shortened(&words(body))
}

/// What the body says, all of it.
fn words(body: &str) -> String {
    let parsed: Body = serde_json::from_str(body).unwrap_or_default();
    let said = parsed.error.or(parsed.message);
    said.unwrap_or_else(|| body.to_owned())
}

fn shortened(said: &str) -> String {
    let plain = said
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    let mut text: String = plain.take(MAX_REASON_CHARS).collect();
    if text.is_empty() {
        "no reason given".clone_into(&mut text);
    }
    text
}

/// What the server does not have.
#[derive(Debug, Clone, Copy)]
enum Missing {
    /// A database, bucket or retention policy, which we can create.
    Database,
    /// An organisation, which we cannot.
    Organisation,
}

impl Missing {
    fn advice(self) -> &'static str {
        match self {
            Self::Database => "create it, or set [influxdb] create = true, or correct the name",
            Self::Organisation => "correct [influxdb] org",
        }
    }
}

fn missing(said: &str) -> Option<Missing> {
    let of_database = ["database", "retention policy", "bucket"];
    if !said.contains("not found") {
        None
    } else if said.starts_with("organization") {
        // Before the names of the others, which may be part of its name.
        Some(Missing::Organisation)
    } else if of_database.iter().any(|what| said.contains(what)) {
        Some(Missing::Database)
    } else {
        None
    }
}

fn fault(said: &str) -> Fault {
    let says = |part: &str| said.contains(part);
    let cause = if says("beyond retention policy") || says("outside retention policy") {
        DropCause::BeyondRetention
    } else if says("field type conflict") || says("invalid column type") {
        DropCause::TypeConflict
    } else if says("unable to parse") || says("partial write of line protocol") {
        DropCause::Unparsable
    } else {
        DropCause::Refused
    };
    Fault {
        cause,
        lines: said
            .rsplit_once("dropped=")
            .and_then(|(_, rest)| count(rest)),
        reason: shortened(said),
    }
}

/// The number that a text begins with. Newer servers go on after it, with the database's name.
fn count(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.get(..end.unwrap_or(text.len()))?.parse().ok()
}

/// `Retry-After` in seconds; a date is not understood, and the usual wait is used.
fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Secret;

    /// 2.7.12: the number comes late, and is not the last word.
    const OUTSIDE_RETENTION: &str = r#"{"code":"unprocessable entity","message":"failure writing points to database: partial write: dropped 2 points outside retention policy of duration 1h0m0s - oldest point stock_window,symbol=SPY,window=60s at 2013-10-08T08:00:17.034Z dropped because it violates a Retention Policy Lower Bound at 2026-07-27T21:15:32.846147093Z, newest point stock_window,symbol=SPY,window=600s at 2013-10-08T08:00:17.034Z dropped because it violates a Retention Policy Lower Bound at 2026-07-27T21:15:32.846147093Z dropped=2 for database: 1a6c2b7b0b2ce4d1 for retention policy: autogen"}"#;

    fn read(status: u16, body: &str) -> Result<Answer, SinkError> {
        let api = Api::V1 {
            database: "stocks".to_owned(),
            retention_policy: String::new(),
            user: String::new(),
            password: Secret::default(),
        };
        let head = Head {
            status,
            retry_after: Some("7".to_owned()),
            version: None,
        };
        of_write(&Url::parse("http://h:8086").unwrap(), &api, &head, body)
    }

    #[test]
    fn faults_of_lines_are_told_apart() {
        let check = |status, body: &str, cause, lines| match read(status, body) {
            Ok(Answer::Fault(fault)) => assert_eq!((fault.cause, fault.lines), (cause, lines)),
            other => panic!("{other:?}"),
        };
        check(
            400,
            r#"{"error":"partial write: field type conflict: input field \"value\" on measurement \"volume\" is type float, already exists as type integer dropped=2"}"#,
            DropCause::TypeConflict,
            Some(2),
        );
        check(
            400,
            r#"{"error":"partial write: points beyond retention policy dropped=12"}"#,
            DropCause::BeyondRetention,
            Some(12),
        );
        // 1.12.2, which goes on after the number.
        check(
            400,
            r#"{"error":"partial write: points beyond retention policy or outside permissible write window dropped=5 for database: stocks for retention policy: autogen"}"#,
            DropCause::BeyondRetention,
            Some(5),
        );
        check(
            422,
            r#"{"code":"unprocessable entity","message":"failure writing points to database: partial write: points beyond retention policy dropped=1"}"#,
            DropCause::BeyondRetention,
            Some(1),
        );
        check(422, OUTSIDE_RETENTION, DropCause::BeyondRetention, Some(2));
        check(
            400,
            r#"{"error":"unable to parse 'foo': missing fields"}"#,
            DropCause::Unparsable,
            None,
        );
        check(400, "", DropCause::Refused, None);
        assert_eq!(read(204, ""), Ok(Answer::Stored));
        assert_eq!(read(413, ""), Ok(Answer::TooLarge));
    }

    #[test]
    fn the_rest_is_told_apart_by_what_to_do_next() {
        let missing = r#"{"error":"database not found: \"stocks\""}"#;
        let policy = r#"{"error":"retention policy not found: nope"}"#;
        for (status, body) in [
            (404, missing),
            (500, policy),
            (301, ""),
            (200, "<html>"),
            (404, ""),
        ] {
            let error = read(status, body).unwrap_err();
            assert!(matches!(error, SinkError::Misconfigured { .. }), "{error}");
        }
        let org = r#"{"code":"not found","message":"organization name \"my bucket\" not found"}"#;
        let error = read(404, org).unwrap_err().to_string();
        assert!(error.ends_with("; correct [influxdb] org"), "{error}");
        for status in [401, 403] {
            let error = read(status, "{}").unwrap_err();
            assert!(matches!(error, SinkError::Refused { .. }), "{error}");
        }
        for status in [429, 500, 502, 503, 504] {
            let asked = Some(Duration::from_secs(7));
            match read(status, "busy\nnow").unwrap_err() {
                SinkError::Unavailable {
                    reason,
                    retry_after,
                } => {
                    assert!(reason.ends_with(": busy now"), "{reason}");
                    assert_eq!(retry_after, asked);
                }
                other => panic!("{other}"),
            }
        }
    }
}
