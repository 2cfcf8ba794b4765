//! `AnalyzerSettings::makes_due` knows from two times alone when the analyzer emits.

use proptest::prelude::*;
use stock_up_core::{
    Analyzer, AnalyzerSettings, Decimal, Emission, Record, Span, Tick, TradeBatch,
};

const START: i64 = 1_700_000_000_000_000_000;

fn trade(time: i64) -> Record {
    let mut batch = TradeBatch {
        ts_recv: time,
        ..TradeBatch::default()
    };
    let one = Decimal::new(1, 0).unwrap();
    batch.push("SPY", time, (one, one), "");
    Record::Trades(batch)
}

proptest! {
    #[test]
    fn points_are_emitted_exactly_when_a_record_makes_them_due(
        grid in prop::sample::select(vec![10_i64, 250, 1_000]),
        lateness in prop::sample::select(vec![0_i64, 5, 10, 999, 1_000]),
        steps in prop::collection::vec(0_i64..400, 1..60),
    ) {
        let millis = |millis: i64| millis * 1_000_000;
        let settings = AnalyzerSettings {
            grid: Span::from_ns(millis(grid)),
            lateness: Span::from_ns(millis(lateness)),
            ..AnalyzerSettings::default()
        }
        .validated()
        .unwrap();
        let mut analyzer = Analyzer::new(settings.clone(), Emission::Grid, 0);
        analyzer.apply(0, &trade(START), &mut Vec::new()).unwrap();
        // From here on every grid time that becomes due has a trade in its window, hence a point.
        let mut time = START + millis(2_000);
        analyzer.apply(analyzer.position(), &trade(time), &mut Vec::new()).unwrap();
        for (number, step) in steps.into_iter().enumerate() {
            let before = time;
            time += millis(step);
            let record = if number % 2 == 0 {
                trade(time)
            } else {
                Record::Tick(Tick { time, heard: time })
            };
            let mut points = Vec::new();
            analyzer.apply(analyzer.position(), &record, &mut points).unwrap();
            prop_assert_eq!(!points.is_empty(), settings.makes_due(before, time), "{}", time);
        }
    }
}
