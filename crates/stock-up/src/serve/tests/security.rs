//! Who is let in, and what keeps strangers out.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use stock_up_io::clock::Clock;

use super::harness::{Reply, Running, SECOND, start, start_with};
use crate::serve::{Serve, TokenHash};

const TOKEN: &str = "CANARY-7f3a";

async fn start_locked() -> Running {
    start_with(lock).await
}

fn lock(serve: &mut Serve) {
    serve.token = Some(TokenHash::of(TOKEN));
}

#[track_caller]
fn assert_sealed(reply: &Reply) {
    let policy = reply.header("content-security-policy").unwrap_or_default();
    assert!(
        policy.starts_with("default-src 'self'; img-src 'self' data:;"),
        "{reply:?}"
    );
    assert!(
        policy.contains("frame-ancestors 'none'; base-uri 'none'"),
        "{reply:?}"
    );
    assert_eq!(
        reply.header("x-content-type-options"),
        Some("nosniff"),
        "{reply:?}"
    );
    assert_eq!(reply.header("x-frame-options"), Some("deny"), "{reply:?}");
    assert_eq!(
        reply.header("referrer-policy"),
        Some("no-referrer"),
        "{reply:?}"
    );
    assert!(reply.header("cache-control").is_some(), "{reply:?}");
    assert!(
        reply.header("access-control-allow-origin").is_none(),
        "{reply:?}"
    );
}

#[tokio::test]
async fn every_answer_is_sealed() {
    let server = start().await;
    for path in [
        "/",
        "/healthz",
        "/metrics",
        "/api/v1/symbols",
        "/api/v1/openapi.json",
        "/nothing",
    ] {
        assert_sealed(&server.get(path).await);
    }
    assert_sealed(&server.request("DELETE /api/v1/symbols", "", "").await);
    assert_sealed(
        &server
            .send("GET / HTTP/1.1\r\nconnection: close\r\n\r\n")
            .await,
    );
    assert_sealed(&server.send("what is this\r\n\r\n").await);
}

#[tokio::test]
async fn only_names_of_this_server_are_answered() {
    let server = start().await;
    let port = server.addr.port();
    for host in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "[::1]:80",
        "stocks.example",
        "stocks.example.",
    ] {
        let text = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        assert_eq!(server.send(&text).await.status, 200, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:80",
        "10.0.0.1",
        "localhost.evil.example",
        "evil@localhost",
    ] {
        let text = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let refusal = server.send(&text).await.refusal();
        assert_eq!(refusal, (421, "unknown_host".to_owned()), "{host}");
    }
    let absolute = format!(
        "GET http://evil.example/healthz HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n"
    );
    assert_eq!(server.send(&absolute).await.status, 421);
    for hosts in ["", "host: localhost\r\nhost: evil.example\r\n"] {
        let text = format!("GET /healthz HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
        assert_eq!(
            server.send(&text).await.refusal(),
            (400, "bad_host".to_owned()),
            "{hosts}"
        );
    }
}

#[tokio::test]
async fn a_change_shows_its_marks_and_its_origin() {
    let server = start().await;
    let (line, body) = ("PUT /api/v1/settings", "{}");
    let json = "content-type: application/json; charset=utf-8\r\n";
    let marked = format!("{json}x-stock-up: 1\r\n");
    let addr = server.addr;
    for (headers, status, error) in [
        (
            format!("{marked}origin: http://evil.example\r\n"),
            403,
            "foreign_origin",
        ),
        (format!("{marked}origin: null\r\n"), 403, "foreign_origin"),
        (
            format!("{marked}origin: http://{addr}.evil.example\r\n"),
            403,
            "foreign_origin",
        ),
        (
            format!("{marked}sec-fetch-site: cross-site\r\n"),
            403,
            "foreign_origin",
        ),
        (json.to_owned(), 403, "header_missing"),
        ("x-stock-up: 1\r\n".to_owned(), 415, "not_json"),
        (
            "x-stock-up: 1\r\ncontent-type: text/plain\r\n".to_owned(),
            415,
            "not_json",
        ),
        (
            format!("{marked}origin: http://{addr}\r\nsec-fetch-site: same-origin\r\n"),
            400,
            "bad_json",
        ),
    ] {
        let refusal = server.request(line, &headers, body).await.refusal();
        assert_eq!(refusal, (status, error.to_owned()), "{headers}");
    }
    let foreign = "origin: https://evil.example\r\n";
    let refusal = server
        .request("GET /api/v1/live", foreign, "")
        .await
        .refusal();
    assert_eq!(refusal, (403, "foreign_origin".to_owned()));
}

#[tokio::test]
async fn with_a_token_everything_but_the_open_things_needs_it() {
    let server = start_locked().await;
    for path in [
        "/api/v1/symbols",
        "/api/v1/live",
        "/api/v1/openapi.json",
        "/api/v1/nothing",
        "/metrics",
    ] {
        let reply = server.get(path).await;
        assert_eq!(reply.refusal(), (401, "unauthorized".to_owned()), "{path}");
        assert_eq!(reply.header("www-authenticate"), Some("bearer"), "{path}");
    }
    for path in ["/healthz", "/readyz", "/"] {
        assert_ne!(server.get(path).await.status, 401, "{path}");
    }
    let with = |token: &str| format!("authorization: Bearer {token}\r\n");
    let reply = server
        .request("GET /api/v1/symbols", &with(TOKEN), "")
        .await;
    assert_eq!(reply.status, 200);
    for wrong in ["CANARY-7f3", "CANARY-7f3aa", "canary-7f3a"] {
        let reply = server
            .request("GET /api/v1/symbols", &with(wrong), "")
            .await;
        assert_eq!(reply.refusal(), (401, "wrong_token".to_owned()), "{wrong}");
        assert!(!reply.body.contains("CANARY"), "{reply:?}");
    }
}

#[tokio::test]
async fn a_token_in_the_address_is_refused_everywhere() {
    let server = start_locked().await;
    for path in [
        "/?token=x",
        "/api/v1/symbols?token=CANARY-7f3a",
        "/api/v1/live?access_token=x",
    ] {
        let reply = server.get(path).await;
        assert_eq!(
            reply.refusal(),
            (400, "token_in_query".to_owned()),
            "{path}"
        );
        assert!(!reply.body.contains("CANARY"), "{reply:?}");
    }
}

#[tokio::test]
async fn the_page_exchanges_the_token_for_a_cookie() {
    let server = start_locked().await;
    let login = |token: &str| format!("{{\"token\": \"{token}\"}}");
    let reply = server.change("POST /api/v1/session", &login("wrong")).await;
    assert_eq!(reply.refusal(), (401, "wrong_token".to_owned()));
    let reply = server.change("POST /api/v1/session", &login(TOKEN)).await;
    assert_eq!(reply.status, 204);
    let cookie = reply.header("set-cookie").unwrap();
    assert!(cookie.contains("; httponly; samesite=strict;"), "{cookie}");
    assert!(!cookie.contains("secure"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    assert_eq!(pair.len(), "stock_up_session=".len() + 64);
    let headers = format!("cookie: other=1; {pair}\r\n");
    let reply = server.request("GET /api/v1/symbols", &headers, "").await;
    assert_eq!(reply.status, 200);
    let headers = format!("cookie: {}0\r\n", &pair[..pair.len() - 1]);
    let forged = server.request("GET /api/v1/symbols", &headers, "").await;
    let last = pair.ends_with('0');
    assert_eq!(forged.status, if last { 200 } else { 401 });
}

#[tokio::test]
async fn guessing_is_braked_and_sessions_end() {
    let now = Arc::new(AtomicI64::new(0));
    let read = Arc::clone(&now);
    let server = start_with(|serve| {
        lock(serve);
        serve.clock = Clock::from_fn(move || read.load(Ordering::SeqCst));
        serve.limits.wrong_tokens = 3;
    })
    .await;
    let right = format!("authorization: Bearer {TOKEN}\r\n");
    let body = format!("{{\"token\": \"{TOKEN}\"}}");
    let reply = server.change("POST /api/v1/session", &body).await;
    let cookie = reply.header("set-cookie").unwrap();
    let cookie = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
    for _ in 0..3 {
        let wrong = "authorization: Bearer guess\r\n";
        assert_eq!(server.request("GET /metrics", wrong, "").await.status, 401);
    }
    let reply = server.request("GET /metrics", &right, "").await;
    assert_eq!(reply.refusal(), (429, "too_many_attempts".to_owned()));
    assert_eq!(reply.header("retry-after"), Some("61"));
    assert_eq!(
        server.request("GET /metrics", &cookie, "").await.status,
        200
    );
    now.store(61 * SECOND, Ordering::SeqCst);
    assert_eq!(server.request("GET /metrics", &right, "").await.status, 200);
    now.store(25 * 3_600 * SECOND, Ordering::SeqCst);
    assert_eq!(
        server.request("GET /metrics", &cookie, "").await.status,
        401
    );
}
