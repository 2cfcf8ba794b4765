//! The binary `stock-up`: reads the command line, does the command, says how it ended.

mod analyze;
mod cli;
mod collect;
mod config;
mod data_dir;
mod failure;
mod follow;
mod hub;
mod progress;
mod publish;
mod queue;
mod replay;
mod run;
mod serve;
mod settings_source;
mod sink;
mod telemetry;
mod venue;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
use failure::{Failure, Kind};

fn main() -> ExitCode {
    let outcome = match Cli::try_parse() {
        Ok(cli) => cli::dispatch(cli),
        Err(answer) => return give(&answer),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has had enough.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&failure);
            failure.exit_code()
        }
    }
}

/// Help and version, which were asked for, or what is wrong with the command line.
fn give(answer: &clap::Error) -> ExitCode {
    // Nobody may be listening, which changes nothing.
    drop(answer.print());
    if answer.use_stderr() {
        ExitCode::from(Kind::Usage as u8)
    } else {
        ExitCode::SUCCESS
    }
}

fn tell(failure: &Failure) {
    drop(writeln!(io::stderr().lock(), "error: {failure}"));
}
