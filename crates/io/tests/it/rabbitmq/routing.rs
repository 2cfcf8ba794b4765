//! What happens to messages that the broker cannot keep, and to those that nobody acknowledged.

use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use stock_up_io::queue::rabbitmq::{QueueType, RabbitmqConfig, RabbitmqConsumer, RabbitmqProducer};
use stock_up_io::queue::{Consumer, Event, Place, Producer as _, Start};

use super::conformance::again;
use super::place::shared;
use crate::queue::ledger::{Reader, message, number};
use crate::queue::within;

/// Somebody with the same rights who changes things behind our back.
struct Saboteur {
    _connection: Connection,
    channel: Channel,
}

impl Saboteur {
    async fn new() -> Self {
        let url = std::env::var("STOCK_UP_TEST_RABBITMQ").unwrap();
        let connection = Connection::connect(&url, ConnectionProperties::default())
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        Self {
            _connection: connection,
            channel,
        }
    }

    async fn delete(&self, what: Deleted, config: &RabbitmqConfig) {
        let (exchange, queue) = (config.exchange.as_str(), config.queue.as_str());
        match what {
            Deleted::Exchange => {
                let options = ExchangeDeleteOptions::default();
                self.channel
                    .exchange_delete(exchange.into(), options)
                    .await
                    .unwrap();
            }
            Deleted::Queue => {
                let options = QueueDeleteOptions::default();
                self.channel
                    .queue_delete(queue.into(), options)
                    .await
                    .unwrap();
            }
            Deleted::Binding => {
                let none = FieldTable::default();
                let unbound =
                    self.channel
                        .queue_unbind(queue.into(), exchange.into(), queue.into(), none);
                unbound.await.unwrap();
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Deleted {
    Exchange,
    Queue,
    Binding,
}

/// Reads and saves until the broker has given everything below `end`.
async fn read_all(config: &RabbitmqConfig, reader: &mut Reader, end: u64) {
    let mut consumer = RabbitmqConsumer::connect(config).await.unwrap();
    within("all messages", reader.read_to(&mut consumer, &[(0, end)])).await;
    reader.save_all(&mut consumer).await.unwrap();
}

/// R3: what is confirmed was kept, and what could not be routed was not confirmed.
#[tokio::test]
async fn what_is_deleted_while_publishing_is_an_error_and_then_declared_again() {
    for what in [Deleted::Exchange, Deleted::Binding, Deleted::Queue] {
        let Some(config) = shared("what_is_deleted", QueueType::Quorum) else {
            return;
        };
        let saboteur = Saboteur::new().await;
        let mut reader = Reader::default();
        let mut confirmed = 0;
        for round in 1..=5_u64 {
            let mut producer = RabbitmqProducer::connect(&config).await.unwrap();
            let three: Vec<_> = (confirmed..confirmed + 3)
                .map(|seq| message(0, seq))
                .collect();
            producer.publish(&three).await.unwrap();
            confirmed += 3;
            // What a queue holds when it is deleted is gone; so it is empty here.
            read_all(&config, &mut reader, confirmed).await;
            saboteur.delete(what, &config).await;
            let batch: Vec<_> = (confirmed..confirmed + 10)
                .map(|seq| message(0, seq))
                .collect();
            let error = within("an error", producer.publish(&batch))
                .await
                .unwrap_err();
            assert!(error.is_passing(), "{what:?}: {error}");
            assert_eq!(confirmed, 3 * round);
        }
        let mut producer = RabbitmqProducer::connect(&config).await.unwrap();
        producer.publish(&[message(0, confirmed)]).await.unwrap();
        read_all(&config, &mut reader, confirmed + 1).await;
    }
}

/// Reads so many events, or fewer when all 200 messages have been read.
async fn read_some(reader: &mut Reader, consumer: &mut RabbitmqConsumer, events: usize) {
    for _ in 0..events {
        if reader.has(&[(0, 200)]) {
            return;
        }
        within("a message", reader.step(consumer)).await.unwrap();
    }
}

/// R4: what was read and not saved comes again, to the next one, in order.
#[tokio::test]
async fn a_consumer_that_ends_with_messages_in_hand_gives_them_all_back() {
    for queue_type in [QueueType::Quorum, QueueType::Classic] {
        let Some(mut config) = shared("a_consumer_that_ends", queue_type) else {
            return;
        };
        config.prefetch = 50;
        let mut producer = RabbitmqProducer::connect(&config).await.unwrap();
        let batch: Vec<_> = (0..200).map(|seq| message(0, seq)).collect();
        producer.publish(&batch).await.unwrap();
        let mut reader = Reader::default();
        let mut rounds = 0;
        while !reader.has(&[(0, 200)]) {
            rounds += 1;
            let mut consumer = again(|| RabbitmqConsumer::connect(&config)).await;
            reader.applied.clear();
            // Assigned, then 30 messages, of which the last 17 are forgotten.
            read_some(&mut reader, &mut consumer, 14).await;
            reader.save_all(&mut consumer).await.unwrap();
            read_some(&mut reader, &mut consumer, 17).await;
        }
        assert!(rounds > 10, "{rounds}");
    }
}

/// The first one is told message `seq`, and the second one nothing.
async fn told(first: &mut RabbitmqConsumer, second: &mut RabbitmqConsumer, seq: u64) -> Place {
    let event = tokio::select! {
        event = first.next() => event.unwrap(),
        event = second.next() => panic!("the second one was told {event:?}"),
    };
    let Event::Message(incoming) = event else {
        panic!("{event:?}");
    };
    assert_eq!(number(&incoming), seq);
    incoming.next
}

#[tokio::test]
async fn a_second_consumer_waits_until_the_first_one_has_gone() {
    for queue_type in [QueueType::Quorum, QueueType::Classic] {
        let Some(config) = shared("a_second_consumer", queue_type) else {
            return;
        };
        let mut producer = RabbitmqProducer::connect(&config).await.unwrap();
        producer
            .publish(&[message(0, 0), message(0, 1)])
            .await
            .unwrap();
        let mut first = RabbitmqConsumer::connect(&config).await.unwrap();
        let turn = within("the first turn", first.next()).await.unwrap();
        assert_eq!(turn, Event::Assigned(0));
        first.start(0, Start::Oldest).await.unwrap();
        let mut second = RabbitmqConsumer::connect(&config).await.unwrap();
        // The first one has both, so the second one has neither.
        let place = told(&mut first, &mut second, 0).await;
        told(&mut first, &mut second, 1).await;
        first.saved(0, place).await.unwrap();
        drop(first);
        assert_eq!(
            within("the turn", second.next()).await.unwrap(),
            Event::Assigned(0)
        );
        second.start(0, Start::Oldest).await.unwrap();
        let Event::Message(incoming) = within("a message", second.next()).await.unwrap() else {
            panic!("no message");
        };
        assert_eq!(number(&incoming), 1);
    }
}

#[tokio::test]
async fn a_copy_gets_everything_from_then_on_and_takes_nothing_away() {
    let Some(config) = shared("a_copy", QueueType::Quorum) else {
        return;
    };
    let mut producer = RabbitmqProducer::connect(&config).await.unwrap();
    producer.publish(&[message(0, 0)]).await.unwrap();
    let name = format!("{}-serve", config.queue);
    for copy in [None, Some(name.as_str())] {
        let mut consumer = RabbitmqConsumer::connect_copy(&config, copy).await.unwrap();
        let seq = if copy.is_none() { 1 } else { 2 };
        producer.publish(&[message(0, seq)]).await.unwrap();
        assert_eq!(consumer.next().await.unwrap(), Event::Assigned(0));
        consumer.start(0, Start::Oldest).await.unwrap();
        let Event::Message(incoming) = within("a message", consumer.next()).await.unwrap() else {
            panic!("no message");
        };
        assert_eq!(number(&incoming), seq);
    }
    read_all(&config, &mut Reader::default(), 3).await;
}

#[tokio::test]
async fn no_more_than_the_prefetch_is_in_hand() {
    let Some(mut config) = shared("no_more_than_the_prefetch", QueueType::Quorum) else {
        return;
    };
    config.prefetch = 4;
    let mut producer = RabbitmqProducer::connect(&config).await.unwrap();
    let batch: Vec<_> = (0..9).map(|seq| message(0, seq)).collect();
    producer.publish(&batch).await.unwrap();
    let mut consumer = RabbitmqConsumer::connect(&config).await.unwrap();
    let mut reader = Reader::default();
    within("four messages", reader.read_to(&mut consumer, &[(0, 4)])).await;
    let more = tokio::time::timeout(std::time::Duration::from_millis(300), consumer.next());
    assert!(more.await.is_err(), "a fifth one came");
    reader.save_all(&mut consumer).await.unwrap();
    within("four more", reader.read_to(&mut consumer, &[(0, 8)])).await;
}
