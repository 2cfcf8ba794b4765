//! Trades that come too late for every window: how many, and why.

use stock_up_core::{
    Analyzer, AnalyzerSettings, Clock, Decimal, Emission, FeedChange, FeedEvent, LateDropped,
    Record, Span, Tick, TradeBatch,
};

const SECOND: i64 = 1_000_000_000;

/// A state of version 1 after two trades were dropped: its counters are `1, 0, 0, 2, 0, 0`.
const VERSION_1: &str = "010180e0ba84bf0380a8d6b90780a8d6b90701010000050180b096c8b3060180a0b787\
    e905018088c08eac0600ffffffffffffffffff0100000000000100000200000080b096c8b306000001035350590180\
    a0b787e90501018088c08eac06000000018088c08eac06000100010700";

/// A log whose points are revised for a minute; times are in seconds.
struct Log(Analyzer);

impl Log {
    fn new(clock: Clock) -> Self {
        let settings = AnalyzerSettings {
            windows: vec![Span::from_secs(60)],
            ..AnalyzerSettings::default()
        };
        let mut log = Self(Analyzer::new(settings, Emission::Grid, 0));
        for event in [FeedEvent::Clock(clock), FeedEvent::Subscribed(Vec::new())] {
            let (at, ts_recv) = (0, 0);
            log.apply(&Record::Feed(FeedChange { at, ts_recv, event }));
        }
        log
    }

    fn apply(&mut self, record: &Record) -> &mut Self {
        let mut points = Vec::new();
        self.0
            .apply(self.0.position(), record, &mut points)
            .unwrap();
        self
    }

    fn tick(&mut self, time: i64) -> &mut Self {
        let (time, heard) = (time * SECOND, time * SECOND);
        self.apply(&Record::Tick(Tick { time, heard }))
    }

    fn trade(&mut self, symbol: &str, time: i64, received: i64) -> &mut Self {
        let mut batch = TradeBatch {
            ts_recv: received * SECOND,
            ..TradeBatch::default()
        };
        let one = Decimal::new(1, 0).unwrap();
        batch.push(symbol, time * SECOND, (one, one), "");
        self.apply(&Record::Trades(batch))
    }

    #[track_caller]
    fn dropped(&mut self, delayed: u64, out_of_order: u64) -> &mut Self {
        let expected = LateDropped {
            delayed,
            out_of_order,
        };
        assert_eq!(self.0.counters().late_dropped, expected);
        self
    }
}

#[test]
fn a_trade_that_took_longer_to_reach_us_than_points_are_revised_is_delayed() {
    let mut log = Log::new(Clock::Wall);
    log.tick(1_000).trade("SPY", 1_000, 1_000);
    // A minute is still mended, one second more is not.
    log.trade("SPY", 940, 1_000).dropped(0, 0);
    log.trade("SPY", 939, 1_000).dropped(1, 0);
    // The log's clock need not have noticed yet how late it is.
    log.tick(1_010).trade("SPY", 949, 1_011).dropped(2, 0);
    assert_eq!(log.0.counters().applied, 2);
}

#[test]
fn a_trade_that_was_received_in_time_but_stands_behind_log_time_is_out_of_order() {
    let mut log = Log::new(Clock::Wall);
    log.tick(1_000).trade("SPY", 1_000, 1_000);
    // A venue whose clock is wrong moves log time on for every symbol.
    log.trade("IBM", 1_090, 1_001).trade("SPY", 1_001, 1_001);
    log.dropped(0, 1);
    // So does our own clock, when it is set back.
    log.tick(1_200).trade("SPY", 1_100, 1_100).dropped(0, 2);
    // Delayed by a minute sharp is in time; who is beyond both is delayed first of all.
    log.trade("SPY", 1_100, 1_160).dropped(0, 3);
    log.trade("SPY", 1_100, 1_161).dropped(1, 3);
}

#[test]
fn a_recorded_trade_is_never_delayed_whenever_it_was_played() {
    let mut log = Log::new(Clock::Event);
    // A file has no receive times; a recorded day that is played has those of today.
    for (played, dropped) in [(0, 1), (1_000_000, 2)] {
        log.trade("SPY", 1_000, played).trade("IBM", 939, played);
        log.dropped(0, dropped);
    }
    // Far ahead in time, a receive time that cannot be subtracted is no reason to stop.
    log.trade("SPY", i64::MAX / SECOND, i64::MIN / SECOND);
    log.trade("SPY", i64::MIN / SECOND, i64::MAX / SECOND);
    log.dropped(0, 3);
}

#[test]
fn a_state_of_version_1_is_read_and_what_it_dropped_is_taken_for_delayed() {
    let bytes: Vec<u8> = (0..VERSION_1.len() / 2)
        .map(|at| u8::from_str_radix(&VERSION_1[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let mut log = Log(Analyzer::restore(&bytes).unwrap());
    assert_eq!((log.0.position(), log.0.held_trades()), (5, 1));
    log.dropped(2, 0).trade("SPY", 200, 110).dropped(2, 0);
    log.trade("SPY", 100, 110).dropped(2, 1);
    let mut now = Vec::new();
    log.0.checkpoint(&mut now);
    assert_eq!(now.first(), Some(&2));
    assert_eq!(
        Analyzer::restore(&now).unwrap().counters(),
        log.0.counters()
    );
}
