//! Data directories made by hand.

use std::fs;
use std::path::Path;

use stock_up_core::record::codec;
use stock_up_core::{
    AnalyzerSettings, Clock, Decimal, FeedChange, FeedEvent, GapCause, Record, SettingsEpoch, Span,
    Tick, TradeBatch,
};
use stock_up_log::{CommitBounds, GroupCommit, Log, Options};

pub(crate) const SECOND: i64 = 1_000_000_000;

/// Makes a data directory with these records in its log, each committed on its own.
pub(crate) fn write(dir: &Path, records: &[Record]) {
    fs::create_dir_all(dir.join("log")).unwrap();
    let source = "venue = \"test\"\nsimulated = true\nid = \"00000000000000000000000000000007\"\n";
    fs::write(dir.join("source.toml"), source).unwrap();
    let (_, writer) = Log::open(dir.join("log"), Options::new(7_u128.to_be_bytes())).unwrap();
    let commits = GroupCommit::start(writer, CommitBounds::default()).unwrap();
    for record in records {
        let mut payload = Vec::new();
        codec::encode(record, &mut payload);
        commits
            .append_durable(SECOND, record.count(), &payload)
            .unwrap();
    }
    commits.close().unwrap();
}

pub(crate) fn feed(at: i64, event: FeedEvent) -> Record {
    Record::Feed(FeedChange {
        at,
        ts_recv: at,
        event,
    })
}

pub(crate) fn tick(time: i64) -> Record {
    Record::Tick(Tick { time, heard: time })
}

pub(crate) fn settings(revision: u64, settings: AnalyzerSettings) -> Record {
    Record::Settings(SettingsEpoch { revision, settings })
}

/// A batch of trades `(time, symbol, price, size)`, received at `ts_recv`.
pub(crate) fn trades(ts_recv: i64, rows: &[(i64, &str, &str, &str)]) -> Record {
    let mut batch = TradeBatch {
        ts_recv,
        ..TradeBatch::default()
    };
    for (time, symbol, price, size) in rows {
        let decimal = |text: &str| Decimal::parse(text.as_bytes()).unwrap();
        batch.push(symbol, *time, (decimal(price), decimal(size)), "");
    }
    Record::Trades(batch)
}

/// What stands before the trades of a file.
pub(crate) fn tape_begin() -> Vec<Record> {
    vec![
        feed(0, FeedEvent::Clock(Clock::Event)),
        feed(0, FeedEvent::Subscribed(Vec::new())),
    ]
}

/// A day of a live feed: two symbols, a gap, another window, trades of which one is late.
pub(crate) fn live_day() -> Vec<Record> {
    let at = |seconds: i64| 1_000 * SECOND + seconds * SECOND;
    let both = vec!["IBM".to_owned(), "SPY".to_owned()];
    let longer = AnalyzerSettings {
        windows: vec![Span::from_secs(2), Span::from_secs(60)],
        ..AnalyzerSettings::default()
    };
    let mut records = vec![
        feed(
            at(0),
            FeedEvent::Started {
                venue: "test".to_owned(),
                simulated: true,
            },
        ),
        feed(at(0), FeedEvent::Connected),
        feed(at(0), FeedEvent::Subscribed(both)),
        trades(
            at(1),
            &[(at(1), "SPY", "10", "1"), (at(1), "IBM", "20", "0.5")],
        ),
        tick(at(2)),
        tick(at(3)),
        feed(
            at(4),
            FeedEvent::GapOpened {
                from: at(3),
                cause: GapCause::Disconnected,
            },
        ),
        tick(at(5)),
        feed(at(6), FeedEvent::GapClosed),
        settings(1, longer),
    ];
    for second in 7..20 {
        let (time, late) = (at(second), at(second) - 3 * SECOND);
        records.push(trades(
            time,
            &[(time, "SPY", "11.25", "3"), (late, "SPY", "10.75", "1")],
        ));
        records.push(tick(time));
    }
    records.push(feed(
        at(20),
        FeedEvent::GapOpened {
            from: at(20),
            cause: GapCause::Stopped,
        },
    ));
    records
}
