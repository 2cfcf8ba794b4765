//! The binary as its users meet it.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic like tests")]

mod bad_input;
mod capture;
mod cli;
#[path = "../../../io/tests/it/daemon.rs"]
mod daemon;
mod data_dir;
#[expect(dead_code, reason = "its other tests use more of it")]
#[path = "../../../io/tests/it/etcd/server.rs"]
mod etcd;
mod export;
mod gaps;
mod handover;
mod influxdb;
#[cfg(feature = "kafka")]
mod points_topic;
mod process;
#[expect(dead_code, reason = "its other tests use more of it")]
#[path = "../../../io/tests/it/redis/server.rs"]
mod redis;
mod replay;
mod replay_log;
mod republish;
mod roles;
mod serve;
mod shared;
mod tapes;
mod venue;
mod verify;
