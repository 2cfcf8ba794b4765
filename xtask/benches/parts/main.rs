//! The parts of the bench that need optimised code: `cargo xtask bench [PART…]` starts this once
//! per part, so that none inherits the memory of another.
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

mod engine;
mod measure;
mod row;
mod tape;

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
        "engine" => engine::run(),
        other => bail!("there is no part `{other}`"),
    }
}
