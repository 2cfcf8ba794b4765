//! Points in transactions: who reads committed messages sees each once.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use stock_up_core::{Metrics, Point, Span, Status, SymbolId};
use stock_up_io::queue::kafka::KafkaPointSink;
use stock_up_io::sink::{Sink, SinkError, Written};
use stock_up_io::store::PointRow;

use super::Topic;
use crate::queue::{PATIENCE, within};

/// The point with this number; its time is the number, so that a reader can tell.
fn row(emission: u64) -> PointRow {
    PointRow {
        emission,
        symbol: format!("SYM{}", emission % 7).into(),
        point: Point {
            symbol: SymbolId(0),
            window: Span::from_secs(60),
            time: i64::try_from(emission).unwrap(),
            revision: 0,
            status: Status::Complete,
            coverage: 1.0,
            metrics: Metrics::EMPTY,
        },
    }
}

fn rows(from: u64, to: u64) -> Vec<PointRow> {
    (from..to).map(row).collect()
}

/// Tries again where nobody is to blame, as a delivery does: a broker that was just started has no
/// coordinator of transactions for some seconds.
async fn write(sink: &mut KafkaPointSink, rows: &[PointRow]) -> Result<Written, SinkError> {
    loop {
        match sink.write(rows).await {
            Err(SinkError::Unavailable { .. }) => {}
            written => return written,
        }
    }
}

fn sink(topic: &Topic) -> KafkaPointSink {
    KafkaPointSink::new(topic.0.clone(), &topic.0.topic).unwrap()
}

/// The numbers of all points that a reader of committed messages sees, up to a last one that is
/// written for it to find the end.
fn committed(topic: &Topic, last: u64) -> Vec<u64> {
    let reader: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &topic.0.brokers)
        .set("group.id", "reader")
        .set("isolation.level", "read_committed")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic.0.topic, 0, Offset::Beginning)
        .unwrap();
    reader.assign(&list).unwrap();
    let mut numbers = Vec::new();
    while numbers.last() != Some(&last) {
        let message = reader.poll(PATIENCE).unwrap().unwrap();
        let point: serde_json::Value = serde_json::from_slice(message.payload().unwrap()).unwrap();
        let number = point["timestamp_ns"].as_u64().unwrap();
        let symbol = point["symbol"].as_str().unwrap();
        assert_eq!(symbol.as_bytes(), message.key().unwrap());
        numbers.push(number);
    }
    numbers
}

/// Writers end in the middle, and begin again from a cursor that lags behind.
#[tokio::test(flavor = "multi_thread")]
async fn every_point_is_seen_once_wherever_a_writer_ends() {
    const END: u64 = 600;
    let Some(topic) = Topic::new("points").map(|topic| topic.partitions(1)) else {
        return;
    };
    let mut cursor = 0;
    // The first rounds have less time than they need: the call is dropped half done.
    let mut times = (0..6)
        .map(|round| 40 * round)
        .chain(std::iter::repeat_n(60_000, 10));
    while cursor < END {
        let time = Duration::from_millis(times.next().expect("ten tries are enough"));
        let to = (cursor + 150).min(END);
        let mut sink = sink(&topic);
        let written = tokio::time::timeout(time, sink.write(&rows(cursor, to))).await;
        // One that was dropped while it connected may arrive last and fence the next one, which
        // then tries again, as a delivery does.
        let Ok(Ok(written)) = written else { continue };
        assert_eq!(written.written, to - cursor);
        // What was written last is written again: the cursor was not saved.
        cursor = to.checked_sub(20).filter(|_| to < END).unwrap_or(END);
    }
    within("the last", write(&mut sink(&topic), &rows(END, END + 1)))
        .await
        .unwrap();
    let expected: Vec<_> = (0..=END).collect();
    assert_eq!(committed(&topic, END), expected);
}

/// Who was frozen and wakes up writes nothing more once another has taken over.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_writer_is_fenced() {
    let Some(topic) = Topic::new("fenced").map(|topic| topic.partitions(1)) else {
        return;
    };
    let (mut older, mut newer) = (sink(&topic), sink(&topic));
    within("write", write(&mut older, &rows(0, 10)))
        .await
        .unwrap();
    within("write", write(&mut newer, &rows(5, 15)))
        .await
        .unwrap();
    let fenced = within("an answer", write(&mut older, &rows(10, 20)))
        .await
        .unwrap_err();
    assert!(
        matches!(&fenced, SinkError::Misconfigured { reason } if reason.contains("stop one")),
        "{fenced}"
    );
    within("write", write(&mut newer, &rows(15, 20)))
        .await
        .unwrap();
    assert_eq!(committed(&topic, 19), (0..20).collect::<Vec<_>>());
}
