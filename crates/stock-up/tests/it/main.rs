//! The binary as its users meet it.

mod bad_input;
mod cli;
mod data_dir;
mod export;
mod gaps;
mod replay;
mod replay_log;
mod tapes;
mod verify;
