//! `examples/read_queue.py`, the reader for other people, on a real Kafka with messages of ours.
//!
//! It needs Python with the packages `kafka` and `protobuf` (Debian: python3-kafka,
//! python3-protobuf), and `protoc`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use stock_up_core::{Decimal, Record, Tick, TradeBatch};
use stock_up_io::queue::message::{Header, encode};

/// Puts the messages that it reads as lines of hex into a topic.
const SEND: &str = "
import sys
from kafka import KafkaProducer
producer = KafkaProducer(bootstrap_servers=sys.argv[1])
for line in sys.stdin:
    producer.send(sys.argv[2], bytes.fromhex(line), partition=None).get(30)
";
const FORGET: &str = "
import sys
from kafka.admin import KafkaAdminClient
KafkaAdminClient(bootstrap_servers=sys.argv[1]).delete_topics([sys.argv[2]])
";
/// How long the reader waits for one more message before it ends.
const WAIT_MS: &str = "3000";

/// A topic of its own, and what reads it.
struct Topic {
    brokers: String,
    name: String,
    python: &'static str,
    generated: tempfile::TempDir,
}

impl Topic {
    /// Nothing, loudly, where Kafka or Python is missing.
    fn new(test: &str) -> Option<Self> {
        let brokers = crate::needs::server("STOCK_UP_TEST_KAFKA", test)?;
        let python = python(test)?;
        let generated = tempfile::tempdir().unwrap();
        let protoc = Command::new("protoc")
            .arg("--proto_path=docs/formats")
            .arg(format!("--python_out={}", generated.path().display()))
            .arg("docs/formats/queue.proto")
            .current_dir(root())
            .status();
        assert!(protoc.unwrap().success());
        Some(Self {
            brokers,
            name: format!("{test}_{}", std::process::id()),
            python,
            generated,
        })
    }

    fn send(&self, messages: &[Vec<u8>]) {
        let mut child = self
            .command(&["-c", SEND])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        for message in messages {
            for byte in message {
                write!(input, "{byte:02x}").unwrap();
            }
            writeln!(input).unwrap();
        }
        drop(input);
        assert!(child.wait().unwrap().success());
    }

    fn read(&self) -> Output {
        let mut command = self.command(&["examples/read_queue.py"]);
        command.arg(WAIT_MS).output().unwrap()
    }

    /// Python with `arguments`, brokers and topic.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.python);
        command
            .args(arguments)
            .args([&self.brokers, &self.name])
            .env("PYTHONPATH", self.generated.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(root());
        command
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        let forgotten = self.command(&["-c", FORGET]).status();
        assert!(forgotten.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A Python that has what the example needs; `cargo xtask ci` installs it for Debian's.
fn python(test: &str) -> Option<&'static str> {
    let has = |python: &&str| {
        let imports = ["-c", "import kafka, google.protobuf"];
        let tried = Command::new(python)
            .args(imports)
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has);
    if found.is_none() {
        let why = "no Python with the packages `kafka` and `protobuf`";
        crate::needs::lacks(test, why);
    }
    found
}

fn message(partition: u32, first_seq: u64, records: &[Record]) -> Vec<u8> {
    let header = Header {
        source: *b"0123456789abcdef",
        partition,
        partitions: 2,
        first_seq,
    };
    encode(&header, records)
}

/// Trades that were received at `ts_recv`, each with its own time, price and size.
fn trades(ts_recv: i64, trades: &[(&str, i64, &str, &str, &str)]) -> Record {
    let mut batch = TradeBatch {
        ts_recv,
        ..TradeBatch::default()
    };
    let decimal = |text: &str| Decimal::parse(text.as_bytes()).unwrap();
    for (symbol, ts_event, price, size, conditions) in trades {
        batch.push(
            symbol,
            *ts_event,
            (decimal(price), decimal(size)),
            conditions,
        );
    }
    Record::Trades(batch)
}

#[test]
fn the_python_example_reads_each_trade_once() {
    let Some(topic) = Topic::new("python_reader") else {
        return;
    };
    let tick = Record::Tick(Tick { time: 5, heard: 4 });
    let first = ("SPY", 1_700_000_000_000_000_001, "167.42", "100", "");
    let second = (
        "BRK.B",
        1_699_999_999_999_999_999,
        "0.000000000001",
        "0.5",
        "1;24",
    );
    let third = (
        "SPY",
        1_700_000_000_500_000_000,
        "999999999999.25",
        "1000000",
        "a,b",
    );
    let fourth = ("SPY", 1_700_000_001_000_000_000, "167.4", "7", "");
    let ours = message(
        0,
        10,
        &[tick, trades(1_700_000_000_600_000_000, &[first, second])],
    );
    topic.send(&[
        ours.clone(),
        // Another partition has numbers of its own.
        message(1, 0, &[trades(1_700_000_002_000_000_000, &[fourth])]),
        message(0, 13, &[trades(1_700_000_000_700_000_000, &[third])]),
        // Sent again, after a doubt; then again, cut otherwise.
        ours,
        message(
            0,
            13,
            &[trades(1_700_000_000_700_000_000, &[third, fourth])],
        ),
    ]);
    let output = topic.read();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "partition,seq,ts_event_ns,ts_recv_ns,symbol,price,size,conditions\n\
         0,11,1700000000000000001,1700000000600000000,SPY,167.42,100,\n\
         0,12,1699999999999999999,1700000000600000000,BRK.B,0.000000000001,0.5,1;24\n\
         1,0,1700000001000000000,1700000002000000000,SPY,167.4,7,\n\
         0,13,1700000000500000000,1700000000700000000,SPY,999999999999.25,1000000,\"a,b\"\n\
         0,14,1700000001000000000,1700000000700000000,SPY,167.4,7,\n"
    );
}

#[test]
fn the_python_example_stops_at_a_hole() {
    let Some(topic) = Topic::new("python_hole") else {
        return;
    };
    let one = ("SPY", 1, "1", "1", "");
    topic.send(&[
        message(0, 0, &[trades(1, &[one])]),
        message(0, 2, &[trades(1, &[one])]),
    ]);
    let output = topic.read();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("a hole before 2"), "{said}");
    // What came before the hole is told.
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.lines().count(), 2, "{told}");
}
