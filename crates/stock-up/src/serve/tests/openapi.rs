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
#[should_panic(expected = "/symbols/0/subscribed")]
fn the_check_of_schemas_sees_a_wrong_answer() {
    let document = document();
    let schema = json!({"$ref": "#/components/schemas/Symbols"});
    let answer = json!({
        "time_ns": 1, "simulated": true, "venue": "demo", "windows": [], "grid": "1s",
        "feed": {"state": "live", "since_ns": null, "detail": ""},
        "symbols": [{"symbol": "SPY", "subscribed": "yes", "rows": []}],
    });
    check(&document, &schema, &answer, "");
}

/// What of JSON Schema our document uses; anything else fails, so that nothing goes unchecked.
#[track_caller]
fn check(document: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(name) => document.pointer(&name[1..]).expect(name),
        None => schema,
    };
    if let Some(any) = schema["anyOf"].as_array() {
        let null = json!({"type": "null"});
        let some = any.iter().find(|option| **option != null).expect(at);
        if !value.is_null() {
            check(document, some, value, at);
        }
        return;
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{at}: {value} in {words:?}");
        return;
    }
    if let Some(words) = schema["oneOf"].as_array() {
        assert!(
            words.iter().any(|word| word["const"] == *value),
            "{at}: {value}"
        );
        return;
    }
    assert!(
        has_type(&schema["type"], value),
        "{at}: {value} is not {}",
        schema["type"]
    );
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check(document, &schema["items"], item, &format!("{at}/{index}"));
            }
        }
        Value::Object(fields) => {
            let required = schema["required"].as_array().into_iter().flatten();
            for name in required {
                assert!(
                    fields.contains_key(name.as_str().unwrap()),
                    "{at}: no {name}"
                );
            }
            for (name, field) in fields {
                check(
                    document,
                    &schema["properties"][name],
                    field,
                    &format!("{at}/{name}"),
                );
            }
        }
        _ => {}
    }
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
