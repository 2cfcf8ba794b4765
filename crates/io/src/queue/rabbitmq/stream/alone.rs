//! One analyzer for each stream.
//!
//! RabbitMQ before 3.11 knows no single active consumer of a stream, and every reader gets every
//! message. So an analyzer holds a queue that belongs to its connection alone and takes nothing;
//! the broker gives it to no other before that connection has ended.

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Error, ErrorKind};

use crate::queue::QueueError;
use crate::queue::rabbitmq::config::RabbitmqConfig;
use crate::queue::rabbitmq::fault::Phase;
use crate::queue::rabbitmq::link::Link;
use crate::queue::rabbitmq::topology::short;

/// Another connection holds it (AMQP 0-9-1 reference, "constants").
const RESOURCE_LOCKED: u16 = 405;

/// The right to analyze a stream, held as long as its connection.
#[derive(Debug)]
pub(super) struct Alone(Link);

impl Alone {
    /// Takes the right; fails while another analyzer has it.
    pub(super) async fn claim(config: &RabbitmqConfig) -> Result<Self, QueueError> {
        let mut link = Link::open(config, "stock-up analyze, alone").await?;
        let channel = link.channel.clone();
        let options = QueueDeclareOptions {
            exclusive: true,
            auto_delete: true,
            ..QueueDeclareOptions::default()
        };
        let name = short(&format!("{}.analyzer", config.queue));
        let claim = async {
            let declared = channel.queue_declare(name, options, FieldTable::default());
            // An answer that is no: the connection lives on.
            match declared.await {
                Ok(_) => Ok(true),
                Err(error) if is_locked(&error) => Ok(false),
                Err(error) => Err(error),
            }
        };
        if link.patiently(Phase::Opening, claim).await? {
            return Ok(Self(link));
        }
        Err(link.lost(format!(
            "another analyzer reads the stream `{}`, which only one can; this one waits until it \
             ends",
            config.queue
        )))
    }

    /// Waits until the right is lost.
    pub(super) async fn lost(&mut self) -> QueueError {
        self.0.broken().await
    }
}

fn is_locked(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(said) if said.get_id() == RESOURCE_LOCKED)
}

/// Waits until the right is lost, if there is one.
pub(super) async fn lost(alone: Option<&mut Alone>) -> QueueError {
    match alone {
        Some(alone) => alone.lost().await,
        None => std::future::pending().await,
    }
}
