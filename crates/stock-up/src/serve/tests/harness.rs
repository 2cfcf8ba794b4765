//! A server for one test, and a client that sends exactly the bytes that it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stock_up_core::{Decimal, GapCause, Metrics, Point, Span, Status, SymbolId};
use stock_up_io::clock::Clock;
use stock_up_io::settings::{Missing, Settings, SettingsFile};
use stock_up_io::store::{Gap, GapState};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::hub::{Hub, Row};
use crate::serve::{
    GapQuery, History, Limits, SeriesPage, SeriesQuery, Serve, Server, Sources, TradeRow,
    TradeSource, TradesPage, TradesQuery,
};
use crate::telemetry::Telemetry;

/// How long anything may take before a test fails.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

pub(super) const SECOND: i64 = 1_000_000_000;
pub(super) const NOW: i64 = 1_700_000_000 * SECOND;
pub(super) const XSS: &str = "<img src=x onerror=alert(1)>";

pub(super) struct Running {
    pub(super) addr: SocketAddr,
    pub(super) hub: Hub,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) stop: Option<oneshot::Sender<()>>,
    pub(super) tasks: JoinSet<anyhow::Result<()>>,
    pub(super) dir: TempDir,
}

/// What the sources of the tests hold.
#[derive(Debug, Default)]
pub(super) struct Fake;

impl History for Fake {
    fn series(&self, query: &SeriesQuery) -> anyhow::Result<SeriesPage> {
        anyhow::ensure!(query.symbol != "BOOM", "the disk is gone");
        let mut last = row(&query.symbol, "60s", 2);
        last.point.time = query.to;
        Ok(SeriesPage {
            rows: vec![last],
            truncated: query.step > Span::from_secs(3_600),
        })
    }

    fn gaps(&self, query: &GapQuery) -> anyhow::Result<Vec<Gap>> {
        Ok(vec![gap(query.symbol.is_some().into(), None)])
    }

    fn knows(&self, symbol: &str) -> anyhow::Result<bool> {
        Ok(symbol == "OLD")
    }
}

impl TradeSource for Fake {
    fn trades(&self, query: &TradesQuery) -> anyhow::Result<TradesPage> {
        let trade = TradeRow {
            ts_event: NOW,
            ts_recv: NOW + 1,
            seq: 7,
            price: Decimal::parse(b"167.4200").unwrap(),
            size: Decimal::parse(b"100").unwrap(),
            conditions: "1,12".to_owned(),
        };
        Ok(TradesPage {
            trades: vec![trade; query.limit.min(2)],
            truncated: query.limit < 2,
        })
    }
}

pub(super) fn row(symbol: &str, window: &str, transactions: u64) -> Row {
    let price = Decimal::parse(b"167.4200").ok();
    let point = Point {
        symbol: SymbolId(0),
        window: Span::parse(window).unwrap(),
        time: NOW,
        revision: 0,
        status: Status::Complete,
        coverage: 1.0,
        metrics: Metrics {
            transactions,
            last_price: price,
            min_price: price,
            max_price: price,
            mean_price: Some(167.42),
            vwap: Some(167.42),
            variance: None,
            ..Metrics::EMPTY
        },
    };
    Row {
        symbol: Arc::from(symbol),
        point,
    }
}

pub(super) fn gap(id: u64, to: Option<i64>) -> Gap {
    Gap {
        id,
        from: NOW,
        to,
        symbols: Vec::new(),
        cause: GapCause::Disconnected,
        state: if to.is_some() {
            GapState::GivenUp
        } else {
            GapState::Open
        },
    }
}

/// A server on loopback, without a token.
pub(super) async fn start() -> Running {
    start_with(|_| {}).await
}

/// A server on loopback, after `change`.
pub(super) async fn start_with(change: impl FnOnce(&mut Serve)) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        subscriptions: vec!["SPY".to_owned(), XSS.to_owned()],
        windows: vec![Span::from_secs(60), Span::from_secs(300)],
        ..Settings::default()
    };
    let path = dir.path().join("settings.toml");
    let (handle, file) = SettingsFile::open(path, Missing::Create(Box::new(settings))).unwrap();
    let hub = Hub::default();
    hub.publish_venue("demo", true);
    hub.publish_windows(
        1,
        &[Span::from_secs(60), Span::from_secs(300)],
        Span::from_secs(1),
    );
    hub.publish_subscriptions(&["SPY".to_owned(), XSS.to_owned(), "BOOM".to_owned()]);
    hub.publish_rows(NOW, vec![row("SPY", "60s", 1), row(XSS, "60s", 1)]);
    let telemetry = Arc::new(Telemetry::new());
    let mut serve = Serve {
        hub: hub.clone(),
        telemetry: Arc::clone(&telemetry),
        sources: Sources {
            history: Arc::new(Fake),
            trades: Arc::new(Fake),
            settings: handle,
            settings_elsewhere: false,
        },
        token: None,
        tls: None,
        hosts: vec!["stocks.example".to_owned()],
        limits: Limits::default(),
        clock: Clock::system(),
    };
    change(&mut serve);
    let server = Server::new(serve).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(server.run(listener, async move {
        stopped.await.unwrap_or_default();
    }));
    tasks.spawn(async move {
        file.run().await;
        Ok(())
    });
    Running {
        addr,
        hub,
        telemetry,
        stop: Some(stop),
        tasks,
        dir,
    }
}

/// An answer, read to the end of its connection.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect(text);
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            status: status.expect(text),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        assert!(
            self.head.contains("content-type: application/json"),
            "{self:?}"
        );
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status and the short code of an error.
    #[track_caller]
    pub(super) fn refusal(&self) -> (u16, String) {
        let body = self.json();
        assert!(!body["detail"].as_str().unwrap().is_empty(), "{self:?}");
        (self.status, body["error"].as_str().unwrap().to_owned())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Running {
    /// Sends bytes and reads what comes until the server closes.
    pub(super) async fn send(&self, text: &str) -> Reply {
        let exchange = async {
            let mut socket = TcpStream::connect(self.addr).await.unwrap();
            socket.write_all(text.as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            socket.read_to_end(&mut bytes).await.unwrap();
            Reply::parse(&String::from_utf8(bytes).unwrap())
        };
        tokio::time::timeout(DEADLINE, exchange).await.unwrap()
    }

    /// One request with these header lines and this body.
    pub(super) async fn request(&self, line: &str, headers: &str, body: &str) -> Reply {
        let (addr, length) = (self.addr, body.len());
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("content-length: {length}\r\n")
        };
        self.send(&format!(
            "{line} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n{length}{headers}\r\n{body}"
        ))
        .await
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.request(&format!("GET {path}"), "", "").await
    }

    /// A request that changes something, as the page sends it.
    pub(super) async fn change(&self, line: &str, body: &str) -> Reply {
        let headers = "content-type: application/json\r\nx-stock-up: 1\r\n";
        self.request(line, headers, body).await
    }

    /// Ends the server and hands on what it says.
    pub(super) async fn finish(mut self) -> anyhow::Result<()> {
        drop(self.stop.take());
        let ended = tokio::time::timeout(DEADLINE, self.tasks.join_next());
        ended.await.unwrap().unwrap().unwrap()
    }
}
