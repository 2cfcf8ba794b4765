//! What is refused before anything is tried.

use std::path::Path;

use super::*;
use crate::queue::QueueError;

fn read(text: &str) -> Result<KafkaConfig, String> {
    let config: KafkaConfig = toml::from_str(text).map_err(|error| error.to_string())?;
    config.check().map_err(|error| error.to_string())?;
    Ok(config)
}

#[test]
fn the_defaults_are_sound_and_a_whole_section_is_read() {
    read("").unwrap();
    let config = read(
        r#"
        brokers = "kafka-1:9093, kafka-2:9093"
        linger = "20ms"
        compression = "none"
        [create]
        partitions = 6
        replication = 3
        min_in_sync = 2
        retention = "7d"
        [tls]
        ca_file = "/etc/ca.pem"
        [sasl]
        mechanism = "PLAIN"
        user = "collect"
        password = "CANARY-7f3a"
        "#,
    )
    .unwrap();
    assert_eq!(config.create.as_ref().unwrap().partitions, 6);
    let client = config.client(&config.password().unwrap());
    assert_eq!(client.get("security.protocol"), Some("sasl_ssl"));
    assert_eq!(client.get("sasl.password"), Some("CANARY-7f3a"));
    // It is seen nowhere but there.
    assert!(!format!("{config:?} {client:?}").contains("CANARY"));
    assert!(!toml_text(&config).contains("CANARY"));
}

fn toml_text(config: &KafkaConfig) -> String {
    serde_json::to_string(config).unwrap()
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    for (text, expected) in [
        ("brokers = \"kafka\"", "kafka.brokers: `kafka` has no port"),
        ("brokers = \"a:9092,\"", "kafka.brokers: `` has no port"),
        ("brokers = \"ssl://kafka:9092\"", "without protocol"),
        (
            "topic = \"stock quotes\"",
            "kafka.topic: `stock quotes` is no name",
        ),
        ("group = \"\"", "kafka.group"),
        ("linger = \"2s\"", "kafka.linger: 2s is too long"),
        ("linger = \"5\"", "has no unit"),
        ("linger = 5", "expected a duration like"),
        ("confirm_within = \"10ms\"", "kafka.confirm_within"),
        ("compression = \"zip\"", "unknown variant"),
        ("toppic = \"x\"", "unknown field `toppic`"),
        (
            "[create]\npartitions = 0",
            "kafka.create.partitions: 0 is not 1 to",
        ),
        (
            "[create]\nreplication = 1\nmin_in_sync = 2",
            "kafka.create.min_in_sync",
        ),
        (
            "[points]\ntopic = \"stock-quotes\"",
            "kafka.points.topic: it is the topic of the records",
        ),
        (
            "[points]\nwait = \"20s\"",
            "kafka.points.wait: 20s is too long",
        ),
        (
            "[points.create]\npartitions = 2000",
            "kafka.points.create.partitions: 2000 is not 1 to",
        ),
        ("[tls]\ncert_file = \"c.pem\"", "go together"),
        ("[sasl]\nuser = \"u\"", "kafka.sasl.password_file"),
        ("[sasl]\npassword = \"p\"", "kafka.sasl.user"),
        (
            "[sasl]\nuser = \"u\"\npassword = \"p\"\npassword_file = \"f\"",
            "take one out",
        ),
        (
            "brokers = \"kafka:9092\"\n[sasl]\nmechanism = \"PLAIN\"\nuser = \"u\"\npassword = \"p\"",
            "kafka.sasl.mechanism: PLAIN without TLS",
        ),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_password_is_read_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let config = |file: &Path| KafkaConfig {
        sasl: Some(SaslConfig {
            user: "u".to_owned(),
            password_file: Some(file.to_owned()),
            ..SaslConfig::default()
        }),
        ..KafkaConfig::default()
    };
    std::fs::write(&file, "secret\n").unwrap();
    assert_eq!(config(&file).password().unwrap().expose(), "secret");
    std::fs::write(&file, "\n").unwrap();
    let error = config(&file).password().unwrap_err().to_string();
    assert!(error.contains("is empty"), "{error}");
    let error = config(&folder.path().join("none")).password().unwrap_err();
    assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
}
