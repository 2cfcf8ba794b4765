//! What streams alone can do and get wrong: ids, offsets, retention.

use stock_up_core::Span;
use stock_up_io::queue::rabbitmq::{QueueType, RabbitmqConfig, StreamConsumer, StreamProducer};
use stock_up_io::queue::{Consumer, Event, Incoming, Outgoing, Place, Producer, QueueError, Start};

use super::place::shared;
use crate::queue::ledger::{Reader, message, number, sized};
use crate::queue::within;

const SOURCE: &str = "spool";

fn batch(from: u64, end: u64) -> Vec<Outgoing> {
    (from..end).map(|seq| message(0, seq)).collect()
}

async fn begin(config: &RabbitmqConfig, start: Start) -> StreamConsumer {
    let mut consumer = StreamConsumer::connect(config).await.unwrap();
    assert_eq!(consumer.next().await.unwrap(), Event::Assigned(0));
    consumer.start(0, start).await.unwrap();
    consumer
}

async fn next(consumer: &mut StreamConsumer) -> Incoming {
    match within("a message", consumer.next()).await.unwrap() {
        Event::Message(incoming) => incoming,
        other => panic!("{other:?}"),
    }
}

/// The broker knows where we are, so nothing that is sent again is there twice; also not when it
/// is cut into other messages.
#[tokio::test]
async fn a_new_producer_goes_on_where_the_last_one_was() {
    let Some(config) = shared("a_new_producer", QueueType::Stream) else {
        return;
    };
    let mut first = StreamProducer::connect(&config, SOURCE).await.unwrap();
    assert_eq!(first.stored_until(), 0);
    first.publish(&batch(0, 10)).await.unwrap();
    assert_eq!(first.stored_until(), 10);
    drop(first);

    let mut second = StreamProducer::connect(&config, SOURCE).await.unwrap();
    assert_eq!(second.stored_until(), 10);
    second.publish(&batch(5, 15)).await.unwrap();
    // One message with records from 12 to 19: its end is new, so it is kept whole.
    let mut longer = message(0, 12);
    longer.end_seq = 20;
    second.publish(&[longer]).await.unwrap();
    assert_eq!(second.stored_until(), 20);
    second.publish(&batch(16, 20)).await.unwrap();

    let other = StreamProducer::connect(&config, "other").await.unwrap();
    assert_eq!(other.stored_until(), 0);

    let mut consumer = begin(&config, Start::Oldest).await;
    for expected in (0..15).chain([12]) {
        assert_eq!(number(&next(&mut consumer).await), expected);
    }
    // Sent again on purpose, by somebody without a name, everything is kept.
    let mut unnamed = StreamProducer::connect_unnamed(&config).await.unwrap();
    unnamed.publish(&batch(3, 5)).await.unwrap();
    for expected in 3..5 {
        assert_eq!(number(&next(&mut consumer).await), expected);
    }
}

/// R7: two that write under one name are found out at their next message.
#[tokio::test]
async fn two_producers_of_one_name_are_found_out() {
    let Some(config) = shared("two_producers", QueueType::Stream) else {
        return;
    };
    let mut first = StreamProducer::connect(&config, SOURCE).await.unwrap();
    first.publish(&batch(0, 10)).await.unwrap();
    let mut second = StreamProducer::connect(&config, SOURCE).await.unwrap();
    second.publish(&batch(10, 30)).await.unwrap();
    // The broker confirms what it drops as the other one's.
    let error = first.publish(&batch(10, 20)).await.unwrap_err();
    assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
    assert!(error.to_string().contains("stock-up/spool/0"), "{error}");
}

#[tokio::test]
async fn many_messages_of_all_sizes_go_through_the_bounds_in_flight() {
    let Some(config) = shared("many_messages", QueueType::Stream) else {
        return;
    };
    let size = |seq: u64| 8 + usize::try_from(seq % 100).unwrap() * 6_000;
    let all: Vec<_> = (0..120).map(|seq| sized(0, seq, size(seq))).collect();
    let mut producer = StreamProducer::connect(&config, SOURCE).await.unwrap();
    within("confirmations", producer.publish(&all))
        .await
        .unwrap();
    let small: Vec<_> = (120..4_000).map(|seq| message(0, seq)).collect();
    within("confirmations", producer.publish(&small))
        .await
        .unwrap();
    let mut consumer = begin(&config, Start::Oldest).await;
    for sent in &all {
        assert!(next(&mut consumer).await.payload == sent.payload);
    }
    for sent in &small {
        assert!(next(&mut consumer).await.payload == sent.payload);
    }
}

#[tokio::test]
async fn a_message_that_fits_no_frame_says_what_to_do() {
    let Some(config) = shared("a_message_that_fits_no_frame", QueueType::Stream) else {
        return;
    };
    let mut producer = StreamProducer::connect(&config, SOURCE).await.unwrap();
    let error = producer.publish(&[sized(0, 0, 2 << 20)]).await.unwrap_err();
    assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
    assert!(error.to_string().contains("frame_max"), "{error}");
}

/// Publishes until the broker has removed the beginning; returns what is the oldest now.
async fn publish_until_overtaken(config: &RabbitmqConfig) -> u64 {
    let mut producer = StreamProducer::connect(config, SOURCE).await.unwrap();
    let mut end = producer.stored_until();
    // The broker looks at its retention when it begins a new segment.
    loop {
        let few: Vec<_> = (end..end + 4).map(|seq| sized(0, seq, 100_000)).collect();
        within("confirmations", producer.publish(&few))
            .await
            .unwrap();
        end += 4;
        assert!(end < 400, "nothing was ever removed");
        if end.is_multiple_of(40) {
            let mut consumer = begin(config, Start::Oldest).await;
            let oldest = number(&next(&mut consumer).await);
            if oldest > 30 {
                return oldest;
            }
        }
    }
}

#[tokio::test]
async fn retention_that_overtakes_us_is_told_with_both_positions() {
    let Some(mut config) = shared("retention_that_overtakes_us", QueueType::Stream) else {
        return;
    };
    config.confirm_timeout = Span::from_secs(2);
    config.stream_segment_bytes = 1 << 20;
    config.stream_max_bytes = 4 << 20;
    let mut producer = StreamProducer::connect(&config, SOURCE).await.unwrap();
    producer.publish(&batch(0, 4)).await.unwrap();
    let mut slow = begin(&config, Start::Oldest).await;
    assert_eq!(number(&next(&mut slow).await), 0);
    let oldest = publish_until_overtaken(&config).await;
    for position in [0, 5] {
        let mut consumer = begin(&config, Start::At(Place(position))).await;
        let error = within("an error", consumer.next()).await.unwrap_err();
        let QueueError::Overtaken { wanted, first, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(wanted, position);
        assert!(first >= oldest, "{first} {oldest}");
    }
    // Who was there before it happened has a few chunks in hand, and then hears of it too.
    let mut expected = 1;
    let error = loop {
        match within("a message or an error", slow.next()).await {
            Ok(Event::Message(incoming)) => assert_eq!(number(&incoming), expected),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
        expected += 1;
    };
    assert!(matches!(error, QueueError::Overtaken { .. }), "{error}");
}

/// A stream that was made anew is read from its beginning, not from our position in the old one.
#[tokio::test]
async fn a_stream_that_is_shorter_than_our_position_is_read_from_its_beginning() {
    let Some(config) = shared("a_stream_that_is_shorter", QueueType::Stream) else {
        return;
    };
    let mut producer = StreamProducer::connect(&config, SOURCE).await.unwrap();
    producer.publish(&batch(0, 7)).await.unwrap();
    let mut consumer = begin(&config, Start::At(Place(1_000))).await;
    producer.publish(&batch(7, 9)).await.unwrap();
    let mut reader = Reader::default();
    reader.applied.insert(0, (0, None));
    within("all of it", reader.read_to(&mut consumer, &[(0, 9)])).await;
    assert_eq!(reader.duplicates, 0);
}

/// Not every message that is delivered in a chunk was asked for.
#[tokio::test]
async fn a_position_within_a_chunk_is_met_exactly() {
    let Some(config) = shared("a_position_within_a_chunk", QueueType::Stream) else {
        return;
    };
    let mut producer = StreamProducer::connect(&config, SOURCE).await.unwrap();
    producer.publish(&batch(0, 500)).await.unwrap();
    for wanted in [1, 2, 250, 498, 499] {
        let mut consumer = begin(&config, Start::At(Place(wanted))).await;
        let incoming = next(&mut consumer).await;
        assert_eq!(
            (number(&incoming), incoming.next),
            (wanted, Place(wanted + 1))
        );
    }
}

/// Two analyzers of one stream would both get everything: the second waits for the first's end.
#[tokio::test]
async fn a_stream_has_one_analyzer_and_another_takes_over_when_it_ends() {
    let Some(config) = shared("one_analyzer", QueueType::Stream) else {
        return;
    };
    let mut first = StreamConsumer::connect_alone(&config).await.unwrap();
    assert_eq!(first.next().await.unwrap(), Event::Assigned(0));
    let second = StreamConsumer::connect_alone(&config).await.unwrap_err();
    assert!(
        matches!(&second, QueueError::Lost { reason, .. } if reason.contains("another analyzer")),
        "{second}"
    );
    // Who only looks is not kept away, and the first goes on.
    let mut looker = begin(&config, Start::Oldest).await;
    first.start(0, Start::Oldest).await.unwrap();
    let mut producer = StreamProducer::connect(&config, SOURCE).await.unwrap();
    producer.publish(&batch(0, 3)).await.unwrap();
    for consumer in [&mut first, &mut looker] {
        for expected in 0..3 {
            assert_eq!(number(&next(consumer).await), expected);
        }
    }
    drop(first);
    let taken_over = async {
        while StreamConsumer::connect_alone(&config).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    within("the stream to be free", taken_over).await;
}
