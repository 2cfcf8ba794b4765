//! The arguments of `replay`.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use stock_up_core::{AnalyzerSettings, Conditions, Emission, Span};
use stock_up_io::text::Format;

use super::output::Output;
use super::value::{self, ConditionsName};
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::replay::{Order, Overrides, Plan, Tapes, replay_log, replay_tapes};

const EXAMPLES: &str = "\
Examples:
  stock-up replay spy.csv.gz --window 60s,5m --output spy-windows.csv
  zcat spy.csv.gz | stock-up replay - --emit trade --format jsonl
  stock-up replay --log data --window 10s";

/// Computes windows from trade files or a data directory
///
/// Trade files are CSV, also gzipped, with the header
/// `timestamp_ns,symbol,price,size,conditions` (conditions may be absent) and rows in the order of
/// arrival. Equal input gives equal bytes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReplayArgs {
    /// Trade files, read one after another as one stream; `-` is standard input
    #[arg(
        value_name = "FILE",
        required_unless_present = "log",
        conflicts_with = "log"
    )]
    files: Vec<PathBuf>,

    /// Replays a data directory instead of files, with the settings in its log
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,

    /// Merges several files by time instead of reading one after another
    #[arg(long, conflicts_with = "log")]
    merge: bool,

    /// Lengths of the windows, such as 60s,5m [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = value::span, value_delimiter = ',')]
    window: Option<Vec<Span>>,

    /// A point every so often (1s), or after every trade (trade) [default: 1s]
    #[arg(long, value_name = "TIME|trade", value_parser = emit)]
    emit: Option<Emit>,

    /// How the points are written
    #[arg(long, value_enum, default_value_t = FormatName::Csv)]
    format: FormatName,

    /// Writes to a file, which appears when it is whole
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// How long a point waits for trades that are late [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = value::span)]
    lateness: Option<Span>,

    /// How far back points are emitted again for late trades [default: the longest window]
    #[arg(long, value_name = "TIME", value_parser = value::span)]
    revise: Option<Span>,

    /// Which trades may move which numbers [default: all]
    #[arg(long, value_enum)]
    conditions: Option<ConditionsName>,
}

/// When points are emitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Emit {
    Every(Span),
    Trade,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// Comma separated values with a header
    Csv,
    /// One JSON object per line
    Jsonl,
    /// InfluxDB line protocol
    Influx,
}

/// Does `replay`.
pub(super) fn replay(args: ReplayArgs) -> Outcome {
    check_output(&args)?;
    let dir = args.log.as_deref().map(DataDir::open).transpose()?;
    // A replay that cannot begin leaves no trace.
    let overrides = args.overrides();
    overrides
        .over(AnalyzerSettings::default())
        .map_err(Failure::usage)?;
    let mut output = Output::open(args.output.as_deref())?;
    let plan = Plan {
        overrides,
        emission: match args.emit {
            Some(Emit::Trade) => Emission::Trade,
            Some(Emit::Every(_)) | None => Emission::Grid,
        },
        format: args.format.into(),
        bar: output.bar(),
    };
    if let Some(dir) = dir {
        replay_log(plan, &dir, &mut output)?;
    } else {
        let order = if args.merge {
            Order::Merged
        } else {
            Order::Listed
        };
        replay_tapes(plan, Tapes::new(args.files, order), &mut output)?;
    }
    output.finish()
}

impl ReplayArgs {
    fn overrides(&self) -> Overrides {
        Overrides {
            windows: self.window.clone(),
            grid: match self.emit {
                Some(Emit::Every(grid)) => Some(grid),
                Some(Emit::Trade) | None => None,
            },
            lateness: self.lateness,
            revise: self.revise,
            conditions: self.conditions.map(Conditions::from),
        }
    }
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Csv => Self::Csv,
            FormatName::Jsonl => Self::Jsonl,
            FormatName::Influx => Self::InfluxWide,
        }
    }
}

fn emit(text: &str) -> Result<Emit, String> {
    if text == "trade" {
        return Ok(Emit::Trade);
    }
    let span = Span::parse(text);
    span.map(Emit::Every)
        .map_err(|error| format!("{error}, or \"trade\""))
}

/// The output must not take the place of what is being read.
fn check_output(args: &ReplayArgs) -> Outcome {
    let same = |file: &Path, output: &Path| match (file.canonicalize(), output.canonicalize()) {
        (Ok(file), Ok(output)) => file == output && file.is_file(),
        _ => false,
    };
    let Some(output) = args.output.as_deref() else {
        return Ok(());
    };
    match args.files.iter().find(|file| same(file, output)) {
        Some(file) => {
            let shown = file.display();
            Err(Failure::usage(anyhow!(
                "`{shown}` is both input and output; name another output"
            )))
        }
        None => Ok(()),
    }
}
