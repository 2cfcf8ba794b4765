//! The stories that every queue must pass, on each kind that RabbitMQ has.

use std::time::Duration;

use stock_up_io::queue::QueueError;
use stock_up_io::queue::rabbitmq::{QueueType, RabbitmqConfig};

use super::either::{EitherConsumer, EitherProducer};
use super::place::shared;
use crate::queue::{Broker, Promises};

/// Pause between two tries to connect.
const PAUSE: Duration = Duration::from_millis(100);

/// One queue on the shared broker.
struct Rabbit(RabbitmqConfig);

impl Broker for Rabbit {
    type Producer = EitherProducer;
    type Consumer = EitherConsumer;

    fn promises(&self) -> Promises {
        Promises {
            replays: self.0.queue_type == QueueType::Stream,
            hands_over: false,
            largest: 512 << 10,
        }
    }

    async fn producer(&self) -> EitherProducer {
        again(|| EitherProducer::connect(&self.0)).await
    }

    async fn consumer(&self) -> EitherConsumer {
        again(|| EitherConsumer::connect(&self.0)).await
    }
}

/// Connects, again while the broker is away.
pub(crate) async fn again<T, F>(connect: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, QueueError>>,
{
    let mut pause = tokio::time::interval(PAUSE);
    loop {
        pause.tick().await;
        match connect().await {
            Ok(connected) => return connected,
            Err(error) => assert!(error.is_passing(), "{error}"),
        }
    }
}

mod quorum {
    #[expect(clippy::unused_async, reason = "other brokers have to be waited for")]
    async fn make(story: &str) -> Option<super::Rabbit> {
        super::shared(story, super::QueueType::Quorum).map(super::Rabbit)
    }
    crate::queue::conformance!(make);
}

mod classic {
    #[expect(clippy::unused_async, reason = "other brokers have to be waited for")]
    async fn make(story: &str) -> Option<super::Rabbit> {
        super::shared(story, super::QueueType::Classic).map(super::Rabbit)
    }
    crate::queue::conformance!(make);
}

mod stream {
    #[expect(clippy::unused_async, reason = "other brokers have to be waited for")]
    async fn make(story: &str) -> Option<super::Rabbit> {
        super::shared(story, super::QueueType::Stream).map(super::Rabbit)
    }
    crate::queue::conformance!(make);
}
