//! The series equals the naive model's, and does not depend on batches or restarts.

use proptest::prelude::*;
use stock_up_core::{
    Analyzer, AnalyzerSettings, Clock, Decimal, Emission, FeedChange, FeedEvent, LateDropped,
    Point, Record, Span, TradeBatch,
};

use crate::model::{self, Print, Rows};

const START: i64 = 1_381_219_217_034_000_000;

/// An analyzer of a file: observed from its first record on.
pub(crate) fn file_analyzer(settings: &AnalyzerSettings, emission: Emission) -> Analyzer {
    let mut analyzer = Analyzer::new(settings.clone(), emission, 0);
    let mut out = Vec::new();
    for (seq, event) in [
        (0, FeedEvent::Clock(Clock::Event)),
        (1, FeedEvent::Subscribed(Vec::new())),
    ] {
        let change = FeedChange {
            at: i64::MIN,
            ts_recv: 0,
            event,
        };
        analyzer
            .apply(seq, &Record::Feed(change), &mut out)
            .unwrap();
    }
    analyzer
}

pub(crate) fn end(analyzer: &mut Analyzer, out: &mut Vec<Point>) {
    let at = analyzer.log_time().unwrap_or(0);
    let change = FeedChange {
        at,
        ts_recv: 0,
        event: FeedEvent::Ended,
    };
    analyzer
        .apply(analyzer.position(), &Record::Feed(change), out)
        .unwrap();
}

pub(crate) fn batch(prints: &[Print]) -> TradeBatch {
    let mut batch = TradeBatch::default();
    for print in prints {
        batch.push(&print.symbol, print.time, (print.price, print.size), "");
    }
    batch
}

/// Every emitted point as text, in order, with its revision.
fn lines(analyzer: &Analyzer, points: &[Point]) -> Vec<String> {
    points
        .iter()
        .map(|point| format!("{} {:?}", analyzer.symbol(point.symbol), point))
        .collect()
}

fn row(point: &Point) -> String {
    let m = &point.metrics;
    let text = |value: Option<Decimal>| value.map_or(String::new(), |v| v.to_string());
    let float = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:?}"));
    format!(
        "{} {} {} {} {} {} {} {} {} {}",
        m.transactions,
        m.volume,
        text(m.last_price),
        text(m.min_price),
        text(m.max_price),
        float(m.mean_price),
        float(m.vwap),
        float(m.variance),
        point.status.name(),
        point.coverage,
    )
}

/// The last row of each (time, symbol, window); checks that revisions count up from 0.
fn last_rows(analyzer: &Analyzer, points: &[Point]) -> Rows {
    let mut rows = Rows::new();
    let mut revisions = std::collections::BTreeMap::new();
    for point in points {
        let key = (
            point.time,
            analyzer.symbol(point.symbol).to_owned(),
            point.window.ns(),
        );
        let expected = revisions
            .entry(key.clone())
            .and_modify(|r| *r += 1)
            .or_insert(0);
        assert_eq!(point.revision, *expected, "revision of {key:?}");
        rows.insert(key, row(point));
    }
    rows
}

fn run(prints: &[Print], settings: &AnalyzerSettings, cuts: &[usize]) -> (Analyzer, Vec<Point>) {
    let mut analyzer = file_analyzer(settings, Emission::Grid);
    let mut points = Vec::new();
    for part in split(prints, cuts) {
        analyzer
            .apply_trades(analyzer.position(), &batch(part), &mut points)
            .unwrap();
    }
    end(&mut analyzer, &mut points);
    (analyzer, points)
}

fn split<'a>(prints: &'a [Print], cuts: &[usize]) -> Vec<&'a [Print]> {
    let mut cuts: Vec<usize> = cuts
        .iter()
        .map(|cut| cut % (prints.len() + 1))
        .chain([0, prints.len()])
        .collect();
    cuts.sort_unstable();
    cuts.windows(2)
        .map(|pair| &prints[pair[0]..pair[1]])
        .filter(|part| !part.is_empty())
        .collect()
}

fn market_decimal() -> BoxedStrategy<Decimal> {
    (1_u64..40_000, 0_u8..4)
        .prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale).unwrap())
        .boxed()
}

fn extreme_decimal() -> BoxedStrategy<Decimal> {
    (1_u64..1_000_000_000_000_000_000, 0_u8..=29)
        .prop_filter_map("in range", |(mantissa, scale)| {
            Decimal::new(mantissa, scale).ok()
        })
        .boxed()
}

fn mixed_decimal() -> BoxedStrategy<Decimal> {
    prop_oneof![8 => market_decimal(), 1 => extreme_decimal()].boxed()
}

/// Trades whose clock moves on by `steps` ns and which stand back by up to `back` ns.
fn prints(
    value: BoxedStrategy<Decimal>,
    steps: Vec<i64>,
    back: i64,
) -> impl Strategy<Value = Vec<Print>> {
    let size = prop_oneof![6 => value.clone(), 1 => Just(Decimal::ZERO)];
    let late = prop_oneof![4 => Just(0), 1 => 0..=back];
    let print = (
        0_u8..3,
        prop::sample::select(steps),
        late,
        value,
        size,
        1_usize..3,
    );
    prop::collection::vec(print, 1..80).prop_map(|rows| {
        let mut now = START;
        let mut prints = Vec::new();
        for (symbol, step, late, price, size, copies) in rows {
            now += step;
            let symbol = ["IBM", "SPY", "SPYG"][usize::from(symbol)].to_owned();
            prints.extend(vec![
                Print {
                    symbol,
                    time: now - late,
                    price,
                    size
                };
                copies
            ]);
        }
        prints
    })
}

fn settings(windows: &[u32], revise: Option<u32>) -> AnalyzerSettings {
    let windows = windows.iter().map(|secs| Span::from_secs(*secs)).collect();
    let revise = revise.map(Span::from_secs);
    AnalyzerSettings {
        windows,
        revise,
        ..AnalyzerSettings::default()
    }
    .validated()
    .unwrap()
}

/// Checks the live view of the symbol that traded last, whose window is 5 s long.
#[track_caller]
fn check_live(prints: &[Print], settings: &AnalyzerSettings, point: &Point) {
    let (kept, now) = model::accepted(prints, settings);
    assert_eq!(point.time, now);
    let symbol = &prints[prints.len() - 1].symbol;
    let is_held = |p: &&Print| p.symbol == *symbol && p.time >= now - 5 * SECOND;
    let mut held: Vec<&Print> = kept.iter().filter(is_held).collect();
    held.sort_by_key(|print| print.time);
    let expected = model::numbers(&held);
    let row = row(point);
    assert!(row.starts_with(&expected), "{row} is not {expected}");
}

const SECOND: i64 = 1_000_000_000;

fn flow() -> Vec<i64> {
    vec![0, 0, 1_000_000, 50_000_000, SECOND / 2, SECOND, 4 * SECOND]
}

fn spells() -> Vec<i64> {
    vec![0, 1_000_000, SECOND, 7 * SECOND, 30 * SECOND, 300 * SECOND]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn in_order_trades_give_the_model_s_series(prints in prints(market_decimal(), flow(), 0)) {
        let settings = settings(&[5, 20], None);
        let (analyzer, points) = run(&prints, &settings, &[]);
        prop_assert!(points.iter().all(|point| point.revision == 0));
        prop_assert_eq!(last_rows(&analyzer, &points), model::series(&prints, &settings));
    }

    #[test]
    fn trades_out_of_order_give_the_model_s_series(
        prints in prints(market_decimal(), flow(), 25 * SECOND),
    ) {
        let settings = settings(&[5, 20], None);
        let (analyzer, points) = run(&prints, &settings, &[]);
        prop_assert_eq!(last_rows(&analyzer, &points), model::series(&prints, &settings));
        let dropped = prints.len() - model::accepted(&prints, &settings).0.len();
        let late = analyzer.counters().late_dropped;
        prop_assert_eq!(late, LateDropped { delayed: 0, out_of_order: dropped as u64 });
        prop_assert_eq!(analyzer.counters().applied, (prints.len() - dropped) as u64);
    }

    #[test]
    fn a_reach_shorter_or_longer_than_the_window_holds_too(
        prints in prints(market_decimal(), flow(), 45 * SECOND), revise in 0_u32..40,
    ) {
        let settings = settings(&[10], Some(revise));
        let (analyzer, points) = run(&prints, &settings, &[]);
        prop_assert_eq!(last_rows(&analyzer, &points), model::series(&prints, &settings));
    }

    #[test]
    fn quiet_spells_empty_the_windows_once(
        prints in prints(market_decimal(), spells(), 8 * SECOND),
    ) {
        let settings = settings(&[5, 20], None);
        let (analyzer, points) = run(&prints, &settings, &[]);
        prop_assert_eq!(last_rows(&analyzer, &points), model::series(&prints, &settings));
    }

    #[test]
    fn values_from_1e_minus_12_to_1e12_stay_exact(
        prints in prints(extreme_decimal(), flow(), 3 * SECOND),
    ) {
        let settings = settings(&[5], None);
        let (analyzer, points) = run(&prints, &settings, &[]);
        prop_assert_eq!(last_rows(&analyzer, &points), model::series(&prints, &settings));
    }

    #[test]
    fn any_split_into_batches_gives_the_same_points(
        prints in prints(market_decimal(), spells(), 25 * SECOND),
        cuts in prop::collection::vec(any::<usize>(), 0..9),
    ) {
        let settings = settings(&[5, 20], None);
        let (analyzer, whole) = run(&prints, &settings, &[]);
        let (other, parts) = run(&prints, &settings, &cuts);
        prop_assert_eq!(lines(&analyzer, &whole), lines(&other, &parts));
    }

    #[test]
    fn any_checkpoint_gives_the_same_points(
        prints in prints(mixed_decimal(), spells(), 25 * SECOND),
        cuts in prop::collection::vec(any::<usize>(), 1..9), trade in any::<bool>(),
    ) {
        let settings = settings(&[5, 20], None);
        let emission = if trade { Emission::Trade } else { Emission::Grid };
        let mut whole = Vec::new();
        let mut analyzer = file_analyzer(&settings, emission);
        let mut restarted = analyzer.clone();
        let mut parts = Vec::new();
        for part in split(&prints, &cuts) {
            let mut bytes = Vec::new();
            restarted.checkpoint(&mut bytes);
            restarted = Analyzer::restore(&bytes).unwrap();
            let mut again = Vec::new();
            restarted.checkpoint(&mut again);
            prop_assert_eq!(&bytes, &again, "a restored analyzer has the same state");
            restarted.apply_trades(restarted.position(), &batch(part), &mut parts).unwrap();
            analyzer.apply_trades(analyzer.position(), &batch(part), &mut whole).unwrap();
        }
        end(&mut analyzer, &mut whole);
        end(&mut restarted, &mut parts);
        prop_assert_eq!(lines(&analyzer, &whole), lines(&restarted, &parts));
        prop_assert_eq!(analyzer.counters(), restarted.counters());
    }

    #[test]
    fn the_live_view_after_each_trade_is_the_window_at_the_log_s_time(
        prints in prints(market_decimal(), flow(), 12 * SECOND),
    ) {
        let settings = settings(&[5], Some(8));
        let mut analyzer = file_analyzer(&settings, Emission::Trade);
        let mut points = Vec::new();
        analyzer.apply_trades(2, &batch(&prints), &mut points).unwrap();
        prop_assert_eq!(points.len(), prints.len());
        for (index, point) in points.iter().enumerate() {
            check_live(&prints[..=index], &settings, point);
        }
    }

    #[test]
    fn the_live_view_between_grid_times_is_the_window_at_the_log_s_time(
        prints in prints(market_decimal(), flow(), 12 * SECOND),
        seen in prop::collection::vec(any::<bool>(), 160),
    ) {
        let settings = settings(&[5], Some(8));
        let mut analyzer = file_analyzer(&settings, Emission::Grid);
        for (index, print) in prints.iter().enumerate() {
            let mut points = Vec::new();
            let one = batch(std::slice::from_ref(print));
            analyzer.apply_trades(analyzer.position(), &one, &mut points).unwrap();
            if seen[index] {
                points.clear();
                analyzer.live(analyzer.find(&print.symbol).unwrap(), &mut points);
                check_live(&prints[..=index], &settings, &points[0]);
            }
        }
    }

    #[test]
    fn damaged_checkpoints_are_refused_or_read_but_never_panic(
        prints in prints(market_decimal(), flow(), 0),
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let (analyzer, _) = run(&prints, &settings(&[5], None), &[]);
        let mut bytes = Vec::new();
        analyzer.checkpoint(&mut bytes);
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
            prop_assert!(Analyzer::restore(&bytes).is_err());
        } else {
            bytes[at] = byte;
            drop(Analyzer::restore(&bytes));
        }
    }
}
