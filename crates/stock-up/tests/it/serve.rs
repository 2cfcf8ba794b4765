//! Role serve of the real binary, over a socket, on the simulated market.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use crate::cli::{command, refused};
use crate::process::Server;

fn start(dir: &Path) -> Server {
    let mut run = command();
    run.args(["run", "--listen", "127.0.0.1:0", "--symbols", "SPY,IBM"])
        .arg("--data-dir")
        .arg(dir);
    Server::start(run)
}

/// The lines of the live stream.
fn live(server: &Server) -> impl Iterator<Item = String> {
    let mut socket = TcpStream::connect(&server.address).expect("the server listens");
    let patience = Some(Duration::from_mins(1));
    socket
        .set_read_timeout(patience)
        .expect("a minute is a time");
    let host = &server.address;
    let text = format!("GET /api/v1/live HTTP/1.1\r\nhost: {host}\r\n\r\n");
    socket.write_all(text.as_bytes()).expect("the server reads");
    let lines = BufReader::new(socket).lines();
    lines.map(|line| line.expect("the server writes"))
}

/// The value of a metric.
#[track_caller]
fn metric(text: &str, name: &str) -> u64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.expect(name).parse().expect(name)
}

#[test]
fn the_simulated_market_is_live_labelled_and_accounted_for() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path());
    let get = |path: &str| server.get(path).unwrap();
    assert!(get("/healthz").ends_with("\r\n\r\nok"));
    let symbols = get("/api/v1/symbols");
    assert!(symbols.contains("\"simulated\":true"), "{symbols}");

    let mut live = live(&server);
    let mut wanted = vec!["snapshot", "rows", "points", "pipeline"];
    while !wanted.is_empty() {
        let line = live.next().expect("the stream goes on");
        if let Some(event) = line.strip_prefix("event: ") {
            wanted.retain(|wanted| *wanted != event);
        }
    }

    let metrics = get("/metrics");
    let settled: u64 = [
        "applied",
        "duplicate",
        "ineligible",
        "late_dropped{cause=\"delayed\"}",
        "late_dropped{cause=\"out_of_order\"}",
        "refused",
    ]
    .iter()
    .map(|way| {
        let (name, cause) = way.split_at(way.find('{').unwrap_or(way.len()));
        metric(&metrics, &format!("stock_up_trades_{name}_total{cause}"))
    })
    .sum();
    let received = metric(&metrics, "stock_up_trades_received_total");
    let in_flight = metric(&metrics, "stock_up_trades_in_flight");
    assert!(received > 0);
    assert_eq!(received, settled + in_flight);

    let series = get("/api/v1/series?symbol=SPY&window=60s");
    assert!(series.contains("\"transactions\":["), "{series}");
    let trades = get("/api/v1/trades?symbol=SPY&limit=1");
    assert!(trades.contains("\"seq\":"), "{trades}");
    let unknown = get("/api/v1/trades?symbol=NONE");
    assert!(unknown.starts_with("HTTP/1.1 404 "), "{unknown}");
}

#[test]
fn other_machines_are_not_let_in_by_accident() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().to_str().unwrap();
    for listen in ["0.0.0.0:0", "[::]:0"] {
        refused(
            &["run", "--data-dir", dir, "--listen", listen],
            2,
            &format!(
                "error: `{listen}` can be reached from other machines, and a token and TLS are not set"
            ),
        );
    }
}
