//! What every queue must do, told as stories that run against each of them.
//!
//! A transport implements [`Broker`] and calls [`conformance!`](conformance) with a function that
//! makes one for a story, or says loudly why it cannot and gives `None`.

pub(crate) mod ledger;
mod memory;
pub(crate) mod stories;

use std::time::Duration;

use stock_up_io::queue::{Consumer, Producer};

/// Longest wait for anything that should happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A broker, with a queue for one story alone.
pub(crate) trait Broker: Sync {
    /// What it is written with.
    type Producer: Producer;
    /// What it is read with.
    type Consumer: Consumer;

    /// What it promises beyond the seam.
    fn promises(&self) -> Promises;

    /// A new producer; tries again while the broker is away.
    fn producer(&self) -> impl Future<Output = Self::Producer> + Send;

    /// A new member of the one group; tries again while the broker is away.
    fn consumer(&self) -> impl Future<Output = Self::Consumer> + Send;
}

/// What a broker promises beyond the seam.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Promises {
    /// Messages can be read again from any position, also after they were said to be saved.
    pub(crate) replays: bool,
    /// Consumers of one group share the partitions, and hand them over.
    pub(crate) hands_over: bool,
    /// Size of the largest message in bytes.
    pub(crate) largest: usize,
}

/// `future`, or a panic that says what did not happen.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

/// Every story as a test. `$make` is an `async fn(story: &str) -> Option<impl Broker>`.
macro_rules! conformance {
    ($make:path: $($story:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                if let Some(broker) = $make(stringify!($story)).await {
                    crate::queue::stories::$story(&broker).await;
                }
            }
        )+
    };
    ($make:path) => {
        crate::queue::conformance!($make:
            a_partition_keeps_its_order,
            an_empty_and_a_large_message_arrive_as_they_are,
            dropping_either_end_at_any_point_leaves_no_hole,
            reading_begins_exactly_where_it_is_told_to,
            what_is_saved_is_not_read_again_by_the_next_one,
            two_readers_share_and_hand_over,
        );
    };
}
pub(crate) use conformance;
