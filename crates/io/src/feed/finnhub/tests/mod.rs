//! Frames of every kind, good and bad.

mod entries;
mod paths;

use super::*;
use crate::feed::bad::BadCounts;
use crate::feed::venue::{VenueError, VenueErrorKind};
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
        (
            r#"{"type":"trade","data":[{"t":0167234888766,"p":1,"v":1,"s":"AAPL"}]}"#,
            "bad frame: invalid JSON at byte 29",
        ),
        (
            r#"{"type":"trade","data":[{"p":01.5,"t":1672348887666,"v":1,"s":"AAPL"}]}"#,
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
