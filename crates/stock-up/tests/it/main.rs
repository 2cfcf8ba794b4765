//! The binary as its users meet it.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic like tests")]

mod bad_input;
mod capture;
#[cfg(all(feature = "redis", feature = "kafka"))]
mod checkpoints;
mod cli;
#[cfg(any(feature = "etcd", feature = "redis"))]
#[path = "../../../io/tests/it/daemon.rs"]
mod daemon;
mod data_dir;
#[cfg(feature = "etcd")]
#[expect(dead_code, reason = "its other tests use more of it")]
#[path = "../../../io/tests/it/etcd/server.rs"]
mod etcd;
mod export;
mod gaps;
#[cfg(all(feature = "redis", feature = "kafka"))]
mod handover;
mod influxdb;
mod influxdb2;
#[path = "../../../io/tests/it/needs.rs"]
mod needs;
#[cfg(feature = "kafka")]
mod points_topic;
mod process;
#[cfg(feature = "redis")]
#[expect(dead_code, reason = "its other tests use more of it")]
#[path = "../../../io/tests/it/redis/server.rs"]
mod redis;
mod replay;
mod replay_log;
mod republish;
mod roles;
mod serve;
#[cfg(feature = "etcd")]
mod settings;
mod tapes;
mod venue;
mod verify;
