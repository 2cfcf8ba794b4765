//! Encrypted connections: our authority is trusted, any other is not.

use std::path::PathBuf;

use stock_up_io::feed::acceptor;
use stock_up_io::queue::rabbitmq::{QueueType, RabbitmqConfig};
use stock_up_io::queue::{Consumer as _, Event, Producer as _, QueueError, Start};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::either::{EitherConsumer, EitherProducer};
use super::place::shared;
use crate::queue::ledger::{message, number};
use crate::queue::within;

/// TLS in front of a broker without it; ends with its value.
struct Curtain {
    port: u16,
    folder: TempDir,
    _task: JoinSet<()>,
}

impl Curtain {
    async fn before(port: u16) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (
            folder.path().join("cert.pem"),
            folder.path().join("key.pem"),
        );
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let acceptor = acceptor(&cert, &key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut pipes = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                pipes.spawn(uncover(client, acceptor.clone(), port));
            }
        });
        Self {
            port: own,
            folder,
            _task: task,
        }
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }
}

/// One connection, in clear to the broker; nothing if the client does not trust us.
async fn uncover(client: TcpStream, acceptor: TlsAcceptor, port: u16) {
    let Ok(mut client) = acceptor.accept(client).await else {
        return;
    };
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    tokio::io::copy_bidirectional(&mut client, &mut server)
        .await
        .ok();
}

async fn behind(queue_type: QueueType) -> Option<(Curtain, RabbitmqConfig)> {
    let mut config = shared("tls", queue_type)?;
    let port = match queue_type {
        QueueType::Stream => config.stream_port,
        _ => config.port,
    };
    let curtain = Curtain::before(port).await;
    "localhost".clone_into(&mut config.host);
    config.port = curtain.port;
    config.stream_port = curtain.port;
    config.tls = true;
    Some((curtain, config))
}

#[tokio::test]
async fn messages_pass_with_the_right_authority_and_not_without() {
    for queue_type in [QueueType::Quorum, QueueType::Stream] {
        let Some((curtain, mut config)) = behind(queue_type).await else {
            return;
        };
        let error = EitherProducer::connect(&config).await.err().unwrap();
        assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
        assert!(error.to_string().contains("ca_file"), "{error}");

        config.ca_file = curtain.ca_file();
        let mut producer = EitherProducer::connect(&config).await.unwrap();
        producer.publish(&[message(0, 0)]).await.unwrap();
        let mut consumer = EitherConsumer::connect(&config).await.unwrap();
        assert_eq!(consumer.next().await.unwrap(), Event::Assigned(0));
        consumer.start(0, Start::Oldest).await.unwrap();
        let Event::Message(incoming) = within("a message", consumer.next()).await.unwrap() else {
            panic!("no message");
        };
        assert_eq!(number(&incoming), 0);

        config.ca_file = curtain.folder.path().join("none.pem");
        let error = EitherProducer::connect(&config).await.err().unwrap();
        assert!(matches!(error, QueueError::Misconfigured { .. }), "{error}");
        assert!(error.to_string().contains("none.pem"), "{error}");
    }
}
