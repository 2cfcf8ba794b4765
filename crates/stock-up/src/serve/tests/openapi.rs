//! The document describes what is answered.

use serde_json::{Value, json};

use super::harness::{start, start_with};
use crate::serve::Serve;
use crate::serve::openapi::document;
use crate::serve::routes::{Answered, routes};

#[tokio::test]
async fn every_route_is_in_the_document_and_answers() {
    let server = start_with(|serve: &mut Serve| serve.limits.connections_per_ip = 100).await;
    let served = server.get("/api/v1/openapi.json").await.json();
    assert_eq!(served, document());
    for route in routes() {
        assert!(
            served["paths"][route.path][route.method].is_object(),
            "{}",
            route.path
        );
        if matches!(route.answer, Answered::Events) {
            continue;
        }
        let line = format!("{} {}", route.method.to_uppercase(), route.path);
        let status = server.request(&line, "", "").await.status;
        assert!(![404, 405].contains(&status), "{line}: {status}");
    }
}

#[test]
fn every_endpoint_of_the_contract_is_in_the_document() {
    let contract = include_str!("../../../../../docs/http.md");
    let document = document();
    let mut found = 0;
    for method in ["GET", "PUT", "POST"] {
        for rest in contract.split(&format!("`{method} ")).skip(1) {
            let path = rest.split(['?', '`', ' ']).next().unwrap();
            let operation = &document["paths"][path][method.to_lowercase()];
            assert!(operation.is_object(), "{method} {path}");
            found += 1;
        }
    }
    assert!(found >= 13, "{found}");
}

#[tokio::test]
async fn real_answers_match_their_schemas() {
    let server = start().await;
    let document = document();
    for (path, query) in [
        ("/api/v1/symbols", ""),
        ("/api/v1/series", "?symbol=SPY&window=60s"),
        ("/api/v1/trades", "?symbol=SPY"),
        ("/api/v1/gaps", ""),
        ("/api/v1/rules", ""),
        ("/api/v1/alerts", ""),
        ("/api/v1/settings", ""),
    ] {
        let answer = server.get(&format!("{path}{query}")).await.json();
        let answers = &document["paths"][path]["get"]["responses"];
        let schema = &answers["200"]["content"]["application/json"]["schema"];
        check(&document, schema, &answer, path);
        let refusal = server.get(&format!("{path}?nonsense=1")).await.json();
        let schema = &answers["default"]["content"]["application/json"]["schema"];
        check(&document, schema, &refusal, path);
    }
}

#[test]
fn the_check_of_schemas_sees_a_wrong_answer() {
    let document = document();
    let schema = json!({"$ref": "#/components/schemas/Symbols"});
    let answer = json!({
        "time_ns": 1, "simulated": true, "venue": "demo", "windows": [], "grid": "1s",
        "feed": {"state": "live", "since_ns": null, "detail": ""},
        "symbols": [{"symbol": "SPY", "subscribed": "yes", "rows": []}],
    });
    let wrong = mismatch(&document, &schema, &answer, "");
    assert_eq!(
        wrong.as_deref(),
        Some("/symbols/0/subscribed: \"yes\" is not \"boolean\"")
    );
}

#[track_caller]
fn check(document: &Value, schema: &Value, value: &Value, at: &str) {
    assert_eq!(mismatch(document, schema, value, at), None);
}

/// What of JSON Schema our document uses; anything else is a mismatch, so that nothing goes
/// unchecked.
fn mismatch(document: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = document.pointer(&name[1..]).expect(name);
        return mismatch(document, schema, value, at);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let null = json!({"type": "null"});
        let some = any.iter().find(|option| **option != null).expect(at);
        return if value.is_null() {
            None
        } else {
            mismatch(document, some, value, at)
        };
    }
    let words = schema["enum"].as_array().cloned().or_else(|| {
        let words = schema["oneOf"].as_array()?.iter();
        Some(words.map(|word| word["const"].clone()).collect())
    });
    if let Some(words) = words {
        return (!words.contains(value)).then(|| format!("{at}: {value} is none of {words:?}"));
    }
    if !has_type(&schema["type"], value) {
        return Some(format!("{at}: {value} is not {}", schema["type"]));
    }
    if let Some(items) = value.as_array() {
        let check =
            |(index, item)| mismatch(document, &schema["items"], item, &format!("{at}/{index}"));
        return items.iter().enumerate().find_map(check);
    }
    let fields = value.as_object()?;
    let mut required = schema["required"].as_array().into_iter().flatten();
    let missing =
        required.find(|name| !name.as_str().is_some_and(|name| fields.contains_key(name)));
    if let Some(name) = missing {
        return Some(format!("{at}: {name} is missing"));
    }
    fields.iter().find_map(|(name, field)| {
        let schema = &schema["properties"][name];
        mismatch(document, schema, field, &format!("{at}/{name}"))
    })
}

fn has_type(types: &Value, value: &Value) -> bool {
    let kinds = match types {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    kinds.iter().any(|kind| match kind.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    })
}
