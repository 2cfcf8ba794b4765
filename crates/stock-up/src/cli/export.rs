//! `export`: what a data directory holds, as files.

mod series;
mod trades;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};
use stock_up_core::Span;

use super::output::Output;
use super::value;
use crate::failure::{Failure, Outcome};

const EXAMPLES: &str = "\
Examples:
  stock-up export trades data --symbol SPY --from 2013-10-08T13:30:00Z --output spy.csv
  stock-up export series data --window 60s --format parquet --output series.parquet";

/// Writes what a data directory holds: trades or series
///
/// Works while stock-up runs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every trade of the log, in its order, with the columns of trade files, then `ts_recv_ns,seq`
    #[command(after_help = EXAMPLES)]
    Trades {
        #[command(flatten)]
        common: Common,
    },
    /// Every point of the store, in the order of emission, with the columns of replay
    #[command(after_help = EXAMPLES)]
    Series {
        #[command(flatten)]
        common: Common,

        /// Only this window, such as 60s
        #[arg(long, value_name = "TIME", value_parser = value::span)]
        window: Option<Span>,
    },
}

#[derive(Debug, Args)]
struct Common {
    /// The data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// Only this symbol
    #[arg(long, value_parser = value::symbol)]
    symbol: Option<String>,

    /// Only from this time on: ns since 1970, or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = value::time, allow_negative_numbers = true)]
    from: Option<i64>,

    /// Only up to this time, itself included
    #[arg(long, value_name = "TIME", value_parser = value::time, allow_negative_numbers = true)]
    to: Option<i64>,

    /// How it is written
    #[arg(long, value_enum, default_value_t = FormatName::Csv)]
    format: FormatName,

    /// Writes to a file, which appears when it is whole
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// Comma separated values with a header
    Csv,
    /// One JSON object per line
    Jsonl,
    /// Apache Parquet: exact decimals, times in ns
    Parquet,
}

/// Does `export`.
pub(super) fn export(args: ExportArgs) -> Outcome {
    match args.what {
        What::Trades { common } => trades::export(&common),
        What::Series { common, window } => series::export(&common, window),
    }
}

impl Common {
    /// Where it is written.
    fn output(&self) -> Outcome<Output> {
        let out = Output::open(self.output.as_deref())?;
        let is_shown = matches!(&out, Output::Stdout(out) if out.is_terminal());
        if self.format == FormatName::Parquet && is_shown {
            let error = anyhow!("parquet is not for reading on a terminal; name a file: --output");
            return Err(Failure::usage(error));
        }
        Ok(out)
    }

    /// The interval that was asked for, closed at both ends.
    fn times(&self) -> Outcome<std::ops::RangeInclusive<i64>> {
        let (from, to) = (self.from.unwrap_or(i64::MIN), self.to.unwrap_or(i64::MAX));
        if from > to {
            let error = anyhow!("--from is after --to, so there is nothing between; swap them");
            return Err(Failure::usage(error));
        }
        Ok(from..=to)
    }
}

/// For a build without the format.
#[cfg(not(feature = "parquet"))]
fn no_parquet() -> Failure {
    Failure::usage(anyhow!(
        "this build has no parquet; use csv, or build with --features parquet"
    ))
}
