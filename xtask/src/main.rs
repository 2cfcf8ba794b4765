//! The project's one command surface: everything a developer or a CI machine runs, in Rust, so
//! that it needs nothing but cargo.
//!
//! `Makefile` and `.ci/run` only call what is here.
//! One file per noun: `ci` is the list of steps, `setup` what they need installed, `tidy` what
//! clippy cannot see.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to the person who called it"
)]

mod bench;
mod chain;
mod ci;
mod deny;
mod deploy;
mod docs;
mod page;
mod run;
mod services;
mod setup;
mod shell;
mod stopwatch;
mod tapes;
mod tidy;
mod transcript;
mod web;
mod workspace;

use std::process::ExitCode;

use anyhow::bail;

const HELP: &str = "\
cargo xtask <command>

  run [ARGS…]          build the page and the release binary, then `stock-up run ARGS…`
  ci [--only STEP]     install what the tests need, then check everything
     [--keep-going]    do not stop at the first step that fails
     [--list]          print the steps
  tidy                 what clippy cannot see: headers, sizes, words, links, the crate graph
  docs [--check]       write the documents that the binary generates, or compare them
  services <command>   real servers for tests: up, status, down, stop, kill, start, freeze, thaw
  chain                a recorded day through every transport while servers and roles fail
  bench [PART…]        measure; every figure beside a peer from the same run
  help                 this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[&str]) -> anyhow::Result<()> {
    match arguments {
        ["run", rest @ ..] => run::run(rest),
        ["ci", rest @ ..] => ci::run(&ci::Options::parse(rest)?),
        ["tidy"] => tidy::run(),
        ["docs"] => docs::write(),
        ["docs", "--check"] => docs::check().map(|note| println!("{note}")),
        ["services", rest @ ..] => services::run(rest),
        ["chain"] => chain::run().map(drop),
        ["bench", parts @ ..] => bench::run(parts),
        ["help" | "--help" | "-h"] | [] => {
            print!("{HELP}");
            Ok(())
        }
        other => bail!("`{}` is not a command\n\n{HELP}", other.join(" ")),
    }
}
