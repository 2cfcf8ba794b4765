//! The broker dies in the middle, and members of the group come and go.

use std::collections::BTreeMap;

use stock_up_core::Span;
use stock_up_io::queue::{Consumer as _, Producer, QueueError};
use tokio::sync::{Notify, watch};

use super::Topic;
use super::server::OwnBroker;
use crate::queue::ledger::{Reader, message};
use crate::queue::{Broker, PATIENCE, within};

/// How many times the broker is killed.
const KILLS: u64 = 2;

/// What was confirmed is there after each `kill -9`, once and in its order.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_confirmed_survives_the_death_of_the_broker() {
    let Some(mut broker) = OwnBroker::new("killed", |_, _| Default::default()) else {
        return;
    };
    broker.start().await;
    let mut topic = Topic::at(&broker.address(), "killed").partitions(2);
    topic.0.confirm_within = Span::from_secs(5);
    let (confirmed, mut known) = watch::channel(0);

    let killing = async {
        for kill in 1..=KILLS {
            // In the middle of publishing: a batch is under way at any time.
            known.wait_for(|known| *known >= kill * 500).await.unwrap();
            broker.kill();
            broker.start().await;
        }
    };
    let end = KILLS * 500 + 500;
    let publishing = publish_to(&topic, end, &confirmed);
    let reading = read_to(&topic, end);
    let all = async { tokio::join!(killing, publishing, reading).2 };
    let all = tokio::time::timeout(PATIENCE * 4, all);
    let duplicates = all.await.expect("all messages in time");
    eprintln!("{duplicates} of {end} messages came twice after {KILLS} kills");
}

/// The publisher: sends again from what was confirmed last, with a new producer after an error.
async fn publish_to(topic: &Topic, end: u64, confirmed: &watch::Sender<u64>) {
    let mut producer = topic.producer().await;
    loop {
        let from = *confirmed.borrow();
        if from == end {
            return;
        }
        let to = (from + 10).min(end);
        let batch: Vec<_> = (from..to)
            .flat_map(|seq| [message(0, seq), message(1, seq)])
            .collect();
        match producer.publish(&batch).await {
            Ok(()) => drop(confirmed.send_replace(to)),
            Err(error) => {
                assert!(error.is_passing(), "{error}");
                producer = topic.producer().await;
            }
        }
    }
}

/// The analyzer: reads again from what it saved, with a new consumer after an error.
async fn read_to(topic: &Topic, end: u64) -> u64 {
    let mut reader = Reader::default();
    let ends = [(0, end), (1, end)];
    loop {
        let mut consumer = topic.consumer().await;
        reader.applied.clear();
        let read: Result<(), QueueError> = async {
            while !reader.has(&ends) {
                reader.step(&mut consumer).await?;
                reader.save_all(&mut consumer).await?;
            }
            Ok(())
        }
        .await;
        match read {
            Ok(()) => return reader.duplicates,
            Err(error) => assert!(error.is_passing(), "{error}"),
        }
    }
}

/// Rebalances one after another: every message has its effect once, whoever applied it.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_members_applies_every_message_once() {
    const ROUNDS: u64 = 6;
    let Some(topic) = Topic::new("storm") else {
        return;
    };
    let mut producer = topic.producer().await;
    let mut saved = BTreeMap::new();
    let mut end = 0;
    for round in 0..ROUNDS {
        let batch: Vec<_> = (end..end + 20)
            .flat_map(|seq| (0..4).map(move |partition| message(partition, seq)))
            .collect();
        producer.publish(&batch).await.unwrap();
        end += 20;
        // A second one joins while the first one reads; it goes at once in every other round, else
        // as soon as it was given something, which the first one must then get back.
        let mut first = Reader {
            saved,
            ..Reader::default()
        };
        let mut consumer = topic.consumer().await;
        let ends: Vec<_> = (0..4).map(|partition| (partition, end)).collect();
        let finished = Notify::new();
        let (first, ()) = tokio::join!(
            async {
                within("all of it", first.read_to(&mut consumer, &ends)).await;
                finished.notify_one();
                first
            },
            async {
                let mut joined = topic.consumer().await;
                if round % 2 == 0 {
                    tokio::select! {
                        given = joined.next() => drop(given.unwrap()),
                        () = finished.notified() => {}
                    }
                }
            }
        );
        assert_eq!(first.duplicates, 0);
        saved = first.applied;
    }
}
