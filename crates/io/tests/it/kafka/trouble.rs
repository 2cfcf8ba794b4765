//! What is refused, and what ends when the broker cannot be reached.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use stock_up_core::Span;
use stock_up_io::clock::Stopwatch;
use stock_up_io::queue::kafka::{KafkaConsumer, KafkaProducer, LARGEST_MESSAGE, probe};
use stock_up_io::queue::{Producer, QueueError};

use super::Topic;
use crate::queue::ledger::{Reader, message, sized};
use crate::queue::{Broker, PATIENCE, within};

/// Nobody listens at an address that was free a moment ago.
fn nobody() -> Topic {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    Topic::at(&address, "nobody")
}

#[tokio::test]
async fn a_broker_that_is_away_is_a_passing_trouble_and_soon_said() {
    let topic = nobody();
    let asking = Stopwatch::start();
    let error = probe(&topic.0).await.unwrap_err();
    assert!(matches!(error, QueueError::Lost { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(&topic.0.brokers) && text.contains("trying again"),
        "{text}"
    );
    assert!(asking.elapsed() < Duration::from_secs(20));
    let error = KafkaProducer::connect(&topic.0, None).await.unwrap_err();
    assert!(error.is_passing(), "{error}");
    let error = KafkaConsumer::group(&topic.0).await.unwrap_err();
    assert!(error.is_passing(), "{error}");
}

#[tokio::test]
async fn something_else_behind_the_address_is_a_passing_trouble() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let topic = Topic::at(&listener.local_addr().unwrap().to_string(), "mute");
    // It accepts, and never says anything.
    let accepting = async {
        let mut open = Vec::new();
        loop {
            open.push(listener.accept().await.unwrap());
        }
    };
    let error = tokio::select! {
        error = within("an answer", probe(&topic.0)) => error.unwrap_err(),
        () = accepting => unreachable!("it accepts for ever"),
    };
    assert!(error.is_passing(), "{error}");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_before_anything_is_sent() {
    let Some(topic) = Topic::new("large") else {
        return;
    };
    let mut producer = topic.producer().await;
    let messages = [message(0, 0), sized(0, 1, LARGEST_MESSAGE + 1)];
    let error = producer.publish(&messages).await.unwrap_err();
    assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
    assert!(error.to_string().contains("1000001 bytes"), "{error}");
    let over = producer.publish(&[message(0, 0)]).await.unwrap_err();
    assert!(over.to_string().contains("has ended"), "{over}");

    let mut producer = topic.producer().await;
    let error = producer.publish(&[message(4, 0)]).await.unwrap_err();
    assert!(
        error.to_string().contains("no partition 4, but only 4"),
        "{error}"
    );
}

/// A batch that the broker refuses for good takes everything after it with it: no hole.
///
/// A broker that has taken nothing of a producer takes whatever comes first. When the first batch
/// was refused while the second was on its way, the topic began in the middle, and an analyzer that
/// read it from its beginning stopped for ever.
#[tokio::test]
async fn nothing_lands_after_what_the_topic_does_not_take() {
    let Some(topic) = Topic::new("refused").map(|topic| topic.partitions(1)) else {
        return;
    };
    drop(topic.producer().await);
    let admin: AdminClient<DefaultClientContext> = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", &topic.0.brokers)
        .create()
        .unwrap();
    let smaller = AlterConfig::new(ResourceSpecifier::Topic(&topic.0.topic))
        .set("max.message.bytes", "200000");
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    admin.alter_configs([&smaller], &options).await.unwrap()[0]
        .as_ref()
        .unwrap();

    for round in 0..6 {
        let mut producer = topic.producer().await;
        // So many that they go in several batches, each small enough when it is compressed.
        let mut messages: Vec<_> = (0..9_000).map(|seq| sized(0, seq, 500)).collect();
        // Random bytes, which no compression makes small: in the first batch or in a later one.
        let at = [0, 1, 5_000][round % 3];
        messages[at] = sized(0, at as u64, 300_000);
        noise(&mut messages[at].payload[8..]);
        let error = within("an answer", producer.publish(&messages))
            .await
            .unwrap_err();
        assert!(!error.is_passing(), "round {round}: {error}");
        assert!(error.to_string().contains("max.message.bytes"), "{error}");
    }
    // What the topic holds now can be read on with what comes next: the reader sees no hole.
    let mut producer = topic.producer().await;
    let messages: Vec<_> = (0..9_000).map(|seq| message(0, seq)).collect();
    producer.publish(&messages).await.unwrap();
    let mut consumer = KafkaConsumer::whole(&topic.0).await.unwrap();
    let mut reader = Reader::default();
    within("all", reader.read_to(&mut consumer, &[(0, 9_000)])).await;
}

/// Bytes without a pattern.
fn noise(bytes: &mut [u8]) {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for byte in bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = state.to_le_bytes()[3];
    }
}

#[tokio::test]
async fn a_broker_that_is_frozen_is_given_up_by_either_end() {
    let Some(mut broker) = super::server::OwnBroker::new("confirm", |_, _| Default::default())
    else {
        return;
    };
    broker.start().await;
    let mut topic = Topic::at(&broker.address(), "confirm");
    topic.0.confirm_within = Span::from_secs(2);
    let mut producer = topic.producer().await;
    producer.publish(&[message(0, 0)]).await.unwrap();
    let mut consumer = KafkaConsumer::whole(&topic.0).await.unwrap();
    let mut reader = Reader::default();
    within("the first", reader.read_to(&mut consumer, &[(0, 1)])).await;
    broker.freeze();
    let error = within("an end", producer.publish(&[message(0, 1)]))
        .await
        .unwrap_err();
    assert!(error.is_passing(), "{error}");
    assert!(
        error.to_string().contains("no confirmation within 2s"),
        "{error}"
    );
    // Silence alone means nothing; but after a while the broker is asked.
    let mut read = Ok(());
    within("an end", async {
        while read.is_ok() {
            read = reader.step(&mut consumer).await;
        }
    })
    .await;
    let error = read.unwrap_err();
    assert!(error.is_passing(), "{error}");
}

/// librdkafka says of a topic that it is not there also when a broker that shuts down does not tell
/// of it. So that is no reason to give up: whoever connects anew hears whether it is true.
#[tokio::test]
async fn a_topic_that_is_gone_is_told_when_it_is_asked_for_anew() {
    let Some(mut topic) = Topic::new("gone").map(|topic| topic.partitions(1)) else {
        return;
    };
    let mut producer = topic.producer().await;
    producer.publish(&[message(0, 0)]).await.unwrap();
    let mut consumer = topic.consumer().await;
    let mut reader = Reader::default();
    within("the first", reader.read_to(&mut consumer, &[(0, 1)])).await;
    let admin: AdminClient<DefaultClientContext> = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", &topic.0.brokers)
        .create()
        .unwrap();
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    let gone = admin.delete_topics(&[&topic.0.topic], &options).await;
    gone.unwrap()[0].as_ref().unwrap();
    let mut read = Ok(());
    within("an end", async {
        while read.is_ok() {
            read = reader.step(&mut consumer).await;
        }
    })
    .await;
    let error = read.unwrap_err();
    assert!(error.is_passing(), "{error}");
    topic.0.create = None;
    let error = KafkaConsumer::group(&topic.0).await.unwrap_err();
    assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
    assert!(error.to_string().contains("does not exist"), "{error}");
}
