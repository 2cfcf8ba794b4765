//! What a person hears when the configuration and the broker do not agree; and `doctor`.

use std::convert::Infallible;
use std::time::Duration;

use stock_up_core::Span;
use stock_up_io::feed::Secret;
use stock_up_io::queue::rabbitmq::{
    QueueType, RabbitmqConfig, RabbitmqConsumer, RabbitmqProducer, probe,
};
use stock_up_io::queue::{Producer as _, QueueError};
use tokio::net::TcpListener;

use super::either::EitherProducer;
use super::place::{named, shared};
use crate::queue::ledger::message;
use crate::queue::within;

const TYPES: [QueueType; 2] = [QueueType::Quorum, QueueType::Stream];

async fn refused(config: &RabbitmqConfig) -> QueueError {
    let tried = within("an answer", EitherProducer::connect(config)).await;
    tried.err().expect("this cannot be opened")
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_shown_nowhere() {
    for queue_type in TYPES {
        let Some(mut config) = shared("a_wrong_password", queue_type) else {
            return;
        };
        config.password = Secret::new("CANARY-7f3a");
        let error = refused(&config).await;
        assert!(matches!(error, QueueError::Refused { .. }), "{error}");
        assert!(!error.is_passing());
        assert!(!format!("{error} {error:?} {config:?}").contains("CANARY"));
        let probed = probe(&config).await.unwrap_err();
        assert_eq!(probed, error);
    }
}

#[tokio::test]
async fn a_virtual_host_that_is_not_there_is_named() {
    for queue_type in TYPES {
        let Some(mut config) = shared("a_virtual_host", queue_type) else {
            return;
        };
        "elsewhere".clone_into(&mut config.vhost);
        let error = refused(&config).await;
        assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
        assert!(error.to_string().contains("elsewhere"), "{error}");
    }
}

#[tokio::test]
async fn a_broker_that_is_away_is_a_matter_of_time() {
    for queue_type in TYPES {
        let mut config = named(queue_type);
        "127.0.0.1".clone_into(&mut config.host);
        // A port that was free a moment ago.
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        config.port = free.local_addr().unwrap().port();
        config.stream_port = config.port;
        drop(free);
        let error = refused(&config).await;
        assert!(error.is_passing(), "{error}");
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn a_port_that_never_answers_costs_no_more_than_the_time_limit() {
    for queue_type in TYPES {
        let mut config = named(queue_type);
        "127.0.0.1".clone_into(&mut config.host);
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        config.port = silent.local_addr().unwrap().port();
        config.stream_port = config.port;
        config.connect_timeout = Span::from_ns(300_000_000);
        let error = refused(&config).await;
        assert!(error.is_passing(), "{error}");
        assert!(error.to_string().contains("300ms"), "{error}");
        // Nothing of it stays behind: the connection is closed, not only forgotten.
        let (mut socket, _) = silent.accept().await.unwrap();
        let mut heard = Vec::new();
        let ended = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut heard);
        within("the end of the connection", ended).await.ok();
    }
}

/// Says `answer` to whoever comes first, and then nothing.
async fn say(listener: TcpListener, answer: &[u8]) -> Infallible {
    let (mut socket, _) = listener.accept().await.unwrap();
    let said = tokio::io::AsyncWriteExt::write_all(&mut socket, answer);
    said.await.ok();
    std::future::pending().await
}

#[tokio::test]
async fn something_that_is_no_broker_is_an_error_and_no_panic() {
    let answers = [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        &[0xff; 64],
        &[0; 64],
    ];
    for (answer, queue_type) in answers.into_iter().flat_map(|a| TYPES.map(|t| (a, t))) {
        let mut config = named(queue_type);
        "127.0.0.1".clone_into(&mut config.host);
        config.connect_timeout = Span::from_secs(2);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        config.port = listener.local_addr().unwrap().port();
        config.stream_port = config.port;
        let error = tokio::select! {
            error = refused(&config) => error,
            never = say(listener, answer) => match never {},
        };
        assert!(error.is_passing(), "{error}");
    }
}

#[tokio::test]
async fn a_queue_of_another_kind_is_described_and_left_alone() {
    let Some(config) = shared("a_queue_of_another_kind", QueueType::Classic) else {
        return;
    };
    let mut producer = RabbitmqProducer::connect(&config).await.unwrap();
    producer.publish(&[message(0, 0)]).await.unwrap();
    let quorum = RabbitmqConfig {
        queue_type: QueueType::Quorum,
        ..config.clone()
    };
    let errors = [
        RabbitmqProducer::connect(&quorum).await.unwrap_err(),
        RabbitmqConsumer::connect(&quorum).await.unwrap_err(),
        probe(&quorum).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
        let text = error.to_string();
        for word in [&config.queue, "x-queue-type", "queue_type", "classic"] {
            assert!(text.contains(word), "{text}");
        }
    }
    let stream = RabbitmqConfig {
        queue_type: QueueType::Stream,
        ..config.clone()
    };
    let error = refused(&stream).await;
    assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
    // The message is still there, and the doctor sees it.
    let found = probe(&config).await.unwrap();
    assert!(found.contains("classic queue"), "{found}");
}

#[tokio::test]
async fn without_the_right_to_declare_what_is_missing_is_an_error() {
    for queue_type in TYPES {
        let Some(mut config) = shared("without_declare", queue_type) else {
            return;
        };
        config.declare = false;
        let error = refused(&config).await;
        assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
        assert!(probe(&config).await.is_err());
        // With it, doctor makes nothing either: it is the first start that does.
        config.declare = true;
        let found = probe(&config).await.unwrap();
        assert!(found.contains("not there yet"), "{found}");
        assert!(probe(&config).await.unwrap().contains("not there yet"));
        EitherProducer::connect(&config).await.unwrap();
        config.declare = false;
        EitherProducer::connect(&config).await.unwrap();
        let found = probe(&config).await.unwrap();
        assert!(found.contains("is there"), "{found}");
    }
}

#[tokio::test]
async fn a_failed_start_leaves_no_thread_behind() {
    let Some(mut config) = shared("a_failed_start", QueueType::Quorum) else {
        return;
    };
    config.password = Secret::new("wrong");
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    refused(&config).await;
    let before = threads();
    for _ in 0..5 {
        refused(&config).await;
    }
    let mut poll = tokio::time::interval(Duration::from_millis(20));
    // Other tests run beside this one, so it waits for a moment with no more than before.
    within("the end of the threads", async {
        while threads() > before {
            poll.tick().await;
        }
    })
    .await;
}
