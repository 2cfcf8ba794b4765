//! The adapters against files, sockets and recorded tapes.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic like tests")]

mod certificates;
#[cfg(any(feature = "etcd", feature = "redis"))]
mod daemon;
#[cfg(feature = "etcd")]
mod etcd;
mod feed;
mod grafana;
#[cfg(feature = "kafka")]
mod kafka;
mod needs;
mod python;
mod queue;
#[cfg(feature = "rabbitmq")]
mod rabbitmq;
#[cfg(feature = "redis")]
mod redis;
mod settings;
mod sink;
mod store;
mod tape;
mod tapes;
