//! The queue in memory against the stories of all queues, and its faults on request.

use stock_up_io::queue::memory::{MemoryConsumer, MemoryProducer, MemoryQueue};
use stock_up_io::queue::{Consumer, Event, Place, Producer, QueueError, Start};

use super::ledger::{Reader, message};
use super::{Broker, Promises, conformance, within};

impl Broker for MemoryQueue {
    type Producer = MemoryProducer;
    type Consumer = MemoryConsumer;

    fn promises(&self) -> Promises {
        Promises {
            replays: true,
            hands_over: true,
            largest: 1 << 20,
        }
    }

    async fn producer(&self) -> MemoryProducer {
        self.producer()
    }

    async fn consumer(&self) -> MemoryConsumer {
        self.group_consumer()
    }
}

#[expect(clippy::unused_async, reason = "other brokers have to be waited for")]
async fn make(_story: &str) -> Option<MemoryQueue> {
    Some(MemoryQueue::new(4))
}

conformance!(make);

#[tokio::test]
async fn a_lost_confirmation_ends_everything_but_what_was_stored_stays() {
    let queue = MemoryQueue::new(1);
    queue.lose_confirms_after(2);
    let mut reading = queue.whole_consumer();
    let messages: Vec<_> = (0..3).map(|seq| message(0, seq)).collect();
    let error = queue.producer().publish(&messages).await.unwrap_err();
    assert!(error.is_passing(), "{error}");
    assert!(matches!(reading.next().await, Err(QueueError::Lost { .. })));

    queue.producer().publish(&messages).await.unwrap();
    let mut reader = Reader::default();
    let mut again = queue.whole_consumer();
    within("all", reader.read_to(&mut again, &[(0, 3)])).await;
    assert_eq!(reader.duplicates, 2);
}

#[tokio::test]
async fn what_retention_took_is_not_skipped() {
    let queue = MemoryQueue::new(1);
    let messages: Vec<_> = (0..9).map(|seq| message(0, seq)).collect();
    queue.producer().publish(&messages).await.unwrap();
    queue.forget(0, Place(5));
    let mut consumer = queue.whole_consumer();
    assert_eq!(consumer.next().await, Ok(Event::Assigned(0)));
    let error = consumer.start(0, Start::At(Place(4))).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("needed from 4 on, but begins at 5"), "{text}");
    assert!(!error.is_passing());
    let error = consumer.start(0, Start::At(Place(10))).await.unwrap_err();
    assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
}
