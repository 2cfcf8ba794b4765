//! Part `influxdb`: points through the sink to a real server, beside one connection that posts
//! 5,000 finished lines at a time; and how long a point is under way.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use stock_up_core::{Decimal, Metrics, Point, Span, Status, SymbolId, Volume};
use stock_up_io::clock::Clock;
use stock_up_io::feed::Secret;
use stock_up_io::sink::influx::{Api, Client, Create, Layout};
use stock_up_io::sink::{
    Delivery, DeliverySettings, Dropped, InfluxSettings, InfluxSink, SinkError, Tail, Watch,
    Written,
};
use stock_up_io::store::{PointRow, ReaderPool};
use stock_up_io::text::influx::write_wide;
use tokio::sync::Notify;

use crate::measure::{now, quantile, try_best_of_each};
use crate::row::{Row, Target};
use crate::scratch::Scratch;

const SERVER: &str = "STOCK_UP_TEST_INFLUXDB";
const SYMBOLS: u64 = 100;
/// Fewer than a tail holds, so that the store is not asked.
const POINTS: u64 = 40_000;
const LINES: usize = 5_000;
const ROUNDS: u32 = 4;
/// A burst is what a hundred symbols emit at one grid time.
const BURSTS: u64 = 300;
const SECOND: i64 = 1_000_000_000;

/// Our points a second to those of the raw connection.
const RATIO_MIN: f64 = 0.7;
const P50_MS: f64 = 20.0;
const P99_MS: f64 = 100.0;

pub(crate) fn run() -> anyhow::Result<Vec<Row>> {
    let Ok(url) = std::env::var(SERVER) else {
        let why =
            format!("{SERVER} is not set; `cargo xtask services up influxdb` starts a server");
        let is_required = std::env::var_os("STOCK_UP_REQUIRE_SERVICES").is_some();
        ensure!(!is_required, "{why}");
        eprintln!("SKIPPED influxdb: {why}");
        return Ok(Vec::new());
    };
    let scratch = Scratch::new("influxdb")?;
    let bench = Bench {
        settings: settings(url, scratch.path()),
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?,
    };
    // Creates the database, and warms the server up.
    bench.ours(0, POINTS)?;
    let (mut ours_round, mut raw_round) = (0, 0);
    let (ours, peer) = try_best_of_each(
        ROUNDS,
        || {
            ours_round += 2;
            bench.ours(ours_round, POINTS)
        },
        || {
            raw_round += 2;
            bench.raw(raw_round + 1)
        },
    )?;
    let speed = |time: Duration| POINTS as f64 / time.as_secs_f64();
    let (ours, peer) = (speed(ours), speed(peer));
    let mut rows = vec![Row {
        name: "influxdb: points/s to one connection of 5,000 lines a request".to_owned(),
        ours: format!("{:.0} k/s", ours / 1e3),
        peer: format!("{:.0} k/s", peer / 1e3),
        ratio: ours / peer,
        target: Target::AtLeast(RATIO_MIN),
    }];
    let mut latencies = bench.latencies()?;
    latencies.sort_unstable();
    for (name, share, most) in [("p50", 0.5, P50_MS), ("p99", 0.99, P99_MS)] {
        let millis = quantile(&latencies, share).as_secs_f64() * 1e3;
        rows.push(Row::alone(
            format!("influxdb: emitted to acknowledged, 100 points a burst, {name}"),
            format!("{millis:.1} ms"),
            millis,
            Target::AtMost(most),
        ));
    }
    bench.drop_database()?;
    Ok(rows)
}

fn settings(url: String, dir: &Path) -> InfluxSettings {
    InfluxSettings {
        url,
        api: Api::V1 {
            database: format!("bench_{}", std::process::id()),
            retention_policy: String::new(),
            user: String::new(),
            password: Secret::default(),
        },
        layout: Layout::Wide,
        batch_lines: LINES,
        gzip: true,
        timeout: Duration::from_secs(30),
        ca_file: None,
        create: Some(Create { retention: None }),
        dead_letters: dir.join("dead.jsonl"),
    }
}

struct Bench {
    settings: InfluxSettings,
    runtime: tokio::runtime::Runtime,
}

/// Counts what was taken.
#[derive(Debug, Clone, Default)]
struct Taken {
    failures: Arc<Mutex<Vec<String>>>,
    news: Arc<Notify>,
}

impl Watch for Taken {
    fn written(&self, _: &Written, _: Duration) {
        self.news.notify_one();
    }

    fn dropped(&self, dropped: &Dropped) {
        self.note(dropped.reason.clone());
    }

    fn failed(&self, error: &SinkError, _: Duration) {
        self.note(error.to_string());
    }

    fn lag(&self, _: u64) {}
}

impl Taken {
    fn note(&self, what: String) {
        let failures = self.failures.lock();
        failures.unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn check(&self) -> anyhow::Result<()> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(failures.is_empty(), "{}", failures.join("; "));
        Ok(())
    }
}

impl Bench {
    fn delivery(&self, tail: &Tail, taken: &Taken) -> anyhow::Result<Delivery<InfluxSink, Taken>> {
        let client = Client::new(&self.settings)?;
        let sink = InfluxSink::new(client, &self.settings, Clock::system());
        let folder = self.settings.dead_letters.parent().context("a folder")?;
        let store = Arc::new(ReaderPool::new(folder));
        let settings = DeliverySettings {
            finish: Duration::from_mins(1),
            ..DeliverySettings::default()
        };
        let parts = ((sink, taken.clone()), (tail.clone(), store));
        Ok(Delivery::new(parts.0, parts.1, Some(0), settings))
    }

    fn ours(&self, round: i64, points: u64) -> anyhow::Result<Duration> {
        let (tail, taken) = (Tail::default(), Taken::default());
        let delivery = self.delivery(&tail, &taken)?;
        let rows = rows(round, 0, points);
        let start = now();
        tail.push(rows);
        let left = self.runtime.block_on(delivery.run(async {}))?;
        let took = start.elapsed();
        taken.check()?;
        ensure!(left.points == 0, "{} points are left", left.points);
        Ok(took)
    }

    /// Finished lines over one connection, as fast as the server answers.
    fn raw(&self, round: i64) -> anyhow::Result<Duration> {
        let mut bodies = Vec::new();
        for part in rows(round, 0, POINTS).chunks(LINES) {
            let mut body = Vec::new();
            for row in part {
                write_wide(&row.point, &row.symbol, &mut body);
            }
            bodies.push(body);
        }
        let mut stream = TcpStream::connect(self.address())?;
        stream.set_nodelay(true)?;
        let start = now();
        for body in bodies {
            let (database, length) = (self.settings.api.target(), body.len());
            let head = format!(
                "POST /write?db={database}&precision=n HTTP/1.1\r\nhost: h\r\n\
                 content-length: {length}\r\n\r\n"
            );
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body)?;
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                let mut byte = [0; 1_024];
                let read = stream.read(&mut byte)?;
                ensure!(read > 0, "the server hung up");
                answer.extend_from_slice(byte.get(..read).unwrap_or_default());
            }
            ensure!(answer.starts_with(b"HTTP/1.1 204"), "refused");
        }
        Ok(start.elapsed())
    }

    /// From the push of a burst to its acknowledgement.
    fn latencies(&self) -> anyhow::Result<Vec<Duration>> {
        // There is nothing before the first burst, so the store, which is none, is not asked.
        let (tail, taken) = (Tail::new(0), Taken::default());
        let delivery = self.delivery(&tail, &taken)?;
        let (tell, told) = tokio::sync::oneshot::channel::<()>();
        let bursts = async {
            let mut latencies = Vec::new();
            for burst in 0..BURSTS {
                let rows = rows(1_000, burst * SYMBOLS, SYMBOLS);
                let start = now();
                tail.push(rows);
                taken.news.notified().await;
                latencies.push(start.elapsed());
                tokio::time::sleep(Duration::from_millis(7)).await;
            }
            drop(tell);
            latencies
        };
        let ending = async { drop(told.await) };
        let both = async { tokio::join!(delivery.run(ending), bursts) };
        let (left, latencies) = self.runtime.block_on(both);
        left?;
        taken.check()?;
        Ok(latencies)
    }

    fn address(&self) -> &str {
        self.settings.url.trim_start_matches("http://")
    }

    fn drop_database(&self) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(self.address())?;
        let body = format!("q=DROP%20DATABASE%20{}", self.settings.api.target());
        write!(
            stream,
            "POST /query HTTP/1.0\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        stream.read_to_end(&mut Vec::new())?;
        Ok(())
    }
}

/// New points of a hundred symbols; a round has times of its own.
fn rows(round: i64, first: u64, count: u64) -> Vec<PointRow> {
    let symbols: Vec<Arc<str>> = (0..SYMBOLS).map(|n| Arc::from(format!("S{n}"))).collect();
    let row = |emission: u64| {
        let price = |add: u64| Decimal::new(16_742 + emission % 97 + add, 2).ok();
        let second = (emission / SYMBOLS).cast_signed() + round * 10_000;
        let symbol = usize::try_from(emission % SYMBOLS).ok();
        PointRow {
            emission,
            symbol: symbol
                .and_then(|symbol| symbols.get(symbol))
                .map_or_else(|| Arc::from("none"), Arc::clone),
            point: Point {
                symbol: SymbolId(0),
                window: Span::from_secs(60),
                time: 1_700_000_000 * SECOND + second * SECOND,
                revision: 0,
                status: Status::Complete,
                coverage: 1.0,
                metrics: Metrics {
                    transactions: emission % 500,
                    volume: Volume::parse(&(emission % 9_973).to_string()).unwrap_or(Volume::ZERO),
                    last_price: price(5),
                    min_price: price(0),
                    max_price: price(9),
                    mean_price: Some(167.0 + (emission % 1_009) as f64 / 7.0),
                    vwap: Some(167.25 + (emission % 1_013) as f64 / 7.0),
                    variance: Some((emission % 31) as f64 / 3.0),
                },
            },
        }
    };
    (first..first + count).map(row).collect()
}
