//! More than stays in a cache: many symbols, and bursts that fill more than one buffer.

use stock_up_core::{
    AnalyzerSettings, Decimal, Emission, Metrics, Point, Record, SettingsEpoch, Span,
};

use crate::analyzer::{batch, end, file_analyzer};
use crate::model::Print;

const SECOND: i64 = 1_000_000_000;

fn settings(windows: &[u32]) -> AnalyzerSettings {
    let windows = windows.iter().map(|secs| Span::from_secs(*secs)).collect();
    let settings = AnalyzerSettings {
        windows,
        ..AnalyzerSettings::default()
    };
    settings.validated().unwrap()
}

fn print(symbol: u32, time: i64, size: Decimal) -> Print {
    let price = 100 + u64::from(symbol) + time.unsigned_abs() / 7 % 13;
    Print {
        symbol: format!("S{symbol:03}"),
        time,
        price: Decimal::new(price, 2).unwrap(),
        size,
    }
}

/// Points of a run over trades, with the name of their symbol.
fn run(prints: &[Print], emission: Emission) -> Vec<(String, i64, Metrics)> {
    let mut analyzer = file_analyzer(&settings(&[5, 9]), emission);
    let mut points = Vec::new();
    for part in prints.chunks(70) {
        let position = analyzer.position();
        analyzer
            .apply_trades(position, &batch(part), &mut points)
            .unwrap();
    }
    end(&mut analyzer, &mut points);
    let named = |point: Point| {
        let symbol = analyzer.symbol(point.symbol).to_owned();
        (symbol, point.time, point.metrics)
    };
    points.into_iter().map(named).collect()
}

#[test]
fn many_symbols_together_give_what_each_gives_alone() {
    // Shares, coins with eight decimals, and a size that needs the largest unit.
    let size = |symbol: u32, round: i64| match symbol % 3 {
        0 => Decimal::new(7 + round.unsigned_abs(), 0).unwrap(),
        1 => Decimal::new(537_000_001 + round.unsigned_abs(), 8).unwrap(),
        _ if round == 4 => Decimal::parse(b"1e12").unwrap(),
        _ => Decimal::parse(b"1e-12").unwrap(),
    };
    let symbols = 0..300_u32;
    let mut prints = Vec::new();
    for round in 0..15 {
        for symbol in symbols.clone() {
            let time = round * SECOND + i64::from(symbol + 1) * 3_000_000;
            prints.push(print(symbol, time, size(symbol, round)));
        }
    }
    for emission in [Emission::Trade, Emission::Grid] {
        let all = run(&prints, emission);
        for symbol in symbols.clone() {
            let name = format!("S{symbol:03}");
            let of = |print: &&Print| print.symbol == name;
            let own: Vec<_> = prints.iter().filter(of).cloned().collect();
            let together: Vec<_> = all.iter().filter(|row| row.0 == name).cloned().collect();
            assert!(together == run(&own, emission), "{name}, {emission:?}");
        }
    }
}

#[test]
fn a_burst_drains_and_takes_late_trades() {
    let one = Decimal::new(1, 0).unwrap();
    let mut analyzer = file_analyzer(&settings(&[5]), Emission::Trade);
    let (mut held, mut now) = (Vec::<i64>::new(), 0);
    let mut check = |time: i64| {
        let mut points = Vec::new();
        let trade = [print(0, time, one)];
        let position = analyzer.position();
        analyzer
            .apply_trades(position, &batch(&trade), &mut points)
            .unwrap();
        now = now.max(time);
        held.push(time);
        held.retain(|time| *time >= now - 5 * SECOND);
        assert_eq!(points[0].metrics.transactions, held.len() as u64, "{time}");
        if held.len() % 50 != 7 {
            return;
        }
        let prices = held.iter().map(|time| print(0, *time, one).price);
        assert_eq!(points[0].metrics.max_price, prices.clone().max());
        assert_eq!(points[0].metrics.min_price, prices.min());
    };
    // Far more than are copied to a larger buffer at once, in one second.
    for step in 0..5_000 {
        check(step * SECOND / 5_000);
        // Some belong into what the first buffers hold.
        if step % 700 == 699 {
            check(step * SECOND / 9_000);
        }
    }
    // They leave while few come.
    for step in 1..120 {
        check(SECOND + step * SECOND / 10);
    }
}

#[test]
fn other_windows_count_from_their_record_on_after_each_trade() {
    let one = Decimal::new(1, 0).unwrap();
    let mut analyzer = file_analyzer(&settings(&[5]), Emission::Trade);
    let mut counted = |record: &Record| {
        let mut points = Vec::new();
        let position = analyzer.position();
        analyzer.apply(position, record, &mut points).unwrap();
        let counts = points.iter().map(|point| point.metrics.transactions);
        counts.collect::<Vec<_>>()
    };
    let trade = |second: i64| Record::Trades(batch(&[print(0, second * SECOND, one)]));
    for second in 0..4 {
        assert_eq!(counted(&trade(second)), [second.unsigned_abs() + 1]);
    }
    assert!(
        counted(&Record::Settings(SettingsEpoch {
            revision: 1,
            settings: settings(&[2, 20]),
        }))
        .is_empty()
    );
    assert_eq!(counted(&trade(4)), [3, 5]);
    assert_eq!(counted(&trade(9)), [1, 6]);
}
