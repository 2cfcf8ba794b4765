//! Frames of every kind, good and bad: `reliability.md` §4.1 as a table.

use super::*;
use crate::feed::bad::BadCounts;
use crate::feed::venue::{VenueError, VenueErrorKind};
use proptest::prelude::*;
use stock_up_core::Names;

/// 2026-09-21, in ns: after every time in these frames.
const NOW: i64 = 1_790_000_000_000_000_000;

fn subscribed() -> Names {
    let mut names = Names::new();
    for symbol in ["AAPL", "TSLA", "BINANCE:BTCUSDT", "<img src=x>"] {
        names.intern(symbol);
    }
    names
}

fn read(frame: &[u8]) -> (Result<FrameKind, BadFrame>, Intake) {
    let names = subscribed();
    let rules = FrameRules {
        now: NOW,
        subscribed: Some(&names),
    };
    let mut intake = Intake::default();
    let outcome = decode(frame, &rules, &mut intake);
    (outcome, intake)
}

/// The trades of a frame, one text each.
fn trades(frame: &str) -> (Vec<String>, BadCounts) {
    let (outcome, intake) = read(frame.as_bytes());
    assert_eq!(outcome, Ok(FrameKind::Trades), "{frame}");
    let names = &intake.batch.names;
    let text = |trade: &stock_up_core::Trade| {
        let (symbol, conditions) = (names.get(trade.symbol), names.get(trade.conditions));
        let (time, price, size) = (trade.ts_event, trade.price, trade.size);
        format!("{symbol} {time} {price} {size} [{conditions}]")
    };
    (intake.batch.trades.iter().map(text).collect(), intake.bad)
}

#[track_caller]
fn check(frame: &str, expect: &[&str]) {
    let (found, bad) = trades(frame);
    assert_eq!(found, expect, "{frame}");
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn frames_of_today_and_of_2020_are_read() {
    check(
        r#"{"type":"trade","data":[{"t":1787924136086,"p":317.775,"v":200,"c":["1","8"],"s":"AAPL"},{"t":1787924136087,"p":317.77,"v":40,"c":["1"],"s":"AAPL"}]}"#,
        &[
            "AAPL 1787924136086000000 317.775 200 [1,8]",
            "AAPL 1787924136087000000 317.77 40 [1]",
        ],
    );
    check(
        r#"{"data":[{"c":["1","24","12"],"p":129.58,"s":"AAPL","t":1672348887666,"v":1},{"c":["1","24","12"],"p":122.1,"s":"TSLA","t":1672348887198,"v":79}],"type":"trade"}"#,
        &[
            "AAPL 1672348887666000000 129.58 1 [1,24,12]",
            "TSLA 1672348887198000000 122.1 79 [1,24,12]",
        ],
    );
    check(
        r#"{"data":[{"c":null,"p":66972.77,"s":"BINANCE:BTCUSDT","t":1721555886208,"v":0.01559},{"p":7296.89,"s":"BINANCE:BTCUSDT","t":1575526691134,"v":0.011467}],"type":"trade"}"#,
        &[
            "BINANCE:BTCUSDT 1721555886208000000 66972.77 0.01559 []",
            "BINANCE:BTCUSDT 1575526691134000000 7296.89 0.011467 []",
        ],
    );
}

#[test]
fn odd_but_valid_frames_are_read() {
    check(r#"{"type":"trade","data":[]}"#, &[]);
    check(
        " { \"x\" : { \"y\" : [ 1 , { } ] } , \"data\" : [ { \"v\" : 1e-7 , \"s\" : \"AAPL\" ,\n\
         \"c\" : [ 1 , \"8\" ] , \"p\" : 1.5E+2 , \"t\" : 1672348887666 , \"z\" : true } ] ,\
         \"type\" : \"trade\" } \r\n",
        &["AAPL 1672348887666000000 150 0.0000001 [1,8]"],
    );
    check(
        r#"{"type":"tr\u0061de","data":[{"\u0074":1672348887666,"p":1,"v":0,"s":"\u003cimg src=x\u003e"}]}"#,
        &["<img src=x> 1672348887666000000 1 0 []"],
    );
    check(
        r#"{"type":"trade","data":[{"t":1672348887666,"p":0.000000000001,"v":1000000000000,"s":"AAPL","c":["ex=Q;flags=2000;susp=0"]}]}"#,
        &["AAPL 1672348887666000000 0.000000000001 1000000000000 [ex=Q;flags=2000;susp=0]"],
    );
}

#[test]
fn other_messages_are_known() {
    let kind = |frame: &str| read(frame.as_bytes()).0;
    assert_eq!(kind(r#"{"type":"ping"}"#), Ok(FrameKind::Ping));
    for (text, expect) in [
        (
            "Subscribing to too many symbols",
            VenueErrorKind::TooManySymbols,
        ),
        ("Invalid API key", VenueErrorKind::Auth),
        (
            "You don't have access to this resource.",
            VenueErrorKind::Auth,
        ),
        ("Out of coffee", VenueErrorKind::Other),
    ] {
        let frame = format!(r#"{{"msg":"{text}","type":"error"}}"#);
        let error = VenueError {
            kind: expect,
            text: text.to_owned(),
        };
        assert_eq!(kind(&frame), Ok(FrameKind::Error(error)));
    }
    let name = "news".to_owned();
    let news = r#"{"data":[{"category":"company","t":1}],"type":"news"}"#;
    assert_eq!(kind(news), Err(BadFrame::UnknownType { name }));
}

#[test]
fn frames_that_cannot_be_read_say_where() {
    for (frame, expect) in [
        ("", "bad frame: invalid JSON at byte 0"),
        ("hello", "bad frame: invalid JSON at byte 0"),
        (r#"{"type":"trade","#, "bad frame: invalid JSON at byte 16"),
        (
            r#"{"type":"trade" "data":[]}"#,
            "bad frame: invalid JSON at byte 16",
        ),
        (r#"{"type":"ping"} x"#, "bad frame: invalid JSON at byte 16"),
        ("[]", "bad frame: expected object with \"type\""),
        (r#""x""#, "bad frame: expected object with \"type\""),
        ("null", "bad frame: expected object with \"type\""),
        ("{}", "bad frame: expected object with \"type\""),
        (r#"{"type":7}"#, "bad frame: expected object with \"type\""),
        (r#"{"type":"trade"}"#, "bad frame: data must be an array"),
        (
            r#"{"type":"trade","data":{}}"#,
            "bad frame: data must be an array",
        ),
        (
            r#"{"type":"trade","data":null}"#,
            "bad frame: data must be an array",
        ),
        (
            r#"{"type":"trade","data":[],"data":[]}"#,
            "bad frame: data must be an array",
        ),
        (r#"{"type":"zap"}"#, "unknown message type `zap`"),
        (
            r#"{"type":"trade","data":[{"t":01}]}"#,
            "bad frame: invalid JSON at byte 29",
        ),
    ] {
        let (outcome, intake) = read(frame.as_bytes());
        let error = outcome.expect_err(frame);
        assert_eq!(error.to_string(), expect, "{frame}");
        assert!(intake.batch.trades.is_empty() && intake.bad.is_empty());
    }
}

#[test]
fn a_cut_frame_gives_nothing_at_any_byte() {
    let frame = br#"{"data":[{"c":["1"],"p":129.5,"s":"AAPL","t":1672348887666,"v":1},{"c":null,"p":1,"s":"TSLA","t":1672348887666,"v":2}],"type":"trade"}"#;
    assert_eq!(read(frame).1.batch.trades.len(), 2);
    for end in 0..frame.len() {
        let (outcome, intake) = read(&frame[..end]);
        assert!(
            matches!(outcome, Err(BadFrame::Json { .. })),
            "{end}: {outcome:?}"
        );
        assert!(intake.batch.trades.is_empty(), "{end}");
    }
}

#[test]
fn depth_length_and_count_are_bounded() {
    let deep = format!(r#"{{"type":"trade","data":[{}"#, "[".repeat(10_000));
    assert!(matches!(
        read(deep.as_bytes()).0,
        Err(BadFrame::Deep { .. })
    ));
    let long = " ".repeat(MAX_FRAME_BYTES + 1);
    let error = read(long.as_bytes()).0.expect_err("too long");
    assert_eq!(
        error.to_string(),
        "bad frame: 1048577 bytes, at most 1048576"
    );
    // The byte limit comes first in practice; the count holds without it.
    let many = format!(
        "{{\"type\":\"trade\",\"data\":[{}0]}}",
        "0,".repeat(MAX_FRAME_TRADES)
    );
    let error = read(many.as_bytes()).0.expect_err("too many");
    let expect = "bad frame: too many trades in one frame (limit 100000)";
    assert_eq!(error.to_string(), expect);
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let frame = b"{\"type\":\"trade\",\"data\":[{\"s\":\"\xff\"}]}";
    let error = read(frame).0.expect_err("not UTF-8");
    assert_eq!(error.to_string(), "bad frame: invalid UTF-8 at byte 30");
    let good = br#"{"data":[{"c":["1"],"p":1.5,"s":"AAPL","t":1672348887666,"v":1},{"c":["1"],"p":1.6,"s":"AAPL","t":1672348887666,"v":12}],"type":"trade"}"#;
    for at in 0..good.len() {
        let mut frame = good.to_vec();
        frame[at] = 0xff;
        let (outcome, intake) = read(&frame);
        assert_eq!(outcome, Err(BadFrame::Utf8 { at }));
        assert!(intake.batch.trades.is_empty() && intake.bad.is_empty());
    }
}

/// A frame with one trade, in which `from` is replaced, between two good trades.
#[track_caller]
fn check_trade(from: &str, to: &str, expect: &str) {
    let good = r#"{"t":1672348887666,"p":129.5,"v":10,"s":"AAPL","c":["1"]}"#;
    assert!(from.is_empty() || good.contains(from), "{from}");
    let bad = if from.is_empty() {
        to.to_owned()
    } else {
        good.replace(from, to)
    };
    let (found, counts) = trades(&format!(
        r#"{{"type":"trade","data":[{good},{bad},{good}]}}"#
    ));
    assert_eq!(found.len(), 2, "{to}: {found:?}");
    assert_eq!(found[0], found[1]);
    let example = &counts.as_slice()[0].example;
    assert_eq!(example, &format!("trade 1: {expect}"), "{to}");
}

#[test]
fn a_trade_of_the_wrong_shape_is_dropped_alone() {
    check_trade("", "7", "trade is not an object");
    check_trade("", "[]", "trade is not an object");
    check_trade("", "{}", "`t` is missing");
    check_trade(r#""t":1672348887666,"#, "", "`t` is missing");
    check_trade(r#""p":129.5,"#, "", "`p` is missing");
    check_trade(r#""v":10,"#, "", "`v` is missing");
    check_trade(r#","s":"AAPL""#, "", "`s` is missing");
    check_trade("129.5", "\"129.5\"", "`p` is not a number");
    check_trade("\"v\":10", "\"v\":null", "`v` is not a number");
    check_trade("1672348887666", "true", "`t` is not a number");
    check_trade("\"AAPL\"", "7", "`s` is not a text");
    check_trade("[\"1\"]", "{}", "conditions are not a list of codes");
    check_trade("[\"1\"]", "[[1]]", "conditions are not a list of codes");
    check_trade("\"v\":10", "\"v\":10,\"v\":10", "`v` occurs twice");
    check_trade("\"p\":129.5", "\"p\":1,\"\\u0070\":1", "`p` occurs twice");
    check_trade("\"AAPL\"", "\"AAPL\",\"s\":\"AAPL\"", "`s` occurs twice");
    check_trade("\"t\":", "\"t\":1,\"t\":", "`t` occurs twice");
}

#[test]
fn a_price_or_size_out_of_range_is_dropped_alone() {
    let range = "price out of range:";
    let not = format!("{range} not a number: unexpected character at position 0");
    check_trade("129.5", "NaN", &not);
    check_trade("129.5", "Infinity", &not);
    check_trade("129.5", "1e400", &format!("{range} number is above 1e12"));
    check_trade("129.5", "1e-30", &format!("{range} number is below 1e-12"));
    let negative = "negative number; prices and sizes are zero or more";
    check_trade("129.5", "-1", &format!("{range} {negative}"));
    check_trade("129.5", "-0", &format!("{range} {negative}"));
    check_trade("129.5", "0", &format!("{range} number is zero"));
    check_trade("129.5", "0.000", &format!("{range} number is zero"));
    let digits = "more than 18 significant digits; rounding is not done here";
    let forty = "1.234567890123456789012345678901234567891";
    check_trade("129.5", forty, &format!("{range} {digits}"));
    check_trade(
        "\"v\":10",
        "\"v\":-3",
        &format!("size out of range: {negative}"),
    );
    check_trade(
        "\"v\":10",
        "\"v\":1e13",
        "size out of range: number is above 1e12",
    );
}

#[test]
fn a_time_in_another_unit_is_dropped_alone() {
    for (time, problem) in [
        ("1588368385", "looks like seconds"),
        ("1588368385123456", "looks like microseconds"),
        ("1588368385123456789", "looks like nanoseconds"),
        ("0", "is zero"),
        ("-1", "is negative"),
        ("-1.5", "is not a whole number"),
        ("1.5e12", "is not a whole number"),
        ("1588368385123.0", "is not a whole number"),
        ("99999999999999999999", "is too large"),
        ("1790000005001", "is in the future"),
        // Years after 2262 do not fit a time in ns.
        ("9999999999999", "is in the future"),
    ] {
        check_trade(
            "1672348887666",
            time,
            &format!("timestamp {time} {problem}"),
        );
    }
    let at_the_edge = r#"{"type":"trade","data":[{"t":1790000005000,"p":1,"v":1,"s":"AAPL"}]}"#;
    check(at_the_edge, &["AAPL 1790000005000000000 1 1 []"]);
}

#[test]
fn a_symbol_that_cannot_be_or_is_not_wanted_is_dropped_alone() {
    for (symbol, expect) in [
        ("", "symbol is empty"),
        ("GOOG", "symbol not subscribed"),
        ("A,B", "symbol holds a comma, which separates symbols"),
        (" AAPL", "symbol begins or ends with a blank"),
        (r"A\nB", "illegal character U+000A in symbol"),
        (r"A\u0000", "illegal character U+0000 in symbol"),
        (r"A\u009b", "illegal character U+009B in symbol"),
        (r"A\ud800", "symbol holds a broken escape"),
        (&"A".repeat(10_000), "symbol is longer than 64 bytes"),
        (r#"\"AAPL\""#, "symbol not subscribed"),
    ] {
        check_trade("\"AAPL\"", &format!("\"{symbol}\""), expect);
    }
}

#[test]
fn another_batch_may_have_other_subscriptions() {
    let frame =
        br#"{"data":[{"p":242.07,"s":"TSLA","t":1672348887195,"v":1,"c":null}],"type":"trade"}"#;
    let mut intake = Intake::default();
    for (subscribed, expect) in [
        (["AAPL", "TSLA"], 1),
        (["TSLA", "AAPL"], 1),
        (["AAPL", "TSL"], 0),
        (["AAPL", "TSLAX"], 0),
        (["AAPL", "TSLA"], 1),
    ] {
        let mut names = Names::new();
        names.intern("first");
        for symbol in subscribed {
            names.intern(symbol);
        }
        let rules = FrameRules {
            now: NOW,
            subscribed: Some(&names),
        };
        for _ in 0..2 {
            intake.batch.clear();
            let outcome = decode(frame, &rules, &mut intake);
            assert_eq!(outcome, Ok(FrameKind::Trades));
            let trades = &intake.batch.trades;
            assert_eq!(trades.len(), expect, "{subscribed:?}");
            for trade in trades {
                assert_eq!(intake.batch.names.get(trade.symbol), "TSLA");
            }
        }
    }
}

#[test]
fn trades_that_stand_twice_are_kept_and_noticed() {
    let one = r#"{"t":1787924136086,"p":317.775,"v":200,"c":["1","8"],"s":"AAPL"}"#;
    let two = r#"{"t":1787924136087,"p":317.77,"v":40,"c":["1"],"s":"AAPL"}"#;
    let frame = format!(r#"{{"type":"trade","data":[{one},{two},{one},{two}]}}"#);
    let (outcome, intake) = read(frame.as_bytes());
    assert_eq!(outcome, Ok(FrameKind::Trades));
    assert_eq!((intake.batch.trades.len(), intake.paired_frames), (4, 1));
}

#[test]
fn requests_free_places_before_they_take_some() {
    let finnhub = Finnhub::new("ws.finnhub.io", Secret::new("CANARY-7f3a")).unwrap();
    let change = SubscriptionChange {
        add: vec!["BINANCE:BTCUSDT".to_owned(), "A\"B".to_owned()],
        remove: vec!["IBM".to_owned()],
    };
    let mut messages = Vec::new();
    finnhub.requests(&change, &mut messages);
    assert_eq!(
        messages,
        [
            r#"{"type":"unsubscribe","symbol":"IBM"}"#,
            r#"{"type":"subscribe","symbol":"BINANCE:BTCUSDT"}"#,
            r#"{"type":"subscribe","symbol":"A\"B"}"#,
        ]
    );
    assert!(!format!("{finnhub:?}").contains("CANARY"));
}

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

/// An entry with its fields in some order, most of them usual, some of them odd.
fn entry() -> impl Strategy<Value = String> {
    let numbers = [
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
        "0.0000000000001",
    ];
    let times = [
        "1672348887666",
        "1790000005000",
        "1790000005001",
        "9999999999999",
        "99999999999999",
        "1588368385",
        "01672348887666",
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
        prop::sample::select(numbers.to_vec()).prop_map(|text| format!("\"p\":{text}")),
        prop::sample::select(numbers.to_vec()).prop_map(|text| format!("\"v\":{text}")),
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
            let text = |trade: &stock_up_core::Trade| {
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
