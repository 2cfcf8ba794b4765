//! The stories: each is given a broker with an empty queue.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use stock_up_io::queue::{Consumer, Event, Incoming, Outgoing, Place, Producer, Start};

use super::ledger::{Reader, message, number, sized, start};
use super::{Broker, Promises, within};

/// `count` messages for each of `partitions`, taking turns.
fn messages(partitions: u32, from: u64, count: u64) -> Vec<Outgoing> {
    (from..from + count)
        .flat_map(|seq| (0..partitions).map(move |partition| message(partition, seq)))
        .collect()
}

fn ends(partitions: u32, end: u64) -> Vec<(u32, u64)> {
    (0..partitions).map(|partition| (partition, end)).collect()
}

/// The next message; partitions that are assigned meanwhile begin at the oldest.
async fn next_message<C: Consumer>(consumer: &mut C) -> Incoming {
    loop {
        match within("an event", consumer.next()).await.unwrap() {
            Event::Assigned(partition) => consumer.start(partition, Start::Oldest).await.unwrap(),
            Event::Revoked(partition) => consumer.release(partition).await.unwrap(),
            Event::Message(incoming) => return incoming,
        }
    }
}

/// What is published in order is read in order, partition by partition, without a hole.
pub(crate) async fn a_partition_keeps_its_order<B: Broker>(broker: &B) {
    let mut producer = broker.producer().await;
    let partitions = producer.partitions();
    let mut consumer = broker.consumer().await;
    let publishing = async {
        for from in (0..500).step_by(50) {
            let batch = messages(partitions, from, 50);
            producer.publish(&batch).await.unwrap();
        }
    };
    let mut reader = Reader::default();
    let all = ends(partitions, 500);
    let reading = reader.read_to(&mut consumer, &all);
    within("all messages", async { tokio::join!(publishing, reading) }).await;
    assert_eq!(reader.duplicates, 0);
}

/// No byte is lost of a message of any size, and none at all is a message too.
pub(crate) async fn an_empty_and_a_large_message_arrive_as_they_are<B: Broker>(broker: &B) {
    let mut producer = broker.producer().await;
    let mut empty = message(0, 0);
    empty.payload.clear();
    let large = sized(0, 1, broker.promises().largest);
    let small = message(0, 2);
    let mut consumer = broker.consumer().await;
    for sent in [empty, large, small] {
        let publishing = producer.publish(std::slice::from_ref(&sent));
        within("confirmation", publishing).await.unwrap();
        let came = next_message(&mut consumer).await;
        assert_eq!(came.partition, sent.partition);
        assert!(came.payload == sent.payload, "the payload is another one");
    }
}

/// Producers and consumers end in the middle of their work; all of it arrives.
pub(crate) async fn dropping_either_end_at_any_point_leaves_no_hole<B: Broker>(broker: &B) {
    const END: u64 = 400;
    let partitions = broker.producer().await.partitions();
    let publishing = async {
        let mut confirmed = 0;
        for round in 0.. {
            // Some rounds have less time than they need: the call is dropped half done.
            let time = Duration::from_millis(if round < 8 { 1 + round } else { 60_000 });
            confirmed = publish_some(broker, partitions, (confirmed, END), time).await;
            if confirmed == END {
                return;
            }
        }
    };
    let reading = async {
        let mut reader = Reader::default();
        let all = ends(partitions, END);
        for round in 1.. {
            if read_some(broker, &mut reader, &all, 130 * round).await {
                return;
            }
        }
    };
    within("all messages", async { tokio::join!(publishing, reading) }).await;
}

/// Publishes up to 100 messages with one producer; says how many are confirmed then.
async fn publish_some<B: Broker>(
    broker: &B,
    partitions: u32,
    (confirmed, end): (u64, u64),
    time: Duration,
) -> u64 {
    let mut producer = broker.producer().await;
    for from in (confirmed..end.min(confirmed + 100)).step_by(20) {
        let batch = messages(partitions, from, 20);
        match tokio::time::timeout(time, producer.publish(&batch)).await {
            Ok(published) => published.unwrap(),
            Err(_) => return from,
        }
    }
    end.min(confirmed + 100)
}

/// Reads so many events with one consumer, which ends without having saved the last of them;
/// says whether all was read.
async fn read_some<B: Broker>(
    broker: &B,
    reader: &mut Reader,
    all: &[(u32, u64)],
    events: u64,
) -> bool {
    let mut consumer = broker.consumer().await;
    reader.applied.clear();
    for event in 0..events {
        if reader.has(all) {
            return true;
        }
        reader.step(&mut consumer).await.unwrap();
        if event % 50 == 0 {
            reader.save_all(&mut consumer).await.unwrap();
        }
    }
    false
}

/// `At(place)` gives the next message and nothing before it; `Oldest` gives all of them.
pub(crate) async fn reading_begins_exactly_where_it_is_told_to<B: Broker>(broker: &B) {
    if !broker.promises().replays {
        return;
    }
    let mut producer = broker.producer().await;
    let batch: Vec<_> = (0..40).map(|seq| message(0, seq)).collect();
    producer.publish(&batch).await.unwrap();
    let mut places = vec![None];
    let mut consumer = broker.consumer().await;
    for seq in 0..40 {
        let incoming = next_message(&mut consumer).await;
        assert_eq!(number(&incoming), seq);
        places.push(Some(incoming.next));
        // Also what is said to be saved can be read again.
        consumer.saved(0, incoming.next).await.unwrap();
    }
    drop(consumer);
    for from in [0, 1, 17, 39, 40] {
        let mut consumer = broker.consumer().await;
        let mut began = false;
        while !began {
            match within("assignment", consumer.next()).await.unwrap() {
                Event::Assigned(0) => {
                    consumer.start(0, start(places[from])).await.unwrap();
                    began = true;
                }
                Event::Assigned(other) => consumer.start(other, Start::Oldest).await.unwrap(),
                other => panic!("{other:?} before anything was started"),
            }
        }
        if from == 40 {
            // Nothing is there yet: the next one is what will be published now.
            producer.publish(&[message(0, 40)]).await.unwrap();
        }
        assert_eq!(number(&next_message(&mut consumer).await), from as u64);
    }
}

/// Where the broker forgets what is saved, the next reader gets the rest, and all of it.
pub(crate) async fn what_is_saved_is_not_read_again_by_the_next_one<B: Broker>(broker: &B) {
    let mut producer = broker.producer().await;
    let batch: Vec<_> = (0..60).map(|seq| message(0, seq)).collect();
    producer.publish(&batch).await.unwrap();
    let mut consumer = broker.consumer().await;
    let mut place = Place(0);
    for seq in 0..30 {
        let incoming = next_message(&mut consumer).await;
        assert_eq!(number(&incoming), seq);
        if seq == 19 {
            place = incoming.next;
            consumer.saved(0, place).await.unwrap();
        }
    }
    drop(consumer);
    let mut reader = Reader::default();
    reader.saved.insert(0, (20, Some(place)));
    let mut next = broker.consumer().await;
    within("the rest", reader.read_to(&mut next, &[(0, 60)])).await;
    if broker.promises().replays {
        assert_eq!(reader.duplicates, 0);
    }
}

/// A second reader joins and takes over; then the first one goes. Nothing is missed or doubled.
pub(crate) async fn two_readers_share_and_hand_over<B: Broker>(broker: &B) {
    let Promises {
        hands_over,
        replays,
        ..
    } = broker.promises();
    if !hands_over {
        return;
    }
    let mut producer = broker.producer().await;
    let partitions = producer.partitions();
    assert!(partitions > 1, "one partition cannot be shared");
    // What is saved is what both of them can see.
    let saved = Mutex::new(Reader::default().saved);
    let mut first = Member::new(broker.consumer().await, &saved);
    producer
        .publish(&messages(partitions, 0, 50))
        .await
        .unwrap();
    within(
        "all partitions",
        first.read_until(|m| m.has(partitions, 50)),
    )
    .await;

    let mut second = Member::new(broker.consumer().await, &saved);
    producer
        .publish(&messages(partitions, 50, 50))
        .await
        .unwrap();
    // Each goes on reading until both have their share, and all of it.
    let shared = |first: &Member<'_, B::Consumer>, second: &Member<'_, B::Consumer>| {
        let owned = [first.owned(), second.owned()];
        owned.iter().sum::<u32>() == partitions
            && !owned.contains(&0)
            && first.has(owned[0], 100)
            && second.has(owned[1], 100)
    };
    within("a share for each", async {
        while !shared(&first, &second) {
            either(&mut first, &mut second).await;
        }
    })
    .await;

    first.save().await;
    let duplicates = first.reader.duplicates;
    drop(first);
    producer
        .publish(&messages(partitions, 100, 50))
        .await
        .unwrap();
    within("the rest", second.read_until(|m| m.has(partitions, 150))).await;
    if replays {
        assert_eq!(duplicates + second.reader.duplicates, 0);
    }
}

type Saved = BTreeMap<u32, (u64, Option<Place>)>;

/// A reader whose saved states others can take over.
struct Member<'a, C> {
    consumer: C,
    reader: Reader,
    shared: &'a Mutex<Saved>,
}

impl<'a, C: Consumer> Member<'a, C> {
    fn new(consumer: C, shared: &'a Mutex<Saved>) -> Self {
        let reader = Reader::default();
        Self {
            consumer,
            reader,
            shared,
        }
    }

    fn owned(&self) -> u32 {
        self.reader.applied.len().try_into().unwrap()
    }

    /// Whether it owns so many partitions and has read each to `end`.
    fn has(&self, partitions: u32, end: u64) -> bool {
        let read = |(next, _): &(u64, _)| *next == end;
        self.owned() == partitions && self.reader.applied.values().all(read)
    }

    async fn read_until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            let event = self.consumer.next().await.unwrap();
            self.take(event).await;
        }
    }

    async fn take(&mut self, event: Event) {
        match event {
            Event::Assigned(partition) => {
                let known = self.shared.lock().unwrap().get(&partition).copied();
                let state = known.unwrap_or_default();
                self.reader.applied.insert(partition, state);
                let from = start(state.1);
                self.consumer.start(partition, from).await.unwrap();
            }
            Event::Revoked(partition) => {
                self.reader
                    .save(&mut self.consumer, partition)
                    .await
                    .unwrap();
                let state = self.reader.applied.remove(&partition).unwrap();
                self.shared.lock().unwrap().insert(partition, state);
                self.consumer.release(partition).await.unwrap();
            }
            Event::Message(incoming) => self.reader.apply(&incoming),
        }
    }

    async fn save(&mut self) {
        self.reader.save_all(&mut self.consumer).await.unwrap();
        let mut shared = self.shared.lock().unwrap();
        shared.extend(self.reader.applied.clone());
    }
}

/// Whoever has an event first takes it. Only waiting is cancelled for the other, never taking.
async fn either<'a, C: Consumer>(first: &mut Member<'a, C>, second: &mut Member<'a, C>) {
    tokio::select! {
        event = first.consumer.next() => first.take(event.unwrap()).await,
        event = second.consumer.next() => second.take(event.unwrap()).await,
    }
}
