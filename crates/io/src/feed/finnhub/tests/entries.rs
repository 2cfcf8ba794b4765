//! One bad entry among good ones: it is dropped alone, and told.

use super::{check, trades};

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
