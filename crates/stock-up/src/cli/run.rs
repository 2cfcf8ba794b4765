//! The arguments of `run`; what they leave open is up to the configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use stock_up_core::Span;
use stock_up_io::settings::{SettingsError, parse_symbols};

use super::value;

const EXAMPLES: &str = "\
Examples:
  stock-up run
  stock-up run --config stock-up.toml
  QUOTE_API_TOKEN=… stock-up run --symbols SPY,IBM --data-dir /var/lib/stock-up";

/// Captures trades, computes windows and serves the page
///
/// All roles in one process, or some of them beside others with a queue between them. Without
/// configuration and token: a simulated market, labelled so everywhere, and the page at
/// <http://127.0.0.1:8080>.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Roles of this process; all if not given
    #[arg(long, value_name = "ROLE", value_enum, value_delimiter = ',')]
    pub(crate) role: Option<Vec<Role>>,

    /// Where trades and windows are kept
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Address of the page and the API
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,

    /// Symbols to follow, such as SPY,IBM
    #[arg(long, value_name = "SYMBOLS", value_parser = symbols)]
    pub(crate) symbols: Option<Symbols>,

    /// Ends when no trade came for so long and everything is written
    #[arg(long, value_name = "TIME", value_parser = value::span)]
    pub(crate) until_idle: Option<Span>,

    /// Where the trades come from
    #[arg(long, value_enum)]
    pub(crate) venue: Option<VenueName>,

    /// File with the token that clients of the page and the API must show
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Certificate chain for HTTPS, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Lets other machines in without token and TLS: the network is trusted
    #[arg(long)]
    pub(crate) insecure: bool,
}

/// A part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Writes what the venue sends to the log
    Collect,
    /// Computes windows from the log
    Analyze,
    /// Shows them
    Serve,
}

/// Which parts of the work a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) collect: bool,
    pub(crate) analyze: bool,
    pub(crate) serve: bool,
}

impl Roles {
    /// All of them, as when none is named.
    pub(crate) const ALL: Self = Self {
        collect: true,
        analyze: true,
        serve: true,
    };

    pub(crate) fn of(args: &RunArgs) -> Self {
        let Some(named) = &args.role else {
            return Self::ALL;
        };
        Self {
            collect: named.contains(&Role::Collect),
            analyze: named.contains(&Role::Analyze),
            serve: named.contains(&Role::Serve),
        }
    }

    /// Whether it reads the queue, where there is one.
    pub(crate) fn follows(self) -> bool {
        self.analyze || self.serve
    }
}

/// A source of trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VenueName {
    /// A simulated market in this process
    Demo,
    /// Finnhub's websocket; needs a token
    Finnhub,
}

/// Symbols without repetition; may be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Symbols(pub(crate) Vec<String>);

fn symbols(text: &str) -> Result<Symbols, SettingsError> {
    parse_symbols(text).map(Symbols)
}
