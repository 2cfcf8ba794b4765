//! The command line: what can be asked for, and who does it.
//!
//! Each command is a file with its arguments, its help and the function that does it; the work
//! itself is elsewhere. Arguments that are not given are `None`: configuration or defaults decide
//! then.

mod check;
mod docs;
mod doctor;
mod export;
mod gaps;
mod output;
mod replay;
mod republish;
mod run;
mod settings;
mod value;
mod venue;
mod verify;

use clap::{Parser, Subcommand};

use crate::failure::Outcome;

pub(crate) use run::{Roles, RunArgs, VenueName};

const ABOUT: &str = "Live trades in, trusted sliding-window numbers out.";

const EXAMPLES: &str = "\
Examples:
  stock-up run                             a simulated market at http://127.0.0.1:8080
  stock-up replay spy.csv.gz --window 60s  its windows, second by second
  stock-up <COMMAND> --help                more about a command";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "stock-up", version, about = ABOUT, after_help = EXAMPLES)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<RunArgs>),
    Replay(replay::ReplayArgs),
    Check(check::CheckArgs),
    Verify(verify::VerifyArgs),
    Gaps(gaps::GapsArgs),
    Export(export::ExportArgs),
    Republish(republish::RepublishArgs),
    Settings(settings::SettingsArgs),
    Doctor(doctor::DoctorArgs),
    Venue(venue::VenueArgs),
    #[command(hide = true)]
    Docs(docs::DocsArgs),
}

/// Does what was asked for.
pub(crate) fn dispatch(cli: Cli) -> Outcome {
    match cli.command {
        Command::Run(args) => crate::run::run(&args),
        Command::Replay(args) => replay::replay(args),
        Command::Check(args) => check::check(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Gaps(args) => gaps::gaps(&args),
        Command::Export(args) => export::export(args),
        Command::Republish(args) => republish::republish(&args),
        Command::Settings(args) => settings::settings(args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Venue(args) => venue::venue(args),
        Command::Docs(args) => docs::docs(&args),
    }
}
