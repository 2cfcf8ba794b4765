//! RabbitMQ: a queue with confirmations, or a stream.
//!
//! By default the queue is a quorum queue: what is confirmed is on the disks of the majority. A
//! message holds many trades, for brokers count messages. All messages go through one queue, in
//! order, to one active consumer; so there is one partition.
//!
//! Nothing here reconnects. The client's own recovery is not used: the owner of an adapter knows
//! what was confirmed and what was saved, and begins there with a new connection.
//!
//! To try it: `docker run -p 5672:5672 rabbitmq:3-management`, or Debian's `rabbitmq-server`;
//! set `host`, `user` and `password`, and let `stock-up doctor` look.

mod config;
mod consumer;
mod dial;
mod fault;
mod link;
mod probe;
mod producer;
mod rewind;
mod runtime;
mod stream;
mod topology;

pub use config::{MAX_PREFETCH, QueueType, RabbitmqConfig};
pub use consumer::RabbitmqConsumer;
pub use probe::probe;
pub use producer::RabbitmqProducer;
pub use rewind::{RewindAsker, RewindRequests};
pub use stream::{StreamConsumer, StreamProducer};
