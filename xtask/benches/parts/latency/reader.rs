//! A reader of the live stream, as the page is one.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::sent::Sent;
use crate::measure::now;

const BUFFER_BYTES: usize = 1 << 20;

/// How often a quiet stream looks whether it shall stop.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How old things were when they were read.
#[derive(Debug, Default)]
pub(super) struct Ages {
    /// Moment of the reading and age of the newest trade, per push.
    pushes: Vec<(Instant, Duration)>,
    /// The same for every row.
    rows: Vec<(Instant, Duration)>,
    /// The last price of each symbol, by which a row that only grew older is known.
    prices: BTreeMap<String, String>,
    /// Sorted ages of the newest trade of each push.
    pub(super) newest: Vec<Duration>,
    /// Sorted ages of the newest trade of each row that had a new one.
    pub(super) all: Vec<Duration>,
}

impl Ages {
    /// What was read since a moment, sorted.
    pub(super) fn since(mut self, begin: Instant) -> Self {
        let sorted = |ages: &[(Instant, Duration)]| {
            let late = ages.iter().filter(|(read, _)| *read >= begin);
            let mut ages: Vec<Duration> = late.map(|(_, age)| *age).collect();
            ages.sort_unstable();
            ages
        };
        (self.newest, self.all) = (sorted(&self.pushes), sorted(&self.rows));
        self
    }
}

/// Reads the live stream until it is told to stop.
pub(super) fn start(
    address: SocketAddr,
    sent: Arc<Sent>,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<JoinHandle<anyhow::Result<Ages>>> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET /api/v1/live HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n"
    )?;
    stream.set_read_timeout(Some(LOOK_EVERY))?;
    Ok(thread::spawn(move || read(stream, &sent, &stop)))
}

fn read(mut stream: TcpStream, sent: &Sent, stop: &AtomicBool) -> anyhow::Result<Ages> {
    let (mut ages, mut text) = (Ages::default(), Vec::new());
    let mut buffer = vec![0; BUFFER_BYTES];
    while !stop.load(Ordering::Relaxed) {
        let count = match stream.read(&mut buffer) {
            Ok(0) => bail!("the live stream ended"),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let read = now();
        text.extend_from_slice(buffer.get(..count).context("what was read")?);
        // An event ends with an empty line; the marks of the chunks around it are no JSON.
        while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            take(&String::from_utf8_lossy(&event), read, sent, &mut ages);
        }
    }
    Ok(ages)
}

fn take(event: &str, read: Instant, sent: &Sent, ages: &mut Ages) {
    if !event.contains("event: rows\n") {
        return;
    }
    let data = event.lines().find_map(|line| line.strip_prefix("data: "));
    let Some(data) = data.and_then(|data| serde_json::from_str::<Value>(data).ok()) else {
        return;
    };
    let rows = data["rows"].as_array().map_or(&[][..], Vec::as_slice);
    let mut newest: Option<Duration> = None;
    for row in rows {
        let (Some(symbol), Some(price)) = (row["symbol"].as_str(), row["last_price"].as_str())
        else {
            continue;
        };
        let before = ages.prices.insert(symbol.to_owned(), price.to_owned());
        if before.as_deref() == Some(price) {
            continue;
        }
        let Some(then) = sent.of(price, read) else {
            continue;
        };
        let age = read.saturating_duration_since(then);
        newest = Some(newest.map_or(age, |newest| newest.min(age)));
        ages.rows.push((read, age));
    }
    ages.pushes.extend(newest.map(|age| (read, age)));
}
