//! Part `fused`: frame → trades → windows → `InfluxDB` lines on one core, a point after every trade.
//!
//! The peer is what one writes for this one job: `serde_json`, a map of plain deques, the same
//! lines. Both outputs are compared byte for byte.

mod peer;

use anyhow::ensure;
use stock_up_core::{
    Analyzer, AnalyzerSettings, Clock, Emission, FeedChange, FeedEvent, Names, Point, Record,
};
use stock_up_io::feed::Intake;
use stock_up_io::text::{Format, VolumeField};

use crate::frames::frames;
use crate::measure::{best_of_each, ns_per, time};
use crate::parse::{decode, subscriptions};
use crate::row::{Row, Target};
use crate::tape::{Print, Tape};
use peer::Peer;

/// 200 s of a market: windows are full after the first 60.
const TRADES: usize = 1_000_000;
const ROUNDS: u32 = 5;

/// The layout of the seed system: seven lines per point.
const FORMAT: Format = Format::InfluxSeed(VolumeField::Integer);

/// How many times as fast as the peer.
const RATIO_MIN: f64 = 1.5;

pub(crate) fn run() -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for symbols in [1, 100, 5_000] {
        let prints: Vec<Print> = Tape::new(symbols).take(TRADES).collect();
        let frames = frames(&prints);
        agree(&frames, symbols)?;
        let (ours, peer) = best_of_each(
            ROUNDS,
            || time(|| Ours::new(symbols).feed(&frames)),
            || time(|| feed_peer(&frames)),
        );
        let (ours, peer) = (ns_per(ours, TRADES), ns_per(peer, TRADES));
        rows.push(Row {
            name: format!("fused, {symbols} symbols: times as fast as serde_json and deques"),
            ours: format!("{ours:.0} ns"),
            peer: format!("{peer:.0} ns"),
            ratio: peer / ours,
            target: Target::AtLeast(RATIO_MIN),
        });
    }
    Ok(rows)
}

/// Whether both write the same bytes.
fn agree(frames: &[String], symbols: u32) -> anyhow::Result<()> {
    let (mut ours, mut peer) = (Ours::new(symbols), Peer::default());
    let (mut expected, mut bytes) = (Vec::new(), 0);
    for frame in frames {
        ours.frame(frame);
        peer.frame(frame, &mut expected);
        ensure!(
            ours.text == expected,
            "for {frame}\nours wrote\n{}\nthe peer\n{}",
            String::from_utf8_lossy(&ours.text),
            String::from_utf8_lossy(&expected)
        );
        bytes += expected.len();
        ours.text.clear();
        expected.clear();
    }
    eprintln!("    {symbols} symbols: both write the same {bytes} bytes");
    Ok(())
}

fn feed_peer(frames: &[String]) -> usize {
    let (mut peer, mut text, mut bytes) = (Peer::default(), Vec::new(), 0);
    for frame in frames {
        peer.frame(frame, &mut text);
        bytes += text.len();
        text.clear();
    }
    bytes
}

/// Our three steps, as `replay --emit trade --format influx` does them on three threads.
struct Ours {
    subscribed: Names,
    intake: Intake,
    analyzer: Analyzer,
    points: Vec<Point>,
    text: Vec<u8>,
}

impl Ours {
    fn new(symbols: u32) -> Self {
        let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Emission::Trade, 0);
        let mut points = Vec::new();
        for event in [
            FeedEvent::Clock(Clock::Event),
            FeedEvent::Subscribed(Vec::new()),
        ] {
            let change = FeedChange {
                at: 0,
                ts_recv: 0,
                event,
            };
            let position = analyzer.position();
            analyzer
                .apply(position, &Record::Feed(change), &mut points)
                .expect("the next record");
        }
        Self {
            subscribed: subscriptions(symbols),
            intake: Intake::default(),
            analyzer,
            points,
            text: Vec::new(),
        }
    }

    fn feed(&mut self, frames: &[String]) -> usize {
        let mut bytes = 0;
        for frame in frames {
            self.frame(frame);
            bytes += self.text.len();
            self.text.clear();
        }
        bytes
    }

    fn frame(&mut self, frame: &str) {
        self.intake.batch.clear();
        decode(frame, &self.subscribed, &mut self.intake).expect("our own frames");
        let position = self.analyzer.position();
        self.points.clear();
        self.analyzer
            .apply_trades(position, &self.intake.batch, &mut self.points)
            .expect("the next record");
        for point in &self.points {
            let symbol = self.analyzer.symbol(point.symbol);
            FORMAT
                .write_point(point, symbol, &mut self.text)
                .expect("whole volumes");
        }
    }
}
