//! Every bound, reached from outside.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::harness::{DEADLINE, Reply, Running, start, start_with};

#[tokio::test]
async fn headers_are_bounded() {
    let server = start().await;
    let long = format!("x-long: {}\r\n", "a".repeat(17 << 10));
    let endless = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx-long: {}",
        "a".repeat(40 << 10)
    );
    let many = "x-many: 1\r\n".repeat(200);
    for reply in [
        server.request("GET /healthz", &long, "").await,
        server.request("GET /healthz", &many, "").await,
        server.send(&endless).await,
    ] {
        assert_eq!(reply.refusal(), (431, "headers_too_large".to_owned()));
    }
    let fits = format!("x-long: {}\r\n", "a".repeat(15 << 10));
    assert_eq!(server.request("GET /healthz", &fits, "").await.status, 200);
}

#[tokio::test]
async fn what_is_no_http_is_told_so() {
    let server = start().await;
    for text in [
        "hello\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n",
        "\u{16}\u{3}\u{1}\r\n\r\n",
    ] {
        let reply = server.send(text).await;
        assert_eq!(reply.refusal(), (400, "bad_request".to_owned()), "{text}");
    }
}

#[tokio::test]
async fn slow_headers_and_bodies_are_cut_off() {
    let server = start_with(|serve| {
        serve.limits.header_time = Duration::from_millis(50);
        serve.limits.body_time = Duration::from_millis(50);
    })
    .await;
    let reply = server.send("GET / HTTP/1.1\r\nhost: loc").await;
    assert_eq!(reply.refusal(), (408, "slow_headers".to_owned()));
    let reply = server
        .send(
            "POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
            content-type: application/json\r\nx-stock-up: 1\r\ncontent-length: 10\r\n\r\n{",
        )
        .await;
    assert_eq!(reply.refusal(), (408, "slow_body".to_owned()));
}

#[tokio::test]
async fn bodies_are_bounded_with_or_without_a_length() {
    let server = start().await;
    let large = "a".repeat((64 << 10) + 1);
    let reply = server.change("POST /api/v1/session", &large).await;
    assert_eq!(reply.refusal(), (413, "body_too_large".to_owned()));
    let chunked = format!(
        "POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
        content-type: application/json\r\nx-stock-up: 1\r\ntransfer-encoding: chunked\r\n\r\n\
        {:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    let reply = server.send(&chunked).await;
    assert_eq!(reply.refusal(), (413, "body_too_large".to_owned()));
}

#[tokio::test]
async fn connections_of_one_address_are_bounded() {
    let server = start_with(|serve| serve.limits.connections_per_ip = 2).await;
    let first = idle(&server).await;
    let second = idle(&server).await;
    let refusal = server.get("/healthz").await.refusal();
    assert_eq!(refusal, (429, "too_many_connections".to_owned()));
    let refused = &server.telemetry.http_connections_refused;
    assert_eq!(refused.get_or_create(&[("reason", "per_ip")]).get(), 1);
    drop(first);
    let free = async { while server.get("/healthz").await.status != 200 {} };
    tokio::time::timeout(DEADLINE, free).await.unwrap();
    drop(second);
}

#[tokio::test]
async fn connections_are_bounded() {
    let server = start_with(|serve| serve.limits.connections = 1).await;
    let _first = idle(&server).await;
    let refusal = server.get("/healthz").await.refusal();
    assert_eq!(refusal, (503, "full".to_owned()));
}

#[tokio::test]
async fn the_server_ends_although_connections_are_open() {
    let mut server =
        start_with(|serve| serve.limits.shutdown_time = Duration::from_millis(50)).await;
    let mut idle = idle(&server).await;
    let mut live = TcpStream::connect(server.addr).await.unwrap();
    let text = "GET /api/v1/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
    live.write_all(text.as_bytes()).await.unwrap();
    let mut first = [0; 15];
    live.read_exact(&mut first).await.unwrap();
    drop(server.stop.take());
    let mut rest = Vec::new();
    let ends = async {
        live.read_to_end(&mut rest).await.unwrap();
        idle.read_to_end(&mut rest).await.unwrap();
    };
    tokio::time::timeout(DEADLINE, ends).await.unwrap();
    let text = String::from_utf8_lossy(&rest);
    assert!(text.ends_with("0\r\n\r\n"), "the stream ends whole: {text}");
    server.finish().await.unwrap();
}

/// A connection that has been served once and stays open.
async fn idle(server: &Running) -> TcpStream {
    let mut socket = TcpStream::connect(server.addr).await.unwrap();
    let text = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    socket.write_all(text.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\nok") {
        let byte = tokio::time::timeout(DEADLINE, socket.read_u8()).await;
        read.push(byte.unwrap().unwrap());
    }
    let reply = Reply::parse(std::str::from_utf8(&read).unwrap());
    assert_eq!(reply.status, 200);
    socket
}
