//! A broker that is killed, starved, cut off: everything confirmed arrives, once.

use std::time::Duration;

use stock_up_core::Span;
use stock_up_io::queue::rabbitmq::{QueueType, RabbitmqConfig};
use stock_up_io::queue::{Consumer, Outgoing, Producer as _, QueueError};
use tokio::sync::watch;

use super::conformance::again;
use super::either::{EitherConsumer, EitherProducer};
use super::node::Node;
use super::place::shared;
use super::proxy::Proxy;
use crate::queue::ledger::{Reader, message, sized};
use crate::queue::within;

const TYPES: [QueueType; 3] = [QueueType::Quorum, QueueType::Classic, QueueType::Stream];
/// Messages that a producer sends in one go.
const BATCH: u64 = 20;

fn batch(from: u64) -> Vec<Outgoing> {
    (from..from + BATCH)
        .map(|seq| sized(0, seq, 1_000))
        .collect()
}

/// Publishes until `end` as the spool's publisher does: from the last confirmed, after any error,
/// and from what the broker has, if that is less.
async fn publish(config: &RabbitmqConfig, end: u64, confirmed: &watch::Sender<u64>) {
    loop {
        let mut producer = again(|| EitherProducer::connect(config)).await;
        let mut next = *confirmed.borrow();
        if let Some(stored) = producer.stored_until() {
            next = next.min(stored);
        }
        loop {
            if next >= end {
                return;
            }
            if let Err(error) = producer.publish(&batch(next)).await {
                assert!(error.is_passing(), "{error}");
                break;
            }
            next += BATCH;
            confirmed.send_replace(next);
        }
    }
}

/// Reads until `end` as an analyzer does: from the last saved state, after any error.
async fn read(config: &RabbitmqConfig, end: u64) -> Reader {
    let mut reader = Reader::default();
    while !reader.has(&[(0, end)]) {
        let mut consumer = again(|| EitherConsumer::connect(config)).await;
        reader.applied.clear();
        if let Err(error) = read_on(&mut reader, &mut consumer, end).await {
            assert!(error.is_passing(), "{error}");
        }
    }
    reader
}

async fn read_on<C: Consumer>(
    reader: &mut Reader,
    consumer: &mut C,
    end: u64,
) -> Result<(), QueueError> {
    let mut steps = 0_u64;
    while !reader.has(&[(0, end)]) {
        reader.step(consumer).await?;
        steps += 1;
        if steps.is_multiple_of(64) {
            reader.save_all(consumer).await?;
        }
    }
    Ok(())
}

/// R1 and R6: `kill -9` in the middle of the work. `STOCK_UP_TEST_KILLS` sets how often.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_loses_nothing() {
    let Some(mut node) = Node::start("a_broker_that_is_killed").await else {
        return;
    };
    let kills = std::env::var("STOCK_UP_TEST_KILLS").map_or(2, |kills| kills.parse().unwrap());
    let end = (kills + 1) * 25 * BATCH;
    for queue_type in TYPES {
        let config = node.config(queue_type);
        EitherProducer::connect(&config).await.unwrap();
        // RabbitMQ 3.10 notes a new quorum queue in a table that it writes every three minutes: a
        // node that is killed before has lost the queue with all that it has confirmed. This is
        // about queues that have been there for a while.
        node.ctl(&["eval", "[dets:sync(Table) || Table <- dets:all()]."])
            .await;
        let (confirmed, seen) = watch::channel(0);
        let both = async { tokio::join!(publish(&config, end, &confirmed), read(&config, end)) };
        let work = async { tokio::join!(both, kill_often(&mut node, kills, seen)) };
        let bound = Duration::from_secs(120 + 60 * kills);
        let done = tokio::time::timeout(bound, work).await;
        assert!(done.is_ok(), "{queue_type:?}: not within {bound:?}");
    }
}

/// Kills the node each time when so many more messages are confirmed, and starts it again.
async fn kill_often(node: &mut Node, kills: u64, mut confirmed: watch::Receiver<u64>) {
    for kill in 1..=kills {
        let enough = kill * 25 * BATCH;
        confirmed.wait_for(|now| *now >= enough).await.unwrap();
        node.kill();
        node.up().await;
    }
}

/// Raises or ends an alarm: too little memory, or for streams, which mind nothing else, disk.
async fn alarm(node: &Node, queue_type: QueueType, raised: bool) {
    match (queue_type, raised) {
        (QueueType::Stream, true) => node.ctl(&["set_disk_free_limit", "100000GB"]).await,
        (QueueType::Stream, false) => node.ctl(&["set_disk_free_limit", "1MB"]).await,
        (_, true) => node.ctl(&["set_vm_memory_high_watermark", "0.00001"]).await,
        (_, false) => node.ctl(&["set_vm_memory_high_watermark", "0.6"]).await,
    };
}

/// R2: an alarm holds us up, and that is all it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_holds_us_up_and_a_closed_connection_ends_us() {
    let Some(node) = Node::start("an_alarm").await else {
        return;
    };
    for queue_type in TYPES {
        let mut config = node.config(queue_type);
        config.heartbeat = Span::from_secs(2);
        config.confirm_timeout = Span::from_secs(5);
        let mut producer = EitherProducer::connect(&config).await.unwrap();
        producer.publish(&batch(0)).await.unwrap();
        alarm(&node, queue_type, true).await;
        // Longer than a missed confirmation or heartbeat would be borne.
        let held_up = {
            let more = batch(BATCH);
            let publishing = producer.publish(&more);
            tokio::pin!(publishing);
            let early = tokio::time::timeout(Duration::from_secs(7), &mut publishing).await;
            assert!(early.is_err(), "{queue_type:?}: not held up, {early:?}");
            alarm(&node, queue_type, false).await;
            within("confirmations", publishing).await
        };
        held_up.unwrap_or_else(|error| panic!("{queue_type:?}: {error}"));
        // The bound of our patience has a name too.
        config.blocked_timeout = Span::from_secs(1);
        let mut impatient = EitherProducer::connect(&config).await.unwrap();
        alarm(&node, queue_type, true).await;
        let error = within("the end of patience", impatient.publish(&batch(2 * BATCH))).await;
        let error = error.unwrap_err();
        assert!(
            error.is_passing() && error.to_string().contains("alarm"),
            "{error}"
        );
        drop(impatient);
        alarm(&node, queue_type, false).await;
    }
    // An operator closes all connections: both ends see it and say why.
    let config = node.config(QueueType::Quorum);
    let mut producer = EitherProducer::connect(&config).await.unwrap();
    producer.publish(&[message(0, 0)]).await.unwrap();
    let mut reader = Reader::default();
    let mut consumer = EitherConsumer::connect(&config).await.unwrap();
    within("a message", reader.read_to(&mut consumer, &[(0, 1)])).await;
    let close = ["close_all_connections", "--vhost", "stocks", "maintenance"];
    node.ctl(&close).await;
    let error = within("the end", consumer.next()).await.unwrap_err();
    assert!(
        error.is_passing() && error.to_string().contains("maintenance"),
        "{error}"
    );
    let error = within("the end", producer.publish(&[message(0, 1)]))
        .await
        .unwrap_err();
    assert!(error.is_passing(), "{error}");
    let said = std::fs::read_to_string(node.data().parent().unwrap().join("log")).unwrap();
    assert!(
        !said.contains("CANARY"),
        "the broker has logged our password"
    );
}

/// R2: a network that swallows everything is found by the heartbeats.
#[tokio::test]
async fn a_network_that_dies_without_a_word_is_noticed() {
    for queue_type in TYPES {
        let Some(mut config) = shared("a_network_that_dies", queue_type) else {
            return;
        };
        let port = match queue_type {
            QueueType::Stream => config.stream_port,
            _ => config.port,
        };
        let proxy = Proxy::before(port).await;
        config.port = proxy.port();
        config.stream_port = proxy.port();
        config.heartbeat = Span::from_secs(1);
        let mut producer = EitherProducer::connect(&config).await.unwrap();
        producer.publish(&[message(0, 0)]).await.unwrap();
        let mut consumer = EitherConsumer::connect(&config).await.unwrap();
        let mut reader = Reader::default();
        within("a message", reader.read_to(&mut consumer, &[(0, 1)])).await;
        proxy.swallow();
        let more = [message(0, 1)];
        let both = async { tokio::join!(producer.publish(&more), consumer.next()) };
        let bound = Duration::from_secs(15);
        let (published, read) = tokio::time::timeout(bound, both).await.unwrap();
        for error in [published.unwrap_err(), read.unwrap_err()] {
            assert!(error.is_passing(), "{queue_type:?}: {error}");
        }
    }
}

/// Connections that are cut at any moment cost time and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_alive_and_idle_stays_connected() {
    for queue_type in TYPES {
        let Some(mut config) = shared("alive_and_idle", queue_type) else {
            return;
        };
        config.heartbeat = Span::from_secs(1);
        let mut producer = EitherProducer::connect(&config).await.unwrap();
        let mut consumer = EitherConsumer::connect(&config).await.unwrap();
        let mut reader = Reader::default();
        producer.publish(&[message(0, 0)]).await.unwrap();
        within("a message", reader.read_to(&mut consumer, &[(0, 1)])).await;
        // More than two heartbeats without any message, while nobody asks either of them anything.
        let idle = tokio::time::timeout(Duration::from_secs(4), std::future::pending::<()>());
        assert!(idle.await.is_err());
        producer.publish(&[message(0, 1)]).await.unwrap();
        within("a message", reader.read_to(&mut consumer, &[(0, 2)])).await;
    }
}
