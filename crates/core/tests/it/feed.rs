//! Completeness: what the feed's history makes of a point, and what makes a symbol come and go.

use stock_up_core::{
    Analyzer, AnalyzerSettings, ApplyError, Clock, Decimal, Emission, FeedChange, FeedEvent,
    GapCause, Point, Record, SettingsEpoch, Span, Status, Tick, TradeBatch,
};

const SECOND: i64 = 1_000_000_000;

/// A log on the wall clock, written by hand; times are in seconds.
struct Log {
    analyzer: Analyzer,
    points: Vec<Point>,
}

impl Log {
    fn new(window: u32) -> Self {
        let settings = AnalyzerSettings {
            windows: vec![Span::from_secs(window)],
            ..AnalyzerSettings::default()
        };
        Self {
            analyzer: Analyzer::new(settings, Emission::Grid, 0),
            points: Vec::new(),
        }
    }

    fn apply(&mut self, record: &Record) -> &mut Self {
        self.analyzer
            .apply(self.analyzer.position(), record, &mut self.points)
            .unwrap();
        self
    }

    fn feed(&mut self, at: i64, event: FeedEvent) -> &mut Self {
        self.apply(&Record::Feed(FeedChange {
            at: at * SECOND,
            ts_recv: 0,
            event,
        }))
    }

    fn subscribed(&mut self, at: i64, symbols: &[&str]) -> &mut Self {
        self.feed(
            at,
            FeedEvent::Subscribed(symbols.iter().map(|s| (*s).to_owned()).collect()),
        )
    }

    fn tick(&mut self, time: i64, heard: i64) -> &mut Self {
        self.apply(&Record::Tick(Tick {
            time: time * SECOND,
            heard: heard * SECOND,
        }))
    }

    fn trade(&mut self, symbol: &str, time: i64) -> &mut Self {
        self.trade_at(symbol, time * SECOND)
    }

    /// A trade between full seconds; `time` is in ns.
    fn trade_at(&mut self, symbol: &str, time: i64) -> &mut Self {
        let mut batch = TradeBatch {
            ts_recv: time,
            ..TradeBatch::default()
        };
        let one = Decimal::new(1, 0).unwrap();
        batch.push(symbol, time, (one, one), "");
        self.apply(&Record::Trades(batch))
    }

    /// What was emitted since the last look: seconds, revision, transactions, status, coverage in
    /// percent.
    #[track_caller]
    fn emitted(&mut self, expected: &[(i64, u32, u64, Status, i64)]) -> &mut Self {
        #[expect(clippy::cast_possible_truncation, reason = "a percentage")]
        let rows: Vec<_> = self
            .points
            .drain(..)
            .map(|p| {
                (
                    p.time / SECOND,
                    p.revision,
                    p.metrics.transactions,
                    p.status,
                    (p.coverage * 100.0).round() as i64,
                )
            })
            .collect();
        assert_eq!(rows, expected);
        self
    }
}

use Status::{Complete, Gap, Provisional, Stale, Warming};

#[test]
fn a_symbol_warms_up_from_its_subscription_and_then_is_complete() {
    let mut log = Log::new(4);
    log.feed(100, FeedEvent::Connected)
        .subscribed(100, &["SPY"])
        .trade("SPY", 101);
    log.tick(104, 104)
        .emitted(&[(101, 0, 1, Warming, 25), (102, 0, 1, Warming, 50)]);
    log.tick(105, 105)
        .tick(106, 106)
        .emitted(&[(103, 0, 1, Warming, 75), (104, 0, 1, Complete, 100)]);
    log.tick(109, 109)
        .emitted(&[(105, 0, 1, Complete, 100), (106, 0, 0, Complete, 100)]);
    log.tick(200, 200).emitted(&[]);
}

#[test]
fn a_point_without_a_sign_of_life_is_provisional_until_there_is_one() {
    let mut log = Log::new(2);
    log.subscribed(100, &["SPY"])
        .trade("SPY", 110)
        .tick(112, 110);
    log.emitted(&[(110, 0, 1, Complete, 100)]);
    log.tick(113, 110).emitted(&[(111, 0, 1, Provisional, 50)]);
    log.tick(114, 113)
        .emitted(&[(111, 1, 1, Complete, 100), (112, 0, 1, Complete, 100)]);
}

#[test]
fn a_gap_that_began_before_it_was_noticed_corrects_what_was_said() {
    let mut log = Log::new(3);
    log.subscribed(100, &["SPY"])
        .trade("SPY", 110)
        .tick(114, 110);
    log.emitted(&[
        (110, 0, 1, Complete, 100),
        (111, 0, 1, Provisional, 67),
        (112, 0, 1, Provisional, 33),
    ]);
    log.feed(
        114,
        FeedEvent::GapOpened {
            from: 110 * SECOND,
            cause: GapCause::Silent,
        },
    );
    log.tick(115, 110).emitted(&[
        (110, 1, 1, Gap, 100),
        (111, 1, 1, Gap, 67),
        (112, 1, 1, Gap, 33),
        (113, 0, 1, Gap, 0),
    ]);
    log.feed(116, FeedEvent::GapClosed)
        .trade("SPY", 116)
        .tick(119, 119)
        .emitted(&[
            (114, 0, 0, Gap, 0),
            (116, 0, 1, Gap, 0),
            (117, 0, 1, Gap, 33),
        ]);
    log.tick(122, 122).emitted(&[
        (118, 0, 1, Gap, 67),
        (119, 0, 1, Gap, 100),
        (120, 0, 0, Complete, 100),
    ]);
}

#[test]
fn a_feed_that_answers_but_sends_nothing_is_stale() {
    let mut log = Log::new(2);
    log.subscribed(100, &["SPY"])
        .trade("SPY", 110)
        .feed(111, FeedEvent::Stale)
        .tick(113, 113);
    log.emitted(&[(110, 0, 1, Complete, 100), (111, 0, 1, Stale, 100)]);
    log.feed(113, FeedEvent::Fresh)
        .tick(118, 118)
        .emitted(&[(112, 0, 1, Stale, 100), (113, 0, 0, Stale, 100)]);
}

/// Silence that a process noted before it ended was stale for ever: nobody said that it was over.
#[test]
fn a_restart_ends_what_was_stale() {
    let mut log = Log::new(2);
    log.subscribed(100, &["SPY"])
        .trade("SPY", 110)
        .feed(111, FeedEvent::Stale)
        .tick(113, 113)
        .feed(
            113,
            FeedEvent::Started {
                venue: "finnhub".into(),
                simulated: false,
            },
        )
        .subscribed(113, &["SPY"])
        .trade("SPY", 116)
        .tick(119, 119);
    log.emitted(&[
        (110, 0, 1, Complete, 100),
        (111, 0, 1, Stale, 100),
        (112, 0, 1, Stale, 100),
        (113, 0, 0, Stale, 100),
        (116, 0, 1, Complete, 100),
        (117, 0, 1, Complete, 100),
    ]);
}

#[test]
fn a_symbol_that_is_given_up_has_no_more_points_and_warms_up_again() {
    let mut log = Log::new(4);
    log.subscribed(100, &["SPY", "IBM"])
        .trade("SPY", 110)
        .trade("IBM", 110);
    log.feed(110, FeedEvent::Unsubscribed(vec!["SPY".into()]))
        .tick(112, 112);
    log.emitted(&[(110, 0, 1, Complete, 100)]);
    log.subscribed(112, &["SPY"])
        .trade("SPY", 113)
        .tick(115, 115);
    log.emitted(&[
        (111, 0, 1, Complete, 100),
        (112, 0, 1, Complete, 100),
        (113, 0, 1, Complete, 100),
        (113, 0, 1, Warming, 25),
    ]);
}

#[test]
fn a_restart_keeps_the_observation_of_what_stays_subscribed() {
    let mut log = Log::new(4);
    log.subscribed(100, &["SPY", "IBM"])
        .trade("SPY", 110)
        .trade("IBM", 110);
    log.feed(
        111,
        FeedEvent::Started {
            venue: "finnhub".into(),
            simulated: false,
        },
    )
    .subscribed(111, &["SPY"]);
    assert_eq!(log.analyzer.subscribed().collect::<Vec<_>>(), ["SPY"]);
    log.tick(112, 112).emitted(&[(110, 0, 1, Complete, 100)]);
}

#[test]
fn a_longer_window_warms_up_from_what_is_still_held() {
    let mut log = Log::new(2);
    log.subscribed(0, &["SPY"]).trade("SPY", 100).tick(110, 110);
    log.points.clear();
    let windows = vec![Span::from_secs(2), Span::from_secs(20)];
    let settings = AnalyzerSettings {
        windows,
        ..AnalyzerSettings::default()
    };
    log.apply(&Record::Settings(SettingsEpoch {
        revision: 1,
        settings,
    }));
    // Held: window 2 s, revision reach 2 s, lateness 1 s, twice the grid.
    log.trade("SPY", 111)
        .tick(113, 113)
        .emitted(&[(111, 0, 1, Complete, 100), (111, 0, 1, Warming, 40)]);
}

#[test]
fn a_tick_moves_nothing_while_recorded_trades_give_the_time() {
    let mut log = Log::new(4);
    log.feed(1_000, FeedEvent::Connected)
        .subscribed(1_000, &["SPY"]);
    log.feed(1_000, FeedEvent::Clock(Clock::Event))
        .trade("SPY", 10)
        .tick(2_000, 2_000)
        .trade("SPY", 12);
    log.emitted(&[(10, 0, 1, Warming, 0)]);
    log.feed(12, FeedEvent::Ended)
        .emitted(&[(11, 0, 1, Warming, 25), (12, 0, 2, Warming, 50)]);
}

#[test]
fn repeated_records_are_dropped_and_holes_are_refused() {
    let mut log = Log::new(4);
    log.subscribed(100, &["SPY"]).trade("SPY", 101);
    let mut batch = TradeBatch::default();
    let one = Decimal::new(1, 0).unwrap();
    batch.push("SPY", 101 * SECOND, (one, one), "");
    batch.push("SPY", 101 * SECOND, (one, one), "");
    let mut out = Vec::new();
    assert_eq!(log.analyzer.apply_trades(0, &batch, &mut out), Ok(()));
    assert_eq!(log.analyzer.counters().duplicate, 2);
    assert_eq!(
        log.analyzer.apply_trades(3, &batch, &mut out),
        Err(ApplyError::Hole {
            expected: 2,
            found: 3
        })
    );
    let overlap = ApplyError::Overlap {
        first: 1,
        end: 3,
        position: 2,
    };
    assert_eq!(log.analyzer.apply_trades(1, &batch, &mut out), Err(overlap));
    assert_eq!(log.analyzer.position(), 2);
}

#[test]
fn a_live_view_that_was_seen_before_the_clock_changed_begins_anew() {
    let mut log = Log::new(60);
    log.subscribed(2_000_000, &["SPY"]);
    let id = log.analyzer.find("SPY").unwrap();
    let mut seen = Vec::new();
    // Somebody looks while the wall clock leads, far ahead of the recorded trades to come.
    log.analyzer.live(id, &mut seen);
    log.feed(2_000_000, FeedEvent::Clock(Clock::Event));
    for time in [100, 101, 110, 99] {
        log.trade("SPY", time);
    }
    seen.clear();
    log.analyzer.live(id, &mut seen);
    let counted: Vec<u64> = seen
        .iter()
        .map(|point| point.metrics.transactions)
        .collect();
    assert_eq!(counted, [4], "all of them are of the last minute");
}

/// Transactions, status, and the second from which that is not true any more.
fn live(log: &mut Log, symbol: &str) -> (u64, Status, Option<i64>) {
    let id = log.analyzer.find(symbol).unwrap();
    let mut seen = Vec::new();
    log.analyzer.live(id, &mut seen);
    let ages_at = log.analyzer.ages_at(id).map(|time| time / SECOND);
    (seen[0].metrics.transactions, seen[0].status, ages_at)
}

#[test]
fn a_live_view_holds_until_its_oldest_trade_leaves() {
    let mut log = Log::new(10);
    log.subscribed(100, &["SPY"])
        .tick(111, 111)
        .trade("SPY", 111)
        .trade("SPY", 115)
        // Late, but within the window.
        .trade("SPY", 112);
    assert_eq!(live(&mut log, "SPY"), (3, Complete, Some(121)));
    let id = log.analyzer.find("SPY").unwrap();
    let ages_at = log.analyzer.ages_at(id).unwrap();
    log.tick(121, 121);
    assert_eq!(ages_at, 121 * SECOND + 1, "a window is closed at both ends");
    assert_eq!(live(&mut log, "SPY"), (3, Complete, Some(121)));
    log.tick(122, 122);
    assert_eq!(live(&mut log, "SPY"), (2, Complete, Some(122)));
    log.tick(126, 126);
    assert_eq!(live(&mut log, "SPY"), (0, Complete, None));
}

#[test]
fn a_complete_live_view_is_sure_while_the_feed_is_heard_and_nothing_is_missed() {
    let mut log = Log::new(10);
    log.subscribed(100, &["SPY"]).trade("SPY", 111);
    assert!(log.analyzer.is_sure());
    log.tick(113, 111);
    assert!(log.analyzer.is_sure());
    // Nobody has heard of the feed for more than 2.5 s.
    log.tick(114, 111);
    assert!(!log.analyzer.is_sure());
    assert_eq!(live(&mut log, "SPY"), (1, Provisional, Some(121)));
    log.tick(115, 115);
    assert!(log.analyzer.is_sure());
    log.feed(
        116,
        FeedEvent::GapOpened {
            from: 116 * SECOND,
            cause: GapCause::Silent,
        },
    );
    assert!(!log.analyzer.is_sure());
    assert_eq!(live(&mut log, "SPY"), (1, Gap, Some(121)));
}

#[test]
fn a_live_view_stays_at_the_log_s_time_when_the_input_ends_between_grid_times() {
    let mut log = Log::new(1);
    log.feed(0, FeedEvent::Clock(Clock::Event))
        .subscribed(0, &["SPY"]);
    for half in [19, 21] {
        log.trade_at("SPY", half * SECOND / 2);
    }
    assert_eq!(live(&mut log, "SPY").0, 2);
    // This emits the grid time 11 s, half a second after the last trade.
    log.feed(10, FeedEvent::Ended);
    assert_eq!(live(&mut log, "SPY").0, 2);
    let mut state = Vec::new();
    log.analyzer.checkpoint(&mut state);
    let mut restored = Log::new(1);
    restored.analyzer = Analyzer::restore(&state).unwrap();
    for log in [&mut log, &mut restored] {
        assert_eq!(live(log, "SPY").0, 2);
        log.trade("SPY", 10);
        assert_eq!(live(log, "SPY").0, 3);
    }
}
