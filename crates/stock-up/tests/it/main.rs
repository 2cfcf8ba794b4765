//! The binary as its users meet it.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic like tests")]

mod bad_input;
mod capture;
mod cli;
mod data_dir;
mod export;
mod gaps;
mod influxdb;
mod process;
mod replay;
mod replay_log;
mod serve;
mod tapes;
mod venue;
mod verify;
