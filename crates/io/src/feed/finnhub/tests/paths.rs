//! Generated frames: nothing panics, and the usual path reads what the careful one reads.

use proptest::prelude::*;
use stock_up_core::Trade;

use super::read;
use crate::feed::venue::Intake;

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (outcome, intake) = read(&bytes);
        prop_assert!(outcome.is_ok() || intake.batch.trades.is_empty());
    }

    /// Bytes of a real frame, with some of them changed.
    #[test]
    fn no_damage_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let mut frame = br#"{"data":[{"c":["1","8"],"p":129.5,"s":"AAPL","t":1672348887666,"v":1}],"type":"trade"}"#.to_vec();
        for (place, byte) in changes {
            let place = place.index(frame.len());
            frame[place] = byte;
        }
        let (outcome, intake) = read(&frame);
        prop_assert!(outcome.is_ok() || intake.batch.trades.is_empty());
    }
}

/// Prices and sizes, good and bad.
const NUMBERS: [&str; 19] = [
    "129.5",
    "317.775",
    "0.00126",
    "1",
    "0",
    "0.0",
    "00.1",
    "1.",
    "-1",
    "1e-7",
    "123456789012345678",
    "1234567890123456789",
    "12345678901234567890123",
    "1000000000001",
    "66972.77",
    "66972.771",
    "0.011467",
    "12345678",
    "0.0000000000001",
];

/// An entry with its fields in some order, most of them usual, some of them odd.
fn entry() -> impl Strategy<Value = String> {
    let times = [
        "1672348887666",
        "1790000005000",
        "1790000005001",
        "9999999999999",
        "99999999999999",
        "1588368385",
        "01672348887666",
        "0167234888766",
        "0100000000000",
        "1672348887666.0",
        "16723488876661672348887666",
    ];
    let symbols = [
        "AAPL",
        "TSLA",
        "BINANCE:BTCUSDT",
        "GOOG",
        "",
        "A\\u0041PL",
        "AAPL\\",
    ];
    let lists = [
        "null",
        "[]",
        r#"["1"]"#,
        r#"["1","8"]"#,
        "[1,8]",
        r#"["a]b"]"#,
        r#"["ex=Q;flags=2000;susp=0"]"#,
        r#"["ex=P;flags=2000;susp=0"]"#,
        r#"["é"]"#,
        "7",
    ];
    let fields = (
        prop::sample::select(times.to_vec()).prop_map(|text| format!("\"t\":{text}")),
        prop::sample::select(NUMBERS.to_vec()).prop_map(|text| format!("\"p\":{text}")),
        prop::sample::select(NUMBERS.to_vec()).prop_map(|text| format!("\"v\":{text}")),
        prop::sample::select(symbols.to_vec()).prop_map(|text| format!("\"s\":\"{text}\"")),
        prop::sample::select(lists.to_vec()).prop_map(|text| format!("\"c\":{text}")),
    );
    let order = Just(vec![0, 1, 2, 3, 4]).prop_shuffle();
    (fields, order, 3..6_usize).prop_map(|((t, p, v, s, c), order, count)| {
        let fields = [t, p, v, s, c];
        let kept = order
            .into_iter()
            .take(count)
            .map(|place| fields[place].as_str());
        kept.collect::<Vec<_>>().join(",")
    })
}

proptest! {
    /// The usual path and the careful one agree: a blank in front of every entry's first key is all
    /// it takes to be unusual.
    #[test]
    fn both_paths_give_the_same_trades(entries in prop::collection::vec(entry(), 1..12)) {
        let [usual, unusual] = ["{", "{ "].map(|opening| {
            let items = entries.iter().map(|entry| format!("{opening}{entry}}}"));
            let items = items.collect::<Vec<_>>().join(",");
            read(format!("{{\"data\":[{items}],\"type\":\"trade\"}}").as_bytes())
        });
        let texts = |intake: &Intake| {
            let names = &intake.batch.names;
            let text = |trade: &Trade| {
                let (symbol, list) = (names.get(trade.symbol), names.get(trade.conditions));
                let (price, size) = (trade.price, trade.size);
                let parts = (price.mantissa(), price.scale(), size.mantissa(), size.scale());
                format!("{symbol} {list} {} {parts:?}", trade.ts_event)
            };
            intake.batch.trades.iter().map(text).collect::<Vec<_>>()
        };
        match (&usual.0, &unusual.0) {
            (Ok(one), Ok(two)) => prop_assert_eq!(one, two),
            // The position of an error moves with the blanks.
            (Err(one), Err(two)) => prop_assert_eq!(one.name(), two.name()),
            different => prop_assert!(false, "{:?}", different),
        }
        prop_assert_eq!(texts(&usual.1), texts(&unusual.1));
        prop_assert_eq!(usual.1.bad, unusual.1.bad);
    }
}
