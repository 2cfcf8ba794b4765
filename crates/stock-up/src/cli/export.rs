//! `export`: what a data directory holds, as files.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};
use stock_up_core::{Record, Span};
use stock_up_io::store::{SeriesFilter, StoreReader};
use stock_up_io::tape::{TapeFormat, TapeWriter};
use stock_up_io::text::Format;

use super::output::Output;
use super::value;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::replay::Records;

/// Text is written when there is so much of it.
const CHUNK_BYTES: usize = 256 << 10;

const EXAMPLES: &str = "\
Examples:
  stock-up export trades data --symbol SPY --from 2013-10-08T13:30:00Z --output spy.csv
  stock-up export series data --window 60s --format jsonl";

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
    /// Not in this build
    Parquet,
}

/// Does `export`.
pub(super) fn export(args: ExportArgs) -> Outcome {
    match args.what {
        What::Trades { common } => trades(&common),
        What::Series { common, window } => series(&common, window),
    }
}

fn trades(args: &Common) -> Outcome {
    let format = match args.format {
        FormatName::Csv => TapeFormat::Csv,
        FormatName::Jsonl => TapeFormat::Jsonl,
        FormatName::Parquet => return Err(no_parquet()),
    };
    let times = args.times()?;
    let dir = DataDir::open(&args.dir)?;
    let out = Output::open(args.output.as_deref())?;
    let records = Records::open(&dir, out.bar())?;
    let mut writer = TapeWriter::new(out, format);
    records.each(|first, record| {
        let Record::Trades(batch) = record else {
            return Ok(());
        };
        let wanted = args
            .symbol
            .as_deref()
            .map(|symbol| batch.names.find(symbol));
        for (seq, trade) in (first..).zip(&batch.trades) {
            let is_wanted = wanted.is_none_or(|symbol| symbol == Some(trade.symbol));
            if is_wanted && times.contains(&trade.ts_event) {
                writer.write(trade, &batch.names, batch.ts_recv, seq)?;
            }
        }
        Ok(())
    })?;
    writer.finish()?.finish()
}

fn series(args: &Common, window: Option<Span>) -> Outcome {
    let format = match args.format {
        FormatName::Csv => Format::Csv,
        FormatName::Jsonl => Format::Jsonl,
        FormatName::Parquet => return Err(no_parquet()),
    };
    args.times()?;
    let dir = DataDir::open(&args.dir)?;
    let store = StoreReader::open(dir.path()).map_err(Failure::data_dir)?;
    let (symbol, from, to) = (args.symbol.as_deref(), args.from, args.to);
    let filter = SeriesFilter {
        symbol,
        window,
        from,
        to,
    };
    let mut out = Output::open(args.output.as_deref())?;
    let mut text = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
    format.write_header(&mut text);
    let mut written: Outcome = Ok(());
    let exported = store.export_series(&filter, |row| {
        written = write_row(format, &row.point, &row.symbol, &mut text, &mut out);
        if written.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    written?;
    exported.map_err(Failure::data_dir)?;
    out.write_all(&text)?;
    out.finish()
}

fn write_row(
    format: Format,
    point: &stock_up_core::Point,
    symbol: &str,
    text: &mut Vec<u8>,
    out: &mut Output,
) -> Outcome {
    format.write_point(point, symbol, text)?;
    if text.len() >= CHUNK_BYTES {
        out.write_all(text)?;
        text.clear();
    }
    Ok(())
}

impl Common {
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

fn no_parquet() -> Failure {
    Failure::usage(anyhow!("parquet is not built in; use csv"))
}
