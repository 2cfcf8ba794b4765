//! The topic: how it comes to be, what is refused about it, what is read of it.

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use stock_up_io::queue::kafka::{KafkaConsumer, KafkaProducer, probe};
use stock_up_io::queue::{Consumer, Event, Place, Producer, QueueError, Start};

use super::Topic;
use crate::queue::ledger::{Reader, message, sized};
use crate::queue::{Broker, PATIENCE, within};

fn client(topic: &Topic) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &topic.0.brokers);
    client
}

fn admin(topic: &Topic) -> AdminClient<DefaultClientContext> {
    client(topic).create().unwrap()
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE))
}

/// Publishes `count` messages to partition 0.
async fn fill(topic: &Topic, count: u64) -> KafkaProducer {
    let mut producer = topic.producer().await;
    let messages: Vec<_> = (0..count).map(|seq| message(0, seq)).collect();
    within("fill", producer.publish(&messages)).await.unwrap();
    producer
}

/// What comes of beginning partition 0 at `place`: an error, now or with the first message.
async fn begin(topic: &Topic, place: u64) -> Result<(), QueueError> {
    let mut consumer = KafkaConsumer::whole(&topic.0).await?;
    loop {
        match within("an event", consumer.next()).await? {
            Event::Assigned(0) => consumer.start(0, Start::At(Place(place))).await?,
            Event::Assigned(_) => {}
            _ => return Ok(()),
        }
    }
}

#[tokio::test]
async fn a_topic_is_created_on_request_and_never_by_asking() {
    let Some(mut topic) = Topic::new("created") else {
        return;
    };
    let create = topic.0.create.take();
    let failed = KafkaProducer::connect(&topic.0, None).await.unwrap_err();
    assert!(
        matches!(&failed, QueueError::Misconfigured { .. }),
        "{failed}"
    );
    assert!(
        failed.to_string().contains("`[queue.kafka.create]`"),
        "{failed}"
    );
    KafkaConsumer::group(&topic.0).await.unwrap_err();
    let missing = probe(&topic.0).await.unwrap_err().to_string();
    assert!(missing.contains("does not exist"), "{missing}");

    topic.0.create = create;
    let planned = probe(&topic.0).await.unwrap();
    assert!(
        planned.contains("will be created with 4 partitions"),
        "{planned}"
    );
    let producer = topic.producer().await;
    assert_eq!(producer.partitions(), 4);
    assert!(
        probe(&topic.0)
            .await
            .unwrap()
            .ends_with("1 broker, 4 partitions")
    );
}

#[tokio::test]
async fn another_number_of_partitions_than_remembered_is_refused() {
    let Some(topic) = Topic::new("remembered") else {
        return;
    };
    drop(topic.producer().await);
    KafkaProducer::connect(&topic.0, Some(4)).await.unwrap();
    let more = rdkafka::admin::NewPartitions::new(&topic.0.topic, 5);
    let changed = admin(&topic)
        .create_partitions([&more], &options())
        .await
        .unwrap();
    changed[0].as_ref().unwrap();
    let refused = KafkaProducer::connect(&topic.0, Some(4)).await.unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("has 5 partitions, but had 4"), "{text}");
    assert!(!refused.is_passing());
}

#[tokio::test]
async fn a_retention_that_was_faster_is_said_with_both_places() {
    let Some(topic) = Topic::new("retention") else {
        return;
    };
    drop(fill(&topic, 20).await);
    let mut before = TopicPartitionList::new();
    before
        .add_partition_offset(&topic.0.topic, 0, Offset::Offset(12))
        .unwrap();
    admin(&topic)
        .delete_records(&before, &options())
        .await
        .unwrap();
    assert_eq!(begin(&topic, 12).await, Ok(()));
    let overtaken = begin(&topic, 11).await.unwrap_err();
    assert!(
        matches!(
            overtaken,
            QueueError::Overtaken {
                partition: 0,
                wanted: 11,
                first: 12,
                ..
            }
        ),
        "{overtaken}"
    );
}

#[tokio::test]
async fn a_topic_that_was_made_anew_is_not_read_on() {
    let Some(topic) = Topic::new("anew") else {
        return;
    };
    drop(fill(&topic, 20).await);
    let deleted = admin(&topic)
        .delete_topics(&[&topic.0.topic], &options())
        .await;
    deleted.unwrap()[0].as_ref().unwrap();
    // Deleting takes its time; creating waits for it.
    drop(fill(&topic, 5).await);
    let refused = begin(&topic, 20).await.unwrap_err();
    let text = refused.to_string();
    assert!(
        matches!(refused, QueueError::Misconfigured { .. }),
        "{text}"
    );
    assert!(text.contains("ends at 5, but was read up to 20"), "{text}");
}

/// Other programs find the number and the symbol of a message without reading it.
#[tokio::test]
async fn a_message_carries_its_number_and_its_symbol() {
    let Some(topic) = Topic::new("headers").map(|topic| topic.partitions(3)) else {
        return;
    };
    let mut producer = topic.producer().await;
    let mut sent = [message(2, 7), message(2, 8)];
    sent[1].key = None;
    producer.publish(&sent).await.unwrap();

    let other: BaseConsumer = client(&topic).set("group.id", "other").create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic.0.topic, 2, Offset::Beginning)
        .unwrap();
    other.assign(&list).unwrap();
    for (number, key) in [("7", Some("KEY2")), ("8", None)] {
        let found = other.poll(PATIENCE).unwrap().unwrap();
        let header = found.headers().unwrap().get(0);
        assert_eq!(header.key, "stock-up-seq");
        assert_eq!(header.value, Some(number.as_bytes()));
        assert_eq!(found.key(), key.map(str::as_bytes));
    }
}

#[tokio::test]
async fn a_tombstone_is_an_empty_message() {
    let Some(topic) = Topic::new("tombstone") else {
        return;
    };
    drop(topic.producer().await);
    let other: FutureProducer = client(&topic).create().unwrap();
    let record: FutureRecord<'_, str, [u8]> =
        FutureRecord::to(&topic.0.topic).partition(0).key("SPY");
    other.send(record, PATIENCE).await.unwrap();
    let mut consumer = KafkaConsumer::whole(&topic.0).await.unwrap();
    let incoming = loop {
        match within("an event", consumer.next()).await.unwrap() {
            Event::Assigned(partition) => consumer.start(partition, Start::Oldest).await.unwrap(),
            Event::Message(incoming) => break incoming,
            Event::Revoked(partition) => panic!("{partition} was revoked"),
        }
    };
    assert_eq!((incoming.payload.len(), incoming.next), (0, Place(1)));
}

#[tokio::test]
async fn what_is_saved_is_seen_by_tools_as_the_next_offset() {
    let Some(topic) = Topic::new("saved").map(|topic| topic.partitions(1)) else {
        return;
    };
    drop(fill(&topic, 30).await);
    let mut consumer = topic.consumer().await;
    let mut reader = Reader::default();
    within("all", reader.read_to(&mut consumer, &[(0, 30)])).await;
    reader.save_all(&mut consumer).await.unwrap();

    let tool: BaseConsumer = client(&topic)
        .set("group.id", &topic.0.group)
        .create()
        .unwrap();
    let committed = || {
        let mut list = TopicPartitionList::new();
        list.add_partition(&topic.0.topic, 0);
        let found = tool.committed_offsets(list, PATIENCE).unwrap();
        found.elements()[0].offset()
    };
    within("the commit", async {
        let mut asking = tokio::time::interval(std::time::Duration::from_millis(20));
        while committed() != Offset::Offset(30) {
            asking.tick().await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_follows_by_itself_gets_everything_beside_others() {
    let Some(topic) = Topic::new("alone") else {
        return;
    };
    drop(fill(&topic, 25).await);
    let mut member = topic.consumer().await;
    let mut first = KafkaConsumer::whole(&topic.0).await.unwrap();
    let mut second = KafkaConsumer::whole(&topic.0).await.unwrap();
    assert_eq!(first.partitions(), 4);
    for consumer in [&mut member, &mut first, &mut second] {
        let mut reader = Reader::default();
        within("all", reader.read_to(consumer, &[(0, 25), (3, 0)])).await;
    }
}

/// An owner that is busy for long loses nothing and doubles nothing, though the client pauses.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_busy_for_long_gets_all_of_it_once() {
    let Some(topic) = Topic::new("busy").map(|topic| topic.partitions(2)) else {
        return;
    };
    let mut producer = topic.producer().await;
    let mut consumer = topic.consumer().await;
    let mut reader = Reader::default();
    producer
        .publish(&[message(0, 0), message(1, 0)])
        .await
        .unwrap();
    within(
        "the first",
        reader.read_to(&mut consumer, &[(0, 1), (1, 1)]),
    )
    .await;
    // It does not read while others publish for longer than it takes until the client pauses.
    let busy = stock_up_io::clock::Stopwatch::start();
    let mut end = 1;
    while busy.elapsed() < std::time::Duration::from_secs(3) || end < 2_000 {
        let batch: Vec<_> = (end..end + 100)
            .flat_map(|seq| [sized(0, seq, 2_000), sized(1, seq, 2_000)])
            .collect();
        producer.publish(&batch).await.unwrap();
        end += 100;
    }
    within(
        "the rest",
        reader.read_to(&mut consumer, &[(0, end), (1, end)]),
    )
    .await;
    assert_eq!(reader.duplicates, 0);
}
