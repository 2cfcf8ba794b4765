//! The live stream: what clients see, and what becomes of those that do not read.

use std::time::Duration;

use serde_json::Value;
use stock_up_core::Span;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::{TcpSocket, TcpStream};

use super::harness::{DEADLINE, NOW, Running, SECOND, XSS, gap, row, start, start_with};
use crate::hub::{FeedPhase, FeedState};
use crate::telemetry::Settled;

/// A client that reads.
struct Events(Lines<BufReader<TcpStream>>);

impl Events {
    async fn open(server: &Running, query: &str) -> Self {
        let mut socket = TcpStream::connect(server.addr).await.unwrap();
        let text = format!("GET /api/v1/live{query} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        socket.write_all(text.as_bytes()).await.unwrap();
        Self(BufReader::new(socket).lines())
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(DEADLINE, self.0.next_line()).await;
        line.unwrap().unwrap().expect("the stream goes on")
    }

    /// The next event that is not `pipeline`, which comes every second.
    async fn next(&mut self) -> (String, Value) {
        loop {
            let event = self.any().await;
            if event.0 != "pipeline" {
                return event;
            }
        }
    }

    /// The data of the next event of this name.
    async fn until(&mut self, name: &str) -> Value {
        loop {
            let event = self.any().await;
            if event.0 == name {
                return event.1;
            }
        }
    }

    async fn any(&mut self) -> (String, Value) {
        let mut name = None;
        loop {
            let line = self.line().await;
            if let Some(event) = line.strip_prefix("event: ") {
                name = Some(event.to_owned());
            } else if let Some(data) = line.strip_prefix("data: ") {
                let name = name.expect("an event has a name before its data");
                return (name, serde_json::from_str(data).unwrap());
            }
        }
    }

    #[track_caller]
    fn expect(event: &(String, Value), name: &str) -> Value {
        assert_eq!(event.0, name, "{event:?}");
        event.1.clone()
    }
}

#[tokio::test]
async fn a_client_gets_a_snapshot_and_then_what_changes() {
    let server = start().await;
    let mut events = Events::open(&server, "").await;
    let snapshot = Events::expect(&events.next().await, "snapshot");
    assert_eq!(snapshot, server.get("/api/v1/symbols").await.json());
    server.hub.publish_rows(NOW + 1, vec![row("SPY", "60s", 2)]);
    let rows = Events::expect(&events.next().await, "rows");
    assert_eq!(rows["time_ns"], NOW + 1);
    assert_eq!(rows["rows"][0]["transactions"], 2);
    server.hub.publish_points(vec![row(XSS, "300s", 3).into()]);
    let points = Events::expect(&events.next().await, "points");
    assert_eq!(points["rows"][0]["symbol"], XSS);
    server.hub.publish_feed(FeedState {
        phase: FeedPhase::Stale,
        since: Some(NOW),
        detail: "no trade for 60s".to_owned(),
    });
    let feed = Events::expect(&events.next().await, "feed");
    assert_eq!(feed["state"], "stale");
    server.hub.publish_gap(gap(1, None));
    let opened = Events::expect(&events.next().await, "gap");
    assert_eq!(
        (&opened["state"], &opened["to_ns"]),
        (&"open".into(), &Value::Null)
    );
    server.hub.publish_gap(gap(1, Some(NOW + SECOND)));
    let closed = Events::expect(&events.next().await, "gap");
    assert_eq!(closed["state"], "given_up");
}

/// Who computes the live view need not, while nobody would see it.
#[tokio::test]
async fn rows_are_due_only_while_somebody_follows() {
    let server = start().await;
    assert!(!server.hub.rows_due());
    server.hub.publish_rows(NOW + 1, vec![row("SPY", "60s", 2)]);
    let mut events = Events::open(&server, "").await;
    let snapshot = Events::expect(&events.next().await, "snapshot");
    assert_eq!(snapshot["time_ns"], NOW + 1, "what came before is there");
    server.hub.publish_rows(NOW + 2, vec![row("SPY", "60s", 3)]);
    let rows = Events::expect(&events.next().await, "rows");
    assert_eq!(rows["rows"][0]["transactions"], 3);
    assert_eq!(
        rows["rows"].as_array().unwrap().len(),
        1,
        "and not sent again"
    );
    let due = async {
        while !server.hub.rows_due() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, due).await.unwrap();
    drop(events);
    let gone = async {
        while server.hub.rows_due() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, gone).await.unwrap();
}

#[tokio::test]
async fn a_change_of_the_settings_is_told() {
    let server = start().await;
    let mut events = Events::open(&server, "").await;
    Events::expect(&events.next().await, "snapshot");
    let change = r#"{"revision": 1, "settings": {"subscriptions": ["IBM"], "windows": ["10s"],
        "lateness": "2s", "log_level": "debug"}}"#;
    let answer = server.change("PUT /api/v1/settings", change).await.json();
    assert_eq!(Events::expect(&events.next().await, "settings"), answer);
}

#[tokio::test]
async fn which_symbols_and_windows_there_are_is_told_when_it_changes() {
    let server = start().await;
    let mut events = Events::open(&server, "?symbols=IBM,SPY").await;
    Events::expect(&events.next().await, "snapshot");
    let is_ours = |symbol: &str| symbol == "SPY" || symbol == "IBM";
    let subscribed = ["IBM"].into_iter();
    server.hub.publish_subscriptions_of(is_ours, subscribed);
    let followed = Events::expect(&events.next().await, "followed");
    assert_eq!(followed["symbols"], serde_json::json!(["IBM"]));
    let snapshot = server.hub.snapshot();
    assert!(
        snapshot.symbols["BOOM"].subscribed,
        "nothing was said of it"
    );
    server
        .hub
        .publish_windows(1, &[Span::from_secs(60)], Span::from_secs(5));
    let followed = Events::expect(&events.next().await, "followed");
    assert_eq!(followed["windows"], serde_json::json!(["60s"]));
    assert_eq!(followed["grid"], "5s");
}

#[tokio::test]
async fn a_partition_that_is_behind_does_not_bring_back_old_windows() {
    let server = start().await;
    let mut events = Events::open(&server, "").await;
    Events::expect(&events.next().await, "snapshot");
    let (old, new) = (Span::from_secs(10), Span::from_secs(90));
    let grid = Span::from_secs(1);
    server.hub.publish_windows(7, &[new], grid);
    let followed = Events::expect(&events.next().await, "followed");
    assert_eq!(followed["windows"], serde_json::json!(["90s"]));
    server.hub.publish_windows(6, &[old], grid);
    server.hub.publish_rows(NOW, vec![row("SPY", "10s", 9)]);
    server.hub.publish_windows(8, &[new, old], grid);
    let followed = Events::expect(&events.next().await, "followed");
    assert_eq!(followed["windows"], serde_json::json!(["90s", "10s"]));
    let rows = server.hub.snapshot().symbols["SPY"].rows.len();
    assert_eq!(rows, 0, "those of windows that are no more");
}

#[tokio::test]
async fn a_client_hears_only_what_it_asked_for() {
    let server = start().await;
    let mut events = Events::open(&server, "?symbols=IBM,SPY&window=60s").await;
    let snapshot = Events::expect(&events.next().await, "snapshot");
    assert_eq!(snapshot["symbols"].as_array().unwrap().len(), 1);
    server.hub.publish_rows(NOW, vec![row(XSS, "60s", 9)]);
    server.hub.publish_points(vec![
        row("SPY", "300s", 9).into(),
        row("OLD", "60s", 9).into(),
    ]);
    let rows = vec![
        row("SPY", "300s", 5),
        row("SPY", "60s", 6),
        row("IBM", "60s", 7),
    ];
    server.hub.publish_rows(NOW, rows);
    let rows = Events::expect(&events.next().await, "rows");
    let heard: Vec<_> = rows["rows"].as_array().unwrap().iter().collect();
    let heard: Vec<_> = heard
        .iter()
        .map(|row| (&row["symbol"], &row["transactions"]))
        .collect();
    assert_eq!(
        heard,
        [(&"IBM".into(), &7.into()), (&"SPY".into(), &6.into())]
    );
}

#[tokio::test]
async fn rows_come_at_most_ten_times_a_second_and_are_the_newest() {
    let server = start().await;
    let mut events = Events::open(&server, "").await;
    Events::expect(&events.next().await, "snapshot");
    let began = tokio::time::Instant::now();
    let (mut last, mut seen, mut count) = (0, 0, 0);
    while seen < 500 {
        // The publisher is far faster than the stream.
        while last < 500 && last < seen + 100 {
            last += 1;
            server.hub.publish_rows(NOW, vec![row("SPY", "60s", last)]);
        }
        let rows = Events::expect(&events.next().await, "rows");
        assert_eq!(rows["rows"].as_array().unwrap().len(), 1);
        seen = rows["rows"][0]["transactions"].as_u64().unwrap();
        assert_eq!(seen, last);
        count += 1;
    }
    assert!(
        began.elapsed() >= Duration::from_millis(100) * (count - 1),
        "{count}"
    );
}

#[tokio::test]
async fn the_rates_of_the_program_come_every_second() {
    let server = start().await;
    let mut events = Events::open(&server, "").await;
    server.telemetry.pipeline.received(100);
    let settled = Settled {
        applied: 60,
        duplicate: 10,
        ..Settled::default()
    };
    server.telemetry.pipeline.settled(settled, 5);
    server.hub.publish_gap(gap(3, None));
    let mut data = events.until("pipeline").await;
    while data["gaps_open"] == 0 {
        data = events.until("pipeline").await;
    }
    assert_eq!(
        (&data["received"], &data["in_flight"]),
        (&100.into(), &30.into())
    );
    assert!(data["trades_per_second"].is_number());
}

/// Fills what the kernel holds for it and then its queue, and is cut off; nobody else notices.
#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_others_are_not() {
    let server = start_with(|serve| serve.limits.send_buffer_bytes = 4 << 10).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut deaf = socket.connect(server.addr).await.unwrap();
    let text = "GET /api/v1/live?window=60s HTTP/1.1\r\nhost: localhost\r\n\r\n";
    deaf.write_all(text.as_bytes()).await.unwrap();
    let mut events = Events::open(&server, "").await;
    Events::expect(&events.next().await, "snapshot");
    let dropped = &server.telemetry.live_clients_dropped;
    let publish = async {
        let mut number = 0;
        while dropped.get() == 0 {
            number += 1;
            let rows: Vec<_> = (0..200).map(|_| row("SPY", "60s", number).into()).collect();
            server.hub.publish_points(rows);
            server
                .hub
                .publish_rows(NOW, vec![row("SPY", "60s", number)]);
            server.hub.publish_gap(gap(number, None));
            server.hub.publish_settings();
            events.until("points").await;
        }
        number
    };
    let number = tokio::time::timeout(DEADLINE, publish).await.unwrap();
    assert!(number >= 5, "{number} rounds");
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(DEADLINE, deaf.read_to_end(&mut rest)).await;
    // The connection is closed or reset; either way it is over, and not in good order.
    drop(ended.expect("the connection ends"));
    assert!(!rest.ends_with(b"0\r\n\r\n"));
    let last = async {
        server.hub.publish_rows(NOW, vec![row("IBM", "60s", 1)]);
        while events.until("rows").await["rows"][0]["symbol"] != "IBM" {}
    };
    tokio::time::timeout(DEADLINE, last).await.unwrap();
    assert_eq!(dropped.get(), 1);
    assert_eq!(server.telemetry.live_clients.get(), 1);
}

#[tokio::test]
async fn clients_are_bounded_and_their_places_come_free() {
    let server = start_with(|serve| serve.limits.live_clients = 1).await;
    let mut first = Events::open(&server, "").await;
    Events::expect(&first.next().await, "snapshot");
    let refusal = server.get("/api/v1/live").await.refusal();
    assert_eq!(refusal, (429, "too_many_live".to_owned()));
    drop(first);
    let free = async {
        let mut first_line = String::new();
        while !first_line.contains("200") {
            first_line = Events::open(&server, "").await.line().await;
        }
    };
    tokio::time::timeout(DEADLINE, free).await.unwrap();
}
