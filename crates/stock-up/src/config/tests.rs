//! The configuration: its default file is its default, and mistakes are named.

use super::*;

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[track_caller]
fn refuses(text: &str, environment: &[(&str, &str)], expected: &str) {
    let file = file(text);
    let error = Config::from_sources(Some(file.path()), &variables(environment)).unwrap_err();
    let shown = format!("{error:#}").replace(&file.path().display().to_string(), "FILE");
    assert_eq!(shown, expected);
}

#[test]
fn the_default_file_is_the_default() {
    let read: Config = toml::from_str(DEFAULT_TOML).unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", Config::default()));
    let keys = |text: &str| {
        text.lines()
            .filter(|line| line.contains(" = ") && !line.starts_with('#'))
            .count()
    };
    assert_eq!(
        keys(DEFAULT_TOML),
        keys(&toml::to_string(&Config::default()).unwrap())
    );
}

#[test]
fn the_environment_goes_before_the_file_and_the_seed_s_after_it() {
    let file = file(
        "[venue]\ntype = \"finnhub\"\nserver = \"wss://a.example\"\n[serve]\nlisten = \"127.0.0.1:1\"\n",
    );
    let environment = variables(&[
        ("STOCK_UP__SERVE__LISTEN", "127.0.0.1:2"),
        ("STOCK_UP__VENUE__MAX_SYMBOLS", "300"),
        ("QUOTE_SERVER", "b.example"),
        ("QUOTE_API_TOKEN", "CANARY-7f3a"),
    ]);
    let config = Config::from_sources(Some(file.path()), &environment).unwrap();
    assert_eq!(config.serve.listen.port(), 2);
    assert_eq!(config.venue.max_symbols, 300);
    assert_eq!(config.venue.server, "wss://a.example");
    assert_eq!(config.venue.token.expose(), "CANARY-7f3a");
    assert!(
        !format!("{config:?}").contains("CANARY"),
        "a token can be seen"
    );
    assert!(
        !toml::to_string(&config).unwrap().contains("CANARY"),
        "a token can be seen"
    );
}

#[test]
fn the_seed_s_variables_alone_are_enough() {
    let environment = variables(&[
        ("QUOTE_SERVER", "ws://127.0.0.1:9010"),
        ("QUOTE_API_TOKEN", "x"),
    ]);
    let config = Config::from_sources(None, &environment).unwrap();
    assert_eq!(
        (config.venue.kind, config.venue.server.as_str()),
        (VenueKind::Finnhub, "ws://127.0.0.1:9010")
    );
    let config = Config::from_sources(None, &[]).unwrap();
    assert_eq!(config.venue.kind, VenueKind::Demo);
}

#[test]
fn mistakes_are_named_with_their_place() {
    refuses(
        "[serve]\nport = 1\n",
        &[],
        "FILE:2:1: unknown field `port`, expected one of `listen`, `token_file`, `tls_cert`, `tls_key`, `hosts`, `insecure`",
    );
    refuses(
        "[store]\nfull = 7\n",
        &[],
        "FILE:2:8: invalid type: integer `7`, expected a string",
    );
    refuses(
        "[store]\nfull = \"7\"\n",
        &[],
        "FILE:2:8: `7` has no unit; expected a duration like \"60s\"",
    );
    refuses(
        "[log]\nsegment_bytes = \"64\"\n",
        &[],
        "FILE:2:17: `64` is no size; expected one like \"64MiB\", \"16GiB\" or \"4096B\"",
    );
    refuses(
        "[log]\nsegment_bytes = \"1KiB\"\n",
        &[],
        "[log] segment_bytes `1KiB` is below 1MiB",
    );
    refuses(
        "[serve]\ntls_key = \"k\"\n",
        &[],
        "[serve] tls_cert and tls_key belong together; set both or none",
    );
    refuses(
        "",
        &[("MESSAGE_QUEUE_TYPE", "kafka")],
        "environment variable `MESSAGE_QUEUE_TYPE`: `kafka` is not part of this version; unset it, or set it to `embedded`",
    );
    refuses(
        "",
        &[("QUOTE_SERVER", "a")],
        "venue `finnhub` needs a token; set `[venue] token_file`, or `type = \"demo\"` for a simulated market",
    );
    refuses(
        "",
        &[("STOCK_UP__SERVE__PORT", "1")],
        "environment variable `STOCK_UP__SERVE__PORT`: unknown field `port`, expected one of `listen`, `token_file`, `tls_cert`, `tls_key`, `hosts`, `insecure`\nin `serve`\n",
    );
}
