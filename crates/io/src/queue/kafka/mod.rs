//! Kafka, by librdkafka.
//!
//! Choices, each with its reason:
//!
//! - **Positions come from our own checkpoint**, never from the group: state and position belong
//!   together. The group is told what was saved only so that tools can show the lag.
//! - **Eager assignment (`range`)**: at each change of the group everybody saves, lets go of
//!   everything and begins again from the saved states. It costs a moment at each change, and there
//!   is no time at which two members think differently about who has what.
//! - **No transactions for records**: the sequence numbers in the messages are what nothing lost
//!   and nothing doubled rests on, so a producer may send again after any doubt. Points can be
//!   written in transactions for others ([`KafkaPointSink`]).
//! - **A `BaseConsumer` on a thread of its own**: the stream consumer of rust-rdkafka can fall
//!   silent (its issues 638, 848), and callbacks, rebalances and drops block.
//! - **An end instead of a repair**: after an error a client is thrown away. librdkafka's own
//!   reconnecting is used only for single brokers of a cluster that has others.
//!
//! TLS is OpenSSL's here, as librdkafka knows no other.

mod config;
mod consumer;
mod points;
mod probe;
mod producer;
mod topic;
mod watch;

pub use config::{
    Compression, ConfigError, DEFAULT_PARTITIONS, KafkaConfig, Mechanism, NewTopicConfig,
    PointsConfig, SaslConfig, TlsConfig,
};
pub use consumer::KafkaConsumer;
pub use points::KafkaPointSink;
pub use probe::probe;
pub use producer::{KafkaProducer, LARGEST_MESSAGE};
