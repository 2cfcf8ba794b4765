//! The venue's controls over HTTP, and its rules.

use std::time::Duration;

use stock_up_io::feed::tape_venue::{TapePhase, TapeVenue, TapeVenueSettings, serve_control};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::stage::{Stage, is_connected, is_disconnected, tape, tape_text, venue_settings};

async fn ask(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn post(address: std::net::SocketAddr, kind: &str, body: &str) -> String {
    let length = body.len();
    let head = format!(
        "POST /control HTTP/1.1\r\nHost: {address}\r\nContent-Type: {kind}\r\nContent-Length: {length}"
    );
    ask(address, &format!("{head}\r\n\r\n{body}")).await
}

#[tokio::test]
async fn faults_are_made_by_hand_over_http() {
    let mut stage = Stage::open(&tape_text(10), venue_settings(&[])).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let control = stage.control.clone();
    stage.tasks.spawn(async move {
        serve_control(control, listener, std::future::pending())
            .await
            .unwrap();
    });
    let mut ear = stage.listen(&["SPY", "IBM"]);
    ear.trades(10).await;
    let json = "application/json";
    let answer = post(address, json, r#"{"action":"drop"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    ear.until(is_disconnected).await;
    ear.until(is_connected).await;
    let status = format!("GET /status HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let answer = ask(address, &status).await;
    assert!(
        answer.contains("\"phase\":\"ended\",\"position\":10,\"sent\":10"),
        "{answer}"
    );
    for (answer, expect) in [
        (
            post(address, json, r#"{"action":"explode"}"#).await,
            "400 Bad Request",
        ),
        (
            post(address, json, r#"{"action":"drop@5"}"#).await,
            "400 Bad Request",
        ),
        (post(address, json, "drop").await, "400 Bad Request"),
        (
            post(address, "text/plain", r#"{"action":"drop"}"#).await,
            "415 Unsupported",
        ),
        (
            ask(address, "GET / HTTP/1.1\r\nHost: localhost:1\r\n\r\n").await,
            "404 Not Found",
        ),
        (
            ask(address, "GET /status HTTP/1.1\r\nHost: evil.test\r\n\r\n").await,
            "403 Forbidden",
        ),
        (ask(address, &"x".repeat(20_000)).await, "400 Bad Request"),
    ] {
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {expect}")),
            "{expect}: {answer}"
        );
    }
    assert_eq!(
        ear.story
            .iter()
            .filter(|signal| is_connected(signal))
            .count(),
        2
    );
}

#[tokio::test]
async fn controls_are_served_on_loopback_only() {
    let stage = Stage::open(&tape_text(10), venue_settings(&[])).await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let served = serve_control(stage.control.clone(), listener, std::future::pending()).await;
    let error = served.expect_err("not loopback").to_string();
    assert!(error.ends_with("is not a loopback address"), "{error}");
}

#[tokio::test]
async fn a_tape_in_time_goes_on_without_listeners_and_one_on_hold_waits() {
    for hold in [false, true] {
        let settings = TapeVenueSettings {
            speed: "1".parse().unwrap(),
            hold,
            ..venue_settings(&["drop@50"])
        };
        let stage = Stage::open(&tape_text(400), settings).await;
        let mut ear = stage.listen(&["SPY", "IBM"]);
        ear.until(is_disconnected).await;
        drop(ear);
        let wanted = if hold {
            TapePhase::Waiting
        } else {
            TapePhase::Ended
        };
        let status = stage
            .until(|status| status.phase == wanted && status.clients == 0)
            .await;
        assert_eq!(status.position, if hold { status.sent } else { 400 });
    }
}

#[tokio::test]
async fn tapes_are_merged_by_time() {
    let [one, two] = ["SPY", "IBM"].map(|symbol| {
        let rows = (0..100).map(|row| {
            format!(
                "{},{symbol},1,1\n",
                1_381_219_217_034_000_000_i64 + row * 7_000_000
            )
        });
        format!(
            "timestamp_ns,symbol,price,size\n{}",
            rows.collect::<String>()
        )
    });
    let venue = TapeVenue::new(vec![tape(&one), tape(&two)], venue_settings(&[])).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let mut stage = Stage {
        address,
        control: venue.control(),
        tasks: tokio::task::JoinSet::new(),
    };
    stage
        .tasks
        .spawn(async move { venue.serve(listener, std::future::pending()).await.unwrap() });
    let mut ear = stage.listen(&["SPY", "IBM"]);
    ear.trades(200).await;
    let symbols: Vec<_> = ear.trades.iter().map(|trade| &trade[..3]).collect();
    assert!(
        symbols.chunks(2).all(|pair| pair == ["SPY", "IBM"]),
        "{symbols:?}"
    );
}

#[tokio::test]
async fn the_tape_starts_when_requests_have_settled() {
    let settings = TapeVenueSettings {
        settle: Duration::from_millis(150),
        ..venue_settings(&[])
    };
    let text = tape_text(1_000);
    let stage = Stage::open(&text, settings).await;
    let mut ear = stage.listen(&["SPY"]);
    stage
        .until(|status| status.phase == TapePhase::Settling)
        .await;
    assert_eq!(stage.control.status().borrow().position, 0);
    // A second request within the quiet time still gets the first trade.
    ear.wishes
        .send(super::stage::list(&["SPY", "IBM"]))
        .unwrap();
    ear.trades(1_000).await;
    assert_eq!(ear.trades, super::stage::tape_trades(&text));
}
