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
}

// A smaller program keeps fewer sections.
#[cfg(all(feature = "kafka", feature = "rabbitmq"))]
#[test]
fn the_default_file_has_every_key() {
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
        "FILE:2:8: invalid type: integer `7`, expected a duration like \"60s\"",
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
        &[("MESSAGE_QUEUE_TYPE", "redis")],
        "environment variable `MESSAGE_QUEUE_TYPE`: `redis` is no queue; it is `kafka`, `rmq` or `embedded`",
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

#[test]
fn the_seed_s_variables_choose_its_database_and_its_measurements() {
    let environment = variables(&[
        ("INFLUXDB_HOST", "influxdb"),
        ("INFLUXDB_USER", "stock"),
        ("INFLUXDB_PASSWORD", "CANARY-7f3a"),
        ("INFLUXDB_DB_NAME", "quotes"),
    ]);
    let influxdb = Config::from_sources(None, &environment).unwrap().influxdb;
    assert_eq!(influxdb.url, "http://influxdb:8086");
    assert_eq!(
        (influxdb.user.as_str(), influxdb.database.as_str()),
        ("stock", "quotes")
    );
    assert_eq!(
        (influxdb.version, influxdb.layout),
        (1, influxdb::LayoutName::Seed)
    );
    assert_eq!(influxdb.password.expose(), "CANARY-7f3a");
    let settings = influxdb.settings(Path::new("/data")).unwrap();
    assert!(
        !format!("{influxdb:?} {settings:?}").contains("CANARY"),
        "a password can be seen"
    );
    // What the file names goes before.
    let file = file("[influxdb]\nurl = \"https://other\"\n");
    let influxdb = Config::from_sources(Some(file.path()), &environment)
        .unwrap()
        .influxdb;
    assert_eq!(
        (influxdb.url.as_str(), influxdb.layout),
        ("https://other", influxdb::LayoutName::Wide)
    );
    assert!(influxdb.user.is_empty() && influxdb.password.is_empty());
    assert!(!Config::from_sources(None, &[]).unwrap().influxdb.is_on());
}

#[test]
fn mistakes_about_influxdb_are_named() {
    let refuses = |text: &str, expected: &str| {
        refuses(
            &format!("[influxdb]\nurl = \"http://h:8086\"\n{text}"),
            &[],
            expected,
        );
    };
    refuses(
        "version = 4\n",
        "[influxdb] version 4 is not known; write 1, 2 or 3",
    );
    refuses("version = 2\n", "[influxdb] version = 2 needs org");
    refuses("database = \"\"\n", "[influxdb] version = 1 needs database");
    refuses(
        "batch_points = 0\n",
        "[influxdb] batch_points 0 is outside 1 to 50000",
    );
    refuses(
        "timeout = \"0s\"\n",
        "[influxdb] timeout `0s` is outside 1s to 300s",
    );
    refuses(
        "batch_wait = \"1m\"\n",
        "[influxdb] batch_wait `60s` is above 10s",
    );
    refuses(
        "create = true\nretention = \"10m\"\n",
        "[influxdb] retention `600s` is below 3600s, the least that InfluxDB takes; `0s` keeps \
         points for ever",
    );
    refuses(
        "token = \"a\"\ntoken_file = \"b\"\n",
        "[influxdb] a secret and its file are both set; keep one",
    );
}

#[cfg(all(feature = "kafka", feature = "rabbitmq"))]
#[test]
fn the_seed_s_queue_is_taken_where_nothing_newer_is_set() {
    let file = file("[queue.rabbitmq]\nvhost = \"mine\"\n");
    let environment = variables(&[
        ("MESSAGE_QUEUE_TYPE", "rmq"),
        ("RMQ_HOST", "broker"),
        ("RMQ_VHOST", "seed"),
        ("RMQ_PASSWORD", "CANARY-7f3a"),
        ("RMQ_QUEUE_QUOTES", "quotes"),
        ("KAFKA_BROKERS", "one:9092,two:9092"),
        ("KAFKA_TOPIC", "quotes"),
    ]);
    let config = Config::from_sources(Some(file.path()), &environment).unwrap();
    let QueueConfig {
        kind,
        kafka,
        rabbitmq,
        ..
    } = &config.queue;
    assert_eq!(*kind, QueueKind::Rabbitmq);
    assert_eq!((&*rabbitmq.host, &*rabbitmq.vhost), ("broker", "mine"));
    assert_eq!(
        (&*rabbitmq.user, &*rabbitmq.queue),
        ("stock-query", "quotes")
    );
    assert_eq!(rabbitmq.password.expose(), "CANARY-7f3a");
    assert_eq!(
        (&*kafka.brokers, &*kafka.topic),
        ("one:9092,two:9092", "quotes")
    );
    assert!(
        !format!("{config:?}").contains("CANARY"),
        "a password can be seen"
    );
}

#[test]
fn publishing_does_not_wait_for_ever() {
    for kind in ["embedded", "kafka"] {
        refuses(
            &format!("[queue]\ntype = \"{kind}\"\npublish_latency = \"2s\"\n"),
            &[],
            "[queue] publish_latency `2s` is above 1s",
        );
    }
}

#[cfg(not(feature = "kafka"))]
#[test]
fn points_are_not_left_out_in_silence() {
    refuses(
        "[queue.kafka.points]\ntopic = \"points\"\n",
        &[],
        "[queue.kafka.points]: this program was built without Kafka; build it with its default \
         features",
    );
}
