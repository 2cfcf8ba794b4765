//! Points in a topic: who reads committed messages sees each once, whatever becomes of the writer.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::cli::{Ran, command, ok};
use crate::influxdb::tape;
use crate::needs;
use crate::process::{Server, run, wait};
use crate::roles::{number, unique};

const PARTITIONS: i32 = 3;

/// Longest wait for a message of a broker that is there.
const PATIENCE: Duration = Duration::from_mins(1);

/// Everything in one process, with points going to a topic of the test's own.
fn writer(venue: &Server, dir: &Path, (brokers, topic): (&str, &str), more: &[&str]) -> Command {
    let mut command = run(venue, dir, &[&["--symbols", "IBM,SPY"], more].concat());
    command
        .env("STOCK_UP__QUEUE__KAFKA__BROKERS", brokers)
        .env("STOCK_UP__QUEUE__KAFKA__POINTS__TOPIC", topic)
        .env(
            "STOCK_UP__QUEUE__KAFKA__POINTS__CREATE__PARTITIONS",
            PARTITIONS.to_string(),
        );
    command
}

/// All points that a reader of committed messages sees, sorted.
fn committed(brokers: &str, topic: &str) -> Vec<String> {
    let reader: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", format!("{topic}-reader"))
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition, Offset::Beginning)
            .unwrap();
    }
    reader.assign(&list).unwrap();
    let (mut points, mut ended) = (Vec::new(), BTreeSet::new());
    while ended.len() < usize::try_from(PARTITIONS).unwrap() {
        match reader.poll(PATIENCE).expect("Kafka answers") {
            Ok(message) => {
                let point = message.payload().unwrap().to_vec();
                points.push(String::from_utf8(point).unwrap());
            }
            Err(KafkaError::PartitionEOF(partition)) => drop(ended.insert(partition)),
            Err(error) => panic!("{error}"),
        }
    }
    points.sort_unstable();
    points
}

#[test]
fn every_point_is_in_the_topic_once_though_the_writer_is_killed_in_the_middle() {
    let Some(brokers) = needs::server("STOCK_UP_TEST_KAFKA", "points_topic") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (dir, file) = (folder.path().join("data"), folder.path().join("tape.csv"));
    fs::write(&file, tape(40_000, &["IBM", "SPY"])).unwrap();
    let venue = Server::venue(&file, &["--speed", "1000", "--hold"]);
    let topic = unique("points_topic");
    let place = (brokers.as_str(), topic.as_str());

    for more in [5, 40, 90, 10, 60] {
        let process = Server::start(writer(&venue, &dir, place, &[]));
        wait("points in the topic", || {
            let text = process.get("/metrics").ok()?;
            (number(&text, "stock_up_kafka_points_total")? > more).then_some(())
        });
        process.kill();
    }
    let mut last = writer(&venue, &dir, place, &["--until-idle", "3s"]);
    let ran = Ran::from(last.output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!ran.err.contains("points are left"), "{}", ran.err);

    let log = ok(&[
        "replay",
        "--log",
        dir.to_str().unwrap(),
        "--format",
        "jsonl",
    ]);
    let mut expected: Vec<&str> = log.lines().collect();
    expected.sort_unstable();
    let found = committed(&brokers, &topic);
    let differs = expected.iter().zip(&found).find(|(a, b)| a != b);
    assert_eq!(differs, None);
    assert_eq!(found.len(), expected.len());
    assert!(found.len() > 1_000, "{}", found.len());
}

#[test]
fn doctor_looks_for_the_topic_of_the_points_also_where_records_stay_in_the_process() {
    let Some(brokers) = needs::server("STOCK_UP_TEST_KAFKA", "doctor_points") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let doctor = |create: bool| {
        let mut command = command();
        command
            .arg("doctor")
            .env("STOCK_UP__DATA_DIR", folder.path().join("data"))
            .env("STOCK_UP__SERVE__LISTEN", "127.0.0.1:0")
            .env("STOCK_UP__QUEUE__KAFKA__BROKERS", &brokers)
            .env("STOCK_UP__QUEUE__KAFKA__POINTS__TOPIC", "doctor_points");
        if create {
            let name = "STOCK_UP__QUEUE__KAFKA__POINTS__CREATE__PARTITIONS";
            command.env(name, PARTITIONS.to_string());
        }
        Ran::from(command.output().unwrap())
    };
    let found = doctor(true);
    assert_eq!(found.code, 0, "{}", found.out);
    let expected = "the topic is not there yet and will be created with 3 partitions";
    let line = found.out.lines().find(|line| line.contains(expected));
    assert!(
        line.is_some_and(|line| line.starts_with("ok     points in Kafka: ")),
        "{}",
        found.out
    );
    let missing = doctor(false);
    assert_eq!(missing.code, 1, "{}", missing.out);
    let expected = "let it be created: `[queue.kafka.points.create]`";
    assert!(missing.out.contains(expected), "{}", missing.out);
}
