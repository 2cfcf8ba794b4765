//! Creates the database, with how long it keeps points, as the seed's manual steps did.
//!
//! Asking again changes nothing; a retention policy or bucket that is there already is left as it
//! is, for somebody made it so.

use std::fmt::Write as _;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::SinkError;
use super::answer::{self, Head};
use super::client::{Client, NOTHING};
use super::settings::{Api, Create};

/// The retention policy that is created where none is named.
const RETENTION_POLICY: &str = "stock_up";

/// Creates what [`Api`] names.
pub(super) async fn database(client: &Client, create: Create) -> Result<(), SinkError> {
    let seconds = create.retention.map(|span| span.ns() / 1_000_000_000);
    match client.api().clone() {
        Api::V1 {
            database,
            retention_policy,
            ..
        } => v1(client, (&database, &retention_policy), seconds).await,
        Api::V2 { org, bucket, .. } => v2(client, (&org, &bucket), seconds).await,
        Api::V3 { database, .. } => {
            let mut body = json!({ "db": database });
            if let (Some(seconds), Some(body)) = (seconds, body.as_object_mut()) {
                body.insert("retention_period".to_owned(), json!(format!("{seconds}s")));
            }
            post(client, &["api", "v3", "configure", "database"], &body).await
        }
    }
}

async fn v1(
    client: &Client,
    (database, policy): (&str, &str),
    seconds: Option<i64>,
) -> Result<(), SinkError> {
    query(client, &format!("CREATE DATABASE {}", quoted(database))).await?;
    let Some(seconds) = seconds else {
        return Ok(());
    };
    let policy = if policy.is_empty() {
        RETENTION_POLICY
    } else {
        policy
    };
    let (policy, database) = (quoted(policy), quoted(database));
    let text = format!(
        "CREATE RETENTION POLICY {policy} ON {database} DURATION {seconds}s REPLICATION 1 DEFAULT"
    );
    query(client, &text).await
}

/// An identifier of `InfluxQL`.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A statement; its own errors come with status 200.
async fn query(client: &Client, text: &str) -> Result<(), SinkError> {
    #[derive(Default, Deserialize)]
    struct Body {
        #[serde(default)]
        results: Vec<Statement>,
    }
    #[derive(Deserialize)]
    struct Statement {
        error: Option<String>,
    }
    let body = format!("q={}", percent_encoded(text));
    let request = client.request(Method::POST, &["query"]);
    let request = request
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body);
    let (head, body) = client.ask(request).await?;
    refuse(client, &head, &body)?;
    let parsed: Body = serde_json::from_str(&body).unwrap_or_default();
    let failed = parsed
        .results
        .into_iter()
        .find_map(|statement| statement.error);
    match failed {
        Some(error) if !error.contains("already exists") => Err(SinkError::Misconfigured {
            reason: format!("InfluxDB refuses `{text}`: {}", answer::reason(&error)),
        }),
        _ => Ok(()),
    }
}

async fn v2(
    client: &Client,
    (org, bucket): (&str, &str),
    seconds: Option<i64>,
) -> Result<(), SinkError> {
    // A token that may write to this bucket, and nothing else, is enough where the bucket is there.
    match client.write(NOTHING).await {
        Ok(_) => return Ok(()),
        Err(SinkError::Misconfigured { .. }) => {}
        Err(error) => return Err(error),
    }
    let path = ["api", "v2", "orgs"];
    let request = client.request_with(Method::GET, &path, Some(("org", org)));
    let (head, body) = client.ask(request).await?;
    refuse(client, &head, &body)?;
    let found: Value = serde_json::from_str(&body).unwrap_or_default();
    let Some(id) = found["orgs"][0]["id"].as_str() else {
        return Err(SinkError::Refused {
            reason: format!(
                "InfluxDB does not show organisation `{org}` to the token, which bucket \
                 `{bucket}` is to be created in; create the bucket, or let the token read the \
                 organisation and write its buckets"
            ),
        });
    };
    let rules = seconds.map(|seconds| json!({ "type": "expire", "everySeconds": seconds }));
    let rules: Vec<Value> = rules.into_iter().collect();
    let body = json!({ "orgID": id, "name": bucket, "retentionRules": rules });
    post(client, &["api", "v2", "buckets"], &body).await
}

async fn post(client: &Client, path: &[&str], body: &Value) -> Result<(), SinkError> {
    let request = client.request(Method::POST, path);
    let request = request
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string());
    let (head, body) = client.ask(request).await?;
    if matches!(head.status, 409 | 422) && body.contains("already exists") {
        return Ok(());
    }
    refuse(client, &head, &body)
}

fn refuse(client: &Client, head: &Head, body: &str) -> Result<(), SinkError> {
    if (200..300).contains(&head.status) {
        return Ok(());
    }
    Err(client.failure(head, &answer::reason(body)))
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String does not fail");
        }
    }
    out
}
