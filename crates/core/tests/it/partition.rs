//! A log split into partitions gives every symbol the points that the whole log gives it.

use proptest::prelude::*;
use stock_up_core::partition::{Piece, Splitter};
use stock_up_core::{
    Analyzer, AnalyzerSettings, Clock, Decimal, Emission, FeedChange, FeedEvent, GapCause,
    LateDropped, Point, Record, SettingsEpoch, Span, Tick, TradeBatch,
};

const SECOND: i64 = 1_000_000_000;
const SYMBOLS: [&str; 7] = ["A", "B", "C", "SPY", "IBM", "BAC", "é"];

/// Something that happens, with times in ms relative to how far the log is.
#[derive(Debug, Clone)]
enum Step {
    Trades(Vec<(usize, i64, u64, u64)>),
    Tick(i64, i64),
    Feed(FeedEvent, i64),
    Settings(u32, u32, u32),
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly in order, some late, some far too late.
    let lag = prop_oneof![6 => -30..400_i64, 2 => -3_000..0_i64, 1 => -90_000..0_i64];
    let trade = (0..SYMBOLS.len(), lag, 1..500_u64, 0..4_u64);
    let symbols = || {
        proptest::sample::subsequence(&SYMBOLS[..], 1..=SYMBOLS.len())
            .prop_map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let event = prop_oneof![
        Just(FeedEvent::Connected),
        symbols().prop_map(FeedEvent::Subscribed),
        symbols().prop_map(FeedEvent::Unsubscribed),
        Just(FeedEvent::Subscribed(Vec::new())),
        Just(FeedEvent::GapClosed),
        Just(FeedEvent::Stale),
        Just(FeedEvent::Fresh),
    ];
    prop_oneof![
        8 => proptest::collection::vec(trade, 1..12).prop_map(Step::Trades),
        5 => (0..1_500_i64, 0..3_000_i64).prop_map(|(on, age)| Step::Tick(on, age)),
        2 => (event, 0..50_i64).prop_map(|(event, on)| Step::Feed(event, on)),
        1 => (0..2_000_i64).prop_map(|back| {
            let cause = GapCause::Disconnected;
            Step::Feed(FeedEvent::GapOpened { from: -back, cause }, 0)
        }),
        1 => (1..20_u32, 1..4_u32, 0..3_u32).prop_map(|(w, g, l)| Step::Settings(w, g, l)),
    ]
}

/// The records of a log in which these things happen.
fn records(steps: &[Step], clock: Clock) -> Vec<Record> {
    let mut now = 1_700_000_000 * SECOND;
    let feed = |at, event| {
        Record::Feed(FeedChange {
            at,
            ts_recv: 0,
            event,
        })
    };
    let mut records = vec![
        feed(now, FeedEvent::Clock(clock)),
        feed(now, FeedEvent::Subscribed(Vec::new())),
    ];
    for (number, step) in steps.iter().enumerate() {
        records.push(match step {
            Step::Trades(trades) => {
                let mut batch = TradeBatch {
                    ts_recv: now,
                    ..TradeBatch::default()
                };
                for (symbol, lag, price, size) in trades {
                    let time = now + lag * 1_000_000;
                    let value = |mantissa| Decimal::new(mantissa, 2).unwrap();
                    let name = SYMBOLS[*symbol];
                    batch.push(name, time, (value(*price), value(*size)), "");
                    now = now.max(time);
                }
                Record::Trades(batch)
            }
            Step::Tick(on, age) => {
                now += on * 1_000_000;
                let heard = now - age * 1_000_000;
                Record::Tick(Tick { time: now, heard })
            }
            Step::Feed(FeedEvent::GapOpened { from, cause }, _) => {
                let from = now + from * 1_000_000;
                let cause = *cause;
                feed(now, FeedEvent::GapOpened { from, cause })
            }
            Step::Feed(event, on) => {
                now += on * 1_000_000;
                feed(now, event.clone())
            }
            Step::Settings(window, grid, lateness) => {
                let windows = vec![Span::from_secs(*window), Span::from_secs(window * 3)];
                Record::Settings(SettingsEpoch {
                    revision: number as u64 + 1,
                    settings: AnalyzerSettings {
                        windows,
                        grid: Span::from_secs(*grid),
                        lateness: Span::from_secs(*lateness),
                        ..AnalyzerSettings::default()
                    },
                })
            }
        });
    }
    records.push(feed(now, FeedEvent::Ended));
    records
}

fn analyzer() -> Analyzer {
    Analyzer::new(AnalyzerSettings::default(), Emission::Grid, 0)
}

/// Points as text with the names of their symbols, sorted: partitions have no common order.
fn lines(analyzer: &Analyzer, points: &[Point]) -> Vec<String> {
    let line = |point: &Point| {
        let (name, plain) = (
            analyzer.symbol(point.symbol),
            Point {
                symbol: ANY,
                ..point.clone()
            },
        );
        format!("{name} {plain:?}")
    };
    points.iter().map(line).collect()
}

const ANY: stock_up_core::SymbolId = stock_up_core::SymbolId(0);

/// What is emitted, and the trades that were applied and dropped: `(points, (applied, late))`.
type Outcome = (Vec<String>, (u64, LateDropped));

fn whole(records: &[Record]) -> Outcome {
    let (mut analyzer, mut points) = (analyzer(), Vec::new());
    for record in records {
        analyzer
            .apply(analyzer.position(), record, &mut points)
            .unwrap();
    }
    let mut lines = lines(&analyzer, &points);
    lines.sort_unstable();
    let counters = analyzer.counters();
    (lines, (counters.applied, counters.late_dropped))
}

fn split(records: &[Record], mut splitter: Splitter) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for record in records {
        splitter.split(record, &mut pieces);
    }
    pieces
}

fn partitioned(pieces: &[Piece], partitions: u32) -> Outcome {
    let (mut all, mut applied, mut late) = (Vec::new(), 0, LateDropped::default());
    for partition in 0..partitions {
        let (mut analyzer, mut points) = (analyzer(), Vec::new());
        for piece in pieces.iter().filter(|piece| piece.partition == partition) {
            analyzer
                .apply(piece.first_seq, &piece.record, &mut points)
                .unwrap();
        }
        all.extend(lines(&analyzer, &points));
        applied += analyzer.counters().applied;
        late += analyzer.counters().late_dropped;
    }
    all.sort_unstable();
    (all, (applied, late))
}

proptest! {
    #[test]
    fn partitions_together_emit_what_the_whole_log_emits(
        steps in proptest::collection::vec(step(), 1..60),
        partitions in 1..6_u32,
        event_clock in any::<bool>(),
    ) {
        let clock = if event_clock { Clock::Event } else { Clock::Wall };
        let records = records(&steps, clock);
        let pieces = split(&records, Splitter::new(partitions));
        prop_assert_eq!(partitioned(&pieces, partitions), whole(&records));
    }

    #[test]
    fn a_splitter_taken_up_again_gives_the_same_pieces(
        steps in proptest::collection::vec(step(), 1..40),
        partitions in 1..6_u32,
        cut in any::<prop::sample::Index>(),
    ) {
        let records = records(&steps, Clock::Wall);
        let (before, after) = records.split_at(cut.index(records.len()));
        let mut splitter = Splitter::new(partitions);
        let mut pieces = Vec::new();
        for record in before {
            splitter.split(record, &mut pieces);
        }
        let mut bytes = Vec::new();
        splitter.encode(&mut bytes);
        pieces.extend(split(after, Splitter::decode(&bytes).unwrap()));
        prop_assert_eq!(pieces, split(&records, Splitter::new(partitions)));
    }

    #[test]
    fn a_single_partition_is_the_log_itself(steps in proptest::collection::vec(step(), 1..40)) {
        let records = records(&steps, Clock::Wall);
        let pieces = split(&records, Splitter::new(1));
        let same: Vec<Record> = pieces.into_iter().map(|piece| piece.record).collect();
        prop_assert_eq!(same, records);
    }

    #[test]
    fn bytes_from_anywhere_are_a_splitter_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        if let Ok(splitter) = Splitter::decode(&bytes) {
            prop_assert!(splitter.partitions() > 0);
        }
    }
}

#[test]
fn a_quiet_partition_is_told_the_time_once_a_grid_step() {
    let step = |second: i64| Step::Trades(vec![(3, second * 1_000, 1, 1)]);
    let steps: Vec<Step> = std::iter::repeat_n(step(1), 10).collect();
    let records = records(&steps, Clock::Event);
    let pieces = split(&records, Splitter::new(2));
    let marks = |piece: &&Piece| matches!(piece.record, Record::Watermark(_));
    // One for the first trade, one for each second that falls due after it, one before the end.
    assert_eq!(pieces.iter().filter(marks).count(), 1 + 8 + 1);
}
