//! The parts of the bench that need optimised code: `cargo xtask bench [PART…]` starts this once
//! per part, so that none inherits the memory of another.
//!
//! `engine`, `parse`, `fused` and `log` measure our crates in this process; the others measure the
//! release binary from outside ([`program`]).
//!
//! Each figure is printed as one line of JSON, which `cargo xtask bench` reads; progress goes to
//! the standard error stream.

#![expect(
    clippy::cast_precision_loss,
    reason = "figures are shown with three digits"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to the program that called it"
)]

mod capture;
mod engine;
mod frames;
mod fused;
mod http;
mod influxdb;
mod kafka;
mod latency;
mod log;
mod measure;
mod parse;
mod program;
mod replay;
mod restart;
mod row;
mod scratch;
mod stack;
mod tape;
mod tape_file;

use std::process::ExitCode;

use anyhow::bail;

use row::Row;

fn main() -> ExitCode {
    // `cargo bench` adds flags for its own harness, which this is not.
    let names = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'));
    for name in names {
        match run(&name) {
            Ok(rows) => rows.iter().for_each(|row| println!("{}", row.to_json())),
            Err(error) => {
                eprintln!("error: part `{name}`: {error:#}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn run(name: &str) -> anyhow::Result<Vec<Row>> {
    match name {
        "capture" => capture::run(),
        "engine" => engine::run(),
        "fused" => fused::run(),
        "influxdb" => influxdb::run(),
        "kafka" => kafka::run(),
        "latency" => latency::run(),
        "log" => log::run(),
        "parse" => parse::run(),
        "replay" => replay::run(),
        "restart" => restart::run(),
        "stack" => stack::run(),
        other => bail!("there is no part `{other}`"),
    }
}
