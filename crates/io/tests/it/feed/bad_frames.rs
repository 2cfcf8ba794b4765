//! What venues send by mistake: no frame may stop the feed.

use std::time::Duration;

use futures_util::StreamExt as _;
use stock_up_core::GapCause;
use stock_up_io::feed::tape_venue::Action;
use stock_up_io::feed::{FeedSignal, Finnhub, Secret};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use super::stage::{
    Ear, Stage, TOKEN, is_disconnected, quick_heartbeat, quick_settings, tape_text, venue_settings,
};

#[tokio::test]
async fn bad_texts_are_counted_and_the_feed_goes_on() {
    let stage = Stage::open(&tape_text(10), venue_settings(&[])).await;
    let mut ear = stage.listen(&["SPY", "IBM"]);
    ear.trades(10).await;
    let good = r#"{"p":1.5,"s":"SPY","t":1381219217034,"v":1}"#;
    let deep = "[".repeat(10_000);
    let frames = [
        ("", "json"),
        ("not JSON", "json"),
        (r#"{"data":["#, "json"),
        ("[]", "shape"),
        ("\"x\"", "shape"),
        ("null", "shape"),
        ("{}", "shape"),
        (r#"{"type":"zap"}"#, "unknown_type"),
        (r#"{"type":"trade"}"#, "data"),
        (r#"{"type":"trade","data":7}"#, "data"),
        (deep.as_str(), "deep"),
        (
            r#"{"type":"trade","data":[{"p":1,"s":"SPY","t":1588368385,"v":1}]}"#,
            "time",
        ),
        (
            r#"{"type":"trade","data":[{"p":"1","s":"SPY","t":1381219217034,"v":1}]}"#,
            "trade_shape",
        ),
        (
            r#"{"type":"trade","data":[{"p":-1,"s":"SPY","t":1381219217034,"v":1}]}"#,
            "price",
        ),
        (
            r#"{"type":"trade","data":[{"p":1,"s":"SPY","t":1381219217034,"v":1e99}]}"#,
            "size",
        ),
        (
            r#"{"type":"trade","data":[{"p":1,"s":"GOOG","t":1381219217034,"v":1}]}"#,
            "unsubscribed",
        ),
        (
            r#"{"type":"trade","data":[{"p":1,"s":"A\nB","t":1381219217034,"v":1}]}"#,
            "symbol",
        ),
    ];
    for (text, _) in &frames {
        assert!(stage.control.act(Action::Raw((*text).to_owned())).await);
    }
    let last = format!("{{\"type\":\"trade\",\"data\":[7,{good},{good}]}}");
    assert!(stage.control.act(Action::Raw(last)).await);
    ear.trades(12).await;
    ear.counted(|report| report.bad.count("trade_shape") == 2)
        .await;
    for (text, reason) in &frames {
        assert!(ear.report.bad.count(reason) > 0, "{text}");
    }
    assert_eq!(ear.report.bad.count("json"), 3);
    assert_eq!(ear.report.bad.count("shape"), 4);
    let told = ear.report.bad.as_slice();
    let shown = told.iter().find(|bad| bad.reason == "time").unwrap();
    assert_eq!(
        shown.example,
        "trade 0: timestamp 1588368385 looks like seconds"
    );
    assert!(
        !told
            .iter()
            .find(|bad| bad.reason == "unsubscribed")
            .unwrap()
            .may_lose_trades
    );
    assert!(!ear.story.iter().any(is_disconnected), "{:?}", ear.story);
}

/// A server that lets one client in, writes `bytes` to it as they are, and lets the next one stay.
async fn serve_bytes(listener: TcpListener, bytes: Vec<u8>) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let request = socket.next().await.unwrap().unwrap();
    assert_eq!(
        request,
        Message::text(r#"{"type":"subscribe","symbol":"SPY"}"#)
    );
    // In pieces, as a slow network would.
    for piece in bytes.chunks(bytes.len().div_ceil(7).max(1)) {
        // The client may hang up before it has everything.
        if socket.get_mut().write_all(piece).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let (stream, _) = listener.accept().await.unwrap();
    let mut next = tokio_tungstenite::accept_async(stream).await.unwrap();
    while let Some(Ok(_)) = next.next().await {}
}

/// A frame as a server sends it.
fn frame(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first_byte, 127];
    bytes.extend(u64::try_from(payload.len()).unwrap().to_be_bytes());
    bytes.extend(payload);
    bytes
}

async fn ear_of(bytes: Vec<u8>) -> (Ear, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(serve_bytes(listener, bytes));
    let finnhub = Finnhub::new(&address, Secret::new(TOKEN)).unwrap();
    let finnhub = finnhub.with_heartbeat(quick_heartbeat());
    (Ear::open(finnhub, quick_settings(), &["SPY"]), tasks)
}

#[tokio::test]
async fn frames_that_no_websocket_may_carry_cost_the_connection_and_no_more() {
    let masked = [0x81, 0x82, 1, 2, 3, 4, 0, 0].to_vec();
    for (bytes, reason, expect) in [
        (
            frame(0x81, b"{\"type\":\"\xff\"}"),
            "utf8",
            "bad frame: invalid UTF-8",
        ),
        (
            frame(0x82, b"{\"type\":\"ping\"}"),
            "binary",
            "bad frame: binary, expected text",
        ),
        (frame(0x83, b"x"), "protocol", "bad frame: "),
        (frame(0xc1, b"x"), "protocol", "bad frame: "),
        (masked, "protocol", "bad frame: "),
        (
            frame(0x81, &vec![b' '; 2 << 20]),
            "too_long",
            "bad frame: 2097152 bytes, at most 1048576",
        ),
    ] {
        let (mut ear, _tasks) = ear_of(bytes).await;
        let end = ear.until(is_disconnected).await;
        let FeedSignal::Disconnected { cause, detail, .. } = end else {
            panic!("{end:?}");
        };
        assert_eq!(cause, GapCause::BadFrames, "{reason}");
        assert!(detail.starts_with(expect), "{detail}");
        assert_eq!(ear.report.bad.count(reason), 1, "{reason}");
        ear.until(|signal| matches!(signal, FeedSignal::Connected { .. }))
            .await;
    }
}

#[tokio::test]
async fn a_message_in_fragments_and_slices_is_whole_again() {
    let text = br#"{"type":"trade","data":[{"p":1.5,"s":"SPY","t":1381219217034,"v":1}]}"#;
    let (one, two) = text.split_at(30);
    let bytes = [frame(0x01, one), frame(0x89, b"hello"), frame(0x80, two)].concat();
    let (mut ear, _tasks) = ear_of(bytes).await;
    ear.trades(1).await;
    assert_eq!(ear.trades, ["SPY 1381219217034000000 1.5 1 []"]);
}

#[tokio::test]
async fn a_ping_of_the_venue_is_answered_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let finnhub = Finnhub::new(&address, Secret::new(TOKEN)).unwrap();
    // Our own pings are far apart: nothing else gives the answer a ride.
    let finnhub = finnhub.with_heartbeat(stock_up_io::feed::Heartbeat {
        ping_every: Duration::from_hours(1),
        silence: Duration::from_hours(1),
    });
    let _ear = Ear::open(finnhub, quick_settings(), &[]);
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let own = socket.next().await.unwrap().unwrap();
    assert!(own.is_ping());
    for payload in ["one", "two", "three"] {
        let ping = Message::Ping(payload.into());
        futures_util::SinkExt::send(&mut socket, ping)
            .await
            .unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(5), socket.next()).await;
        let answer = answer.expect("an answer in time").unwrap().unwrap();
        assert_eq!(answer, Message::Pong(payload.into()));
    }
}
