//! What each endpoint answers.

use std::sync::Arc;

use serde_json::{Value, json};
use stock_up_core::Point;
use stock_up_io::store::{Commit, NewPoint, Progress, ReaderPool, Store};

use super::harness::{NOW, SECOND, XSS, row, start, start_with};

#[tokio::test]
async fn settings_that_are_kept_elsewhere_are_not_changed_here() {
    let server = start_with(|serve| serve.sources.settings_elsewhere = true).await;
    let now = server.get("/api/v1/settings").await.json();
    let change = |settings: &Value| {
        let body = json!({"revision": 1, "settings": settings});
        let server = &server;
        async move {
            let body = body.to_string();
            server.change("PUT /api/v1/settings", &body).await
        }
    };
    let mut wanted = now["settings"].clone();
    wanted["subscriptions"] = json!(["IBM"]);
    let refusal = change(&wanted).await.refusal();
    assert_eq!(refusal, (403, "settings_elsewhere".to_owned()));
    // Who takes a symbol off that the settings do not name must not be told that it worked.
    let refusal = change(&now["settings"]).await.refusal();
    assert_eq!(refusal, (403, "settings_elsewhere".to_owned()));
    assert_eq!(server.get("/api/v1/settings").await.json(), now);
    let mut wanted = now["settings"].clone();
    wanted["log_level"] = json!("debug");
    let answer = change(&wanted).await.json();
    assert_eq!(answer["settings"]["log_level"], "debug");
}

#[tokio::test]
async fn probes_answer_in_words() {
    let server = start().await;
    assert_eq!(server.get("/healthz").await.body, "ok");
    let reply = server.get("/readyz").await;
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (503, "the log is being read")
    );
    server.hub.publish_ready();
    let reply = server.get("/readyz").await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "ready"));
    server.hub.publish_not_ready("the disk is full");
    assert_eq!(server.get("/readyz").await.body, "the disk is full");
}

#[tokio::test]
async fn symbols_show_the_live_view() {
    let server = start().await;
    let answer = server.get("/api/v1/symbols").await.json();
    assert_eq!(answer["time_ns"], NOW);
    assert_eq!(answer["simulated"], true);
    assert_eq!(answer["windows"], serde_json::json!(["60s", "300s"]));
    assert_eq!(answer["feed"]["state"], "connecting");
    let spy = answer["symbols"]
        .as_array()
        .unwrap()
        .iter()
        .find(|symbol| symbol["symbol"] == "SPY")
        .unwrap();
    assert_eq!(spy["subscribed"], true);
    let expected = serde_json::json!([{
        "symbol": "SPY", "window": "60s", "timestamp_ns": NOW, "transactions": 1, "volume": "0",
        "last_price": "167.42", "min_price": "167.42", "max_price": "167.42",
        "avg_price_trans": 167.42, "avg_price_volume": 167.42, "variance": null,
        "status": "complete", "coverage": 1.0, "revision": 0,
    }]);
    assert_eq!(spy["rows"], expected);
}

#[tokio::test]
async fn an_odd_symbol_is_text_in_json() {
    let server = start().await;
    let reply = server.get("/api/v1/symbols").await;
    let answer = reply.json();
    assert_eq!(answer["symbols"][0]["symbol"], XSS);
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    let series = "/api/v1/series?window=60s&symbol=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E";
    assert_eq!(server.get(series).await.json()["symbol"], XSS);
}

#[tokio::test]
async fn series_default_to_the_last_hour_of_the_log() {
    let server = start().await;
    let answer = server
        .get("/api/v1/series?symbol=SPY&window=1m&from=&to=")
        .await
        .json();
    assert_eq!(answer["timestamp_ns"], serde_json::json!([NOW]));
    assert_eq!(answer["last_price"], serde_json::json!(["167.42"]));
    assert_eq!(answer["variance"], serde_json::json!([null]));
    assert_eq!(
        (answer["step"].as_str(), answer["window"].as_str()),
        (Some("2s"), Some("60s"))
    );
    let old =
        "/api/v1/series?symbol=OLD&window=60s&from=1970-01-01T00:00:00Z&to=2070-01-01T00:00:00Z";
    assert_eq!(server.get(old).await.json()["truncated"], true);
}

#[tokio::test]
async fn series_come_from_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let points: Vec<Point> = (0..5).map(|second| point(NOW + second * SECOND)).collect();
    let new: Vec<NewPoint<'_>> = (0..)
        .zip(&points)
        .map(|(emission, point)| NewPoint {
            emission,
            symbol: "SPY",
            point,
        })
        .collect();
    let progress = Progress {
        position: 1,
        state: b"state",
        points: &new,
        next_emission: 5,
    };
    let commit = Commit {
        progress: Some(progress),
        ..Commit::default()
    };
    store.commit(&commit).unwrap();
    let pool = Arc::new(ReaderPool::new(dir.path()));
    let server = start_with(|serve| serve.sources.history = pool).await;
    let to = NOW + 3 * SECOND;
    let path = format!("/api/v1/series?symbol=SPY&window=60s&from={NOW}&to={to}&step=1s");
    let answer = server.get(&path).await.json();
    let times = [NOW, NOW + SECOND, NOW + 2 * SECOND, to];
    assert_eq!(answer["timestamp_ns"], serde_json::json!(times));
    assert_eq!(answer["status"][0], "complete");
    let gaps = server.get("/api/v1/gaps?symbol=SPY").await.json();
    assert_eq!(gaps, serde_json::json!({"gaps": []}));
}

fn point(time: i64) -> Point {
    Point {
        time,
        ..row("SPY", "60s", 3).point
    }
}

#[tokio::test]
async fn trades_gaps_rules_and_alerts_have_their_shapes() {
    let server = start().await;
    let answer = server.get("/api/v1/trades?symbol=SPY&limit=1").await.json();
    let trade = serde_json::json!({
        "timestamp_ns": NOW, "ts_recv_ns": NOW + 1, "seq": 7, "price": "167.42", "size": "100",
        "conditions": "1,12",
    });
    assert_eq!(
        answer,
        serde_json::json!({"trades": [trade], "truncated": true})
    );
    let answer = server.get("/api/v1/gaps").await.json();
    let gap = serde_json::json!({
        "from_ns": NOW, "to_ns": null, "symbols": [], "cause": "disconnected", "state": "open",
    });
    assert_eq!(answer, serde_json::json!({"gaps": [gap]}));
    let answer = server.get("/api/v1/rules").await.json();
    assert_eq!(answer, serde_json::json!({"rules": []}));
    let answer = server.get("/api/v1/alerts").await.json();
    assert_eq!(answer, serde_json::json!({"alerts": []}));
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_its_reason() {
    let server = start().await;
    for (path, status, error) in [
        ("/api/v1/series?window=60s", 400, "missing_parameter"),
        ("/api/v1/series?symbol=SPY", 400, "missing_parameter"),
        (
            "/api/v1/series?symbol=NONE&window=60s",
            404,
            "unknown_symbol",
        ),
        ("/api/v1/series?symbol=SPY&window=7s", 404, "unknown_window"),
        ("/api/v1/series?symbol=SPY&window=60", 400, "bad_duration"),
        (
            "/api/v1/series?symbol=SPY&window=60s&step=0s",
            400,
            "bad_duration",
        ),
        (
            "/api/v1/series?symbol=SPY&window=60s&from=2&to=1",
            400,
            "bad_range",
        ),
        (
            "/api/v1/series?symbol=SPY&window=60s&from=noon",
            400,
            "bad_time",
        ),
        (
            "/api/v1/series?symbol=SPY&window=60s&form=1",
            400,
            "bad_query",
        ),
        (
            "/api/v1/series?symbol=SPY&symbol=IBM&window=60s",
            400,
            "bad_query",
        ),
        ("/api/v1/series?symbol=BOOM&window=60s", 500, "internal"),
        ("/api/v1/trades?symbol=SPY&limit=0", 400, "bad_limit"),
        (
            "/api/v1/trades?symbol=SPY&limit=1000000000",
            400,
            "bad_limit",
        ),
        (
            "/api/v1/trades?symbol=..%2F..%2Fetc%2Fpasswd",
            404,
            "unknown_symbol",
        ),
        ("/api/v1/trades?symbol=%00", 404, "unknown_symbol"),
        ("/api/v1/trades?symbol=%ff%2e%2e", 404, "unknown_symbol"),
        ("/api/v1/gaps?symbol=NONE", 404, "unknown_symbol"),
        ("/api/v1/symbols?x=1", 400, "bad_query"),
        ("/api/v1/live?window=soon", 400, "bad_duration"),
        ("/api/v1/nothing", 404, "not_found"),
        ("/api/v2/symbols", 404, "not_found"),
        ("/../../etc/passwd", 404, "not_found"),
        ("/assets/..%2f..%2fCargo.toml", 404, "not_found"),
        ("/%00", 404, "not_found"),
    ] {
        let refusal = server.get(path).await.refusal();
        assert_eq!(refusal, (status, error.to_owned()), "{path}");
    }
    let detail = &server
        .get("/api/v1/trades?symbol=SPY&limit=10001")
        .await
        .json()["detail"];
    assert_eq!(detail, "`limit` is `10001`; limit must be 1..=10000");
}

#[tokio::test]
async fn settings_are_read_and_changed() {
    let server = start().await;
    let answer = server.get("/api/v1/settings").await.json();
    assert_eq!(answer["revision"], 1);
    assert_eq!(
        answer["settings"]["windows"],
        serde_json::json!(["60s", "300s"])
    );
    assert!(answer["refused"].is_null());
    let change = r#"{"revision": 1, "settings": {"subscriptions": ["IBM"], "windows": ["10s"],
        "lateness": "2s", "log_level": "debug"}}"#;
    let answer = server.change("PUT /api/v1/settings", change).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    assert_eq!(answer["revision"], 2);
    assert_eq!(
        answer["settings"]["subscriptions"],
        serde_json::json!(["IBM"])
    );
    let file = std::fs::read_to_string(server.dir.path().join("settings.toml")).unwrap();
    assert!(file.contains("IBM"), "{file}");
    let refusal = server
        .change("PUT /api/v1/settings", change)
        .await
        .refusal();
    assert_eq!(refusal, (409, "conflict".to_owned()));
}

#[tokio::test]
async fn settings_that_cannot_be_used_stay_out() {
    let server = start().await;
    let body = |windows: &str, extra: &str| {
        format!(
            "{{\"revision\": 1, \"settings\": {{\"subscriptions\": [], \"windows\": {windows}, \
            \"lateness\": \"1s\", \"log_level\": \"info\"{extra}}}}}"
        )
    };
    for (change, error) in [
        (body("[]", ""), "bad_settings"),
        (body("[\"60\"]", ""), "bad_settings"),
        (body("[\"60s\"]", ", \"colour\": 1"), "bad_json"),
        (body("60", ""), "bad_json"),
        ("{\"revision\": 1}".to_owned(), "bad_json"),
        ("not JSON".to_owned(), "bad_json"),
    ] {
        let refusal = server
            .change("PUT /api/v1/settings", &change)
            .await
            .refusal();
        assert_eq!(refusal, (400, error.to_owned()), "{change}");
    }
    let broken = server
        .change("PUT /api/v1/settings", "{\n  \"revision\": }")
        .await
        .json();
    let detail = broken["detail"].as_str().unwrap();
    assert!(detail.contains("line 2 column 15"), "{detail}");
    assert_eq!(server.get("/api/v1/settings").await.json()["revision"], 1);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one() {
    let server = start().await;
    for line in [
        "DELETE /api/v1/symbols",
        "POST /api/v1/settings",
        "PUT /metrics",
        "BREW /healthz",
    ] {
        let reply = server.request(line, "", "").await;
        assert_eq!(
            reply.refusal(),
            (405, "method_not_allowed".to_owned()),
            "{line}"
        );
        assert!(
            reply
                .header("allow")
                .is_some_and(|allow| allow.contains("get")),
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn metrics_are_text_for_prometheus() {
    let server = start().await;
    server.telemetry.pipeline.received(3);
    let reply = server.get("/metrics").await;
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    for line in [
        "stock_up_trades_received_total 3\n",
        "stock_up_trades_in_flight 3\n",
        "stock_up_http_connections 1\n",
    ] {
        assert!(reply.body.contains(line), "{line} in {}", reply.body);
    }
}
