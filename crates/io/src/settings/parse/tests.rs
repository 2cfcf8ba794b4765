//! Settings from text: what is read, and what each mistake is called.

use stock_up_core::{Conditions, Span};

use super::super::model::{LogLevel, MAX_SUBSCRIPTIONS, parse_symbols};
use super::*;

#[track_caller]
fn refuses(text: &str, expected: &str) {
    assert_eq!(
        Settings::from_toml(text).unwrap_err().to_string(),
        expected,
        "{text}"
    );
}

fn some() -> Settings {
    Settings {
        subscriptions: vec!["SPY".into(), "a\"b\\".into(), "BINANCE:BTCUSDT".into()],
        windows: vec![Span::from_secs(60), Span::from_secs(300)],
        grid: Span::from_ns(250_000_000),
        lateness: Span::from_secs(2),
        revise: Some(Span::from_secs(90)),
        conditions: Conditions::Sip,
        log_level: LogLevel::Debug,
    }
}

#[test]
fn what_is_written_is_read() {
    for settings in [some(), Settings::default()] {
        assert_eq!(Settings::from_toml(&settings.to_toml()).unwrap(), settings);
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
    }
    assert_eq!(
        serde_json::to_string(&some()).unwrap(),
        "{\"subscriptions\":[\"SPY\",\"a\\\"b\\\\\",\"BINANCE:BTCUSDT\"],\
         \"windows\":[\"60s\",\"300s\"],\"grid\":\"250ms\",\"lateness\":\"2s\",\"revise\":\"90s\",\
         \"conditions\":\"sip\",\"log_level\":\"debug\"}"
    );
}

#[test]
fn blanks_repetitions_and_order_are_tidied() {
    let text = "subscriptions = [\" SPY \", \"IBM\", \"SPY\"]\nwindows = [\"5m\", \"60s\"]";
    let settings = Settings::from_toml(text).unwrap();
    assert_eq!(settings.subscriptions, ["SPY", "IBM"]);
    assert_eq!(
        settings.windows,
        [Span::from_secs(60), Span::from_secs(300)]
    );
    assert_eq!(parse_symbols(" SPY, IBM ,SPY").unwrap(), ["SPY", "IBM"]);
    assert_eq!(parse_symbols(" ").unwrap(), [""; 0]);
    assert_eq!(
        parse_symbols("SPY,,IBM").unwrap_err().to_string(),
        "subscriptions: symbol is empty: ``"
    );
}

#[test]
fn a_mistake_is_named_with_line_and_column() {
    refuses("\n \n", "the file is empty");
    refuses(
        "\nwindws = [\"60s\"]",
        "line 2, column 1: unknown key `windws`; did you mean `windows`?",
    );
    refuses(
        "retries = 3",
        "line 1, column 1: unknown key `retries`; known are subscriptions, windows, grid, \
         lateness, revise, conditions, log_level",
    );
    refuses(
        "grid = 1",
        "line 1, column 8: invalid type: integer `1`, expected a duration like \"60s\"",
    );
    refuses(
        "windows = 60",
        "line 1, column 11: invalid type: integer `60`, expected a list of durations like [\"60s\", \
         \"5m\"]",
    );
    refuses(
        "windows = [\"60\"]",
        "line 1, column 12: `60` has no unit; expected a duration like \"60s\"",
    );
    refuses(
        "# é\nsubscriptions = [\"A,B\"]",
        "line 2, column 17: subscriptions: symbol holds a comma, which separates symbols: `A,B`",
    );
    refuses(
        "windows = []",
        "line 1, column 11: no window is set; give at least one, such as \"60s\"",
    );
    refuses(
        "grid = \"2h\"",
        "line 1, column 8: grid `7200s` is outside 10ms to 3600s",
    );
    refuses(
        "revise = \"2d\"\nlateness = \"0s\"",
        "line 1, column 10: revise `172800s` is above 86400s",
    );
    refuses(
        "conditions = \"some\"",
        "line 1, column 14: `some` is neither \"all\" nor \"sip\"",
    );
    refuses(
        "log_level = \"loud\"",
        "line 1, column 13: unknown variant `loud`, expected one of `error`, `warn`, `info`, \
         `debug`, `trace`",
    );
    for broken in [
        "grid = ",
        "grid = \"1s\"\ngrid = \"2s\"",
        "[grid",
        "subscriptions = [\"SPY\"",
    ] {
        let error = Settings::from_toml(broken).unwrap_err();
        assert!(
            matches!(error, SettingsError::Syntax { .. }),
            "{broken}: {error}"
        );
    }
}

#[test]
fn subscriptions_are_bounded() {
    let settings = Settings {
        subscriptions: (0..=MAX_SUBSCRIPTIONS).map(|n| format!("S{n}")).collect(),
        ..Settings::default()
    };
    assert_eq!(
        settings.validated().unwrap_err(),
        SettingsError::Subscriptions(MAX_SUBSCRIPTIONS + 1)
    );
}
