//! The peer: the job as one writes it in an afternoon, with the standard collections.

use std::collections::{HashMap, VecDeque};
use std::io::Write as _;

use serde::Deserialize;

const WINDOW_MS: i64 = 60_000;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    data: Vec<Trade<'a>>,
}

#[derive(Deserialize)]
struct Trade<'a> {
    p: f64,
    s: &'a str,
    t: i64,
    v: i64,
}

/// All windows, by symbol.
#[derive(Default)]
pub(super) struct Peer {
    windows: HashMap<String, Window>,
}

/// Sums and extrema of the last minute, in cents.
#[derive(Default)]
struct Window {
    trades: VecDeque<Held>,
    lowest: VecDeque<(i64, i64)>,
    highest: VecDeque<(i64, i64)>,
    cents: i64,
    volume: i64,
    products: i64,
}

struct Held {
    time: i64,
    cents: i64,
    size: i64,
}

impl Peer {
    /// Appends the lines of all trades of a frame.
    pub(super) fn frame(&mut self, frame: &str, out: &mut Vec<u8>) {
        let message: Message<'_> = serde_json::from_str(frame).expect("our own frames");
        let mut log_time = i64::MIN;
        for trade in &message.data {
            log_time = log_time.max(trade.t);
            if !self.windows.contains_key(trade.s) {
                self.windows.insert(trade.s.to_owned(), Window::default());
            }
            let window = self.windows.get_mut(trade.s).expect("it was put in");
            window.take(trade);
            window.write(trade.s, log_time, out);
        }
    }
}

impl Window {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "prices of a few hundred dollars, in cents"
    )]
    fn take(&mut self, trade: &Trade<'_>) {
        let cutoff = trade.t - WINDOW_MS;
        while self.trades.front().is_some_and(|old| old.time < cutoff) {
            let old = self.trades.pop_front().expect("there is one");
            self.cents -= old.cents;
            self.volume -= old.size;
            self.products -= old.cents * old.size;
        }
        for extremes in [&mut self.lowest, &mut self.highest] {
            while extremes.front().is_some_and(|old| old.0 < cutoff) {
                extremes.pop_front();
            }
        }
        let (time, cents, size) = (trade.t, (trade.p * 100.0).round() as i64, trade.v);
        self.trades.push_back(Held { time, cents, size });
        self.cents += cents;
        self.volume += size;
        self.products += cents * size;
        while self.lowest.back().is_some_and(|old| old.1 >= cents) {
            self.lowest.pop_back();
        }
        self.lowest.push_back((time, cents));
        while self.highest.back().is_some_and(|old| old.1 <= cents) {
            self.highest.pop_back();
        }
        self.highest.push_back((time, cents));
    }

    fn write(&self, symbol: &str, time: i64, out: &mut Vec<u8>) {
        let count = self.trades.len();
        let dollars = |cents: i64| cents as f64 / 100.0;
        let extreme = |of: &VecDeque<(i64, i64)>| dollars(of.front().map_or(0, |held| held.1));
        let last = dollars(self.trades.back().map_or(0, |held| held.cents));
        for (name, number) in [
            ("transactions", count as u64),
            ("volume", self.volume.cast_unsigned()),
        ] {
            begin(name, symbol, out);
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            out.push(b'i');
            end(time, out);
        }
        for (name, number) in [
            ("last_price", last),
            ("min_price", extreme(&self.lowest)),
            ("max_price", extreme(&self.highest)),
            ("avg_price_trans", self.cents as f64 / (count * 100) as f64),
            (
                "avg_price_volume",
                self.products as f64 / (self.volume * 100) as f64,
            ),
        ] {
            begin(name, symbol, out);
            let mut buffer = zmij::Buffer::new();
            let text = buffer.format_finite(number);
            out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
            end(time, out);
        }
    }
}

fn begin(name: &str, symbol: &str, out: &mut Vec<u8>) {
    write!(out, "{name},symbol={symbol} value=").expect("a Vec takes any text");
}

fn end(time: i64, out: &mut Vec<u8>) {
    out.push(b' ');
    out.extend_from_slice(itoa::Buffer::new().format(time).as_bytes());
    out.push(b'\n');
}
