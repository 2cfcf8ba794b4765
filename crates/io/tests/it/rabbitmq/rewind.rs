//! Requests for older trades, from the one end to the other.

use stock_up_io::queue::rabbitmq::{QueueType, RewindAsker, RewindRequests};

use super::place::shared;
use crate::queue::within;

#[tokio::test]
async fn a_request_waits_until_it_is_answered() {
    for queue_type in [QueueType::Quorum, QueueType::Classic, QueueType::Stream] {
        let Some(config) = shared("a_request_waits", queue_type) else {
            return;
        };
        let mut asker = RewindAsker::connect(&config).await.unwrap();
        asker.ask(b"from 17").await.unwrap();
        asker.ask(b"\xff\x00").await.unwrap();
        let mut requests = RewindRequests::connect(&config).await.unwrap();
        let first = within("a request", requests.next_rewind()).await.unwrap();
        assert_eq!(first, b"from 17");
        // It is not done when whoever answers dies: it comes again.
        drop(requests);
        let mut requests = RewindRequests::connect(&config).await.unwrap();
        let again = within("a request", requests.next_rewind()).await.unwrap();
        assert_eq!(again, b"from 17");
        requests.done().await.unwrap();
        requests.done().await.unwrap();
        drop(requests);
        let mut requests = RewindRequests::connect(&config).await.unwrap();
        let second = within("a request", requests.next_rewind()).await.unwrap();
        assert_eq!(second, b"\xff\x00");
    }
}
