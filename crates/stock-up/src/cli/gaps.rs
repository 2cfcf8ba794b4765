//! `gaps`: what was not observed, from the log.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use stock_up_core::{FeedChange, FeedEvent, GapCause, Record};
use stock_up_io::store::GapState;
use stock_up_io::text::csv::write_field;
use stock_up_io::text::json::write_string;

use super::output::Output;
use super::value::shown_time;
use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::progress::Bar;
use crate::replay::Records;

const EXAMPLES: &str = "\
Examples:
  stock-up gaps data
  stock-up gaps data --format jsonl";

const COLUMNS: [&str; 5] = ["from", "to", "symbols", "cause", "state"];

/// Lists what was not observed
///
/// From the log of a data directory, oldest first. Works while stock-up runs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct GapsArgs {
    /// The data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// How the gaps are written; csv and jsonl have times in ns
    #[arg(long, value_enum, default_value_t = FormatName::Table)]
    format: FormatName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// For people
    Table,
    /// Comma separated values with a header
    Csv,
    /// One JSON object per line
    Jsonl,
}

/// An interval in which trades may have been missed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Gap {
    from: i64,
    to: Option<i64>,
    /// Whose trades; empty for every symbol.
    symbols: Vec<String>,
    cause: GapCause,
}

/// Finds the gaps among the records.
#[derive(Debug, Default)]
struct Finder {
    subscribed: BTreeSet<String>,
    /// Symbols that nobody named are observed too.
    everything: bool,
    /// `collect` has begun anew: its first list of symbols replaces the old ones.
    restarted: bool,
    gaps: Vec<Gap>,
}

/// Does `gaps`.
pub(super) fn gaps(args: &GapsArgs) -> Outcome {
    let dir = DataDir::open(&args.dir)?;
    let mut finder = Finder::default();
    Records::open(&dir, Bar::Allowed)?.each(|_, record| {
        if let Record::Feed(change) = record {
            finder.take(change);
        }
        Ok(())
    })?;
    let mut text = Vec::new();
    match args.format {
        FormatName::Table => write_table(&finder.gaps, &mut text),
        FormatName::Csv => write_csv(&finder.gaps, &mut text),
        FormatName::Jsonl => write_jsonl(&finder.gaps, &mut text),
    }
    let mut out = Output::open(None)?;
    out.write_all(&text)?;
    out.finish()
}

impl Finder {
    fn take(&mut self, change: &FeedChange) {
        match &change.event {
            FeedEvent::Started { .. } => self.restarted = true,
            FeedEvent::Subscribed(symbols) => {
                if std::mem::take(&mut self.restarted) && !symbols.is_empty() {
                    self.subscribed.clear();
                }
                self.everything |= symbols.is_empty();
                self.subscribed.extend(symbols.iter().cloned());
            }
            FeedEvent::Unsubscribed(symbols) => {
                self.subscribed.retain(|symbol| !symbols.contains(symbol));
            }
            FeedEvent::GapOpened { from, cause } if !self.is_open() => {
                let named = self.subscribed.iter().filter(|_| !self.everything);
                let symbols = named.cloned().collect();
                self.gaps.push(Gap {
                    from: *from,
                    to: None,
                    symbols,
                    cause: *cause,
                });
            }
            FeedEvent::GapClosed => {
                if let Some(open) = self.gaps.last_mut().filter(|gap| gap.to.is_none()) {
                    open.to = Some(change.at.max(open.from));
                }
            }
            _ => {}
        }
    }

    fn is_open(&self) -> bool {
        self.gaps.last().is_some_and(|gap| gap.to.is_none())
    }
}

impl Gap {
    fn state(&self) -> GapState {
        if self.to.is_some() {
            GapState::GivenUp
        } else {
            GapState::Open
        }
    }

    fn cells(&self, time: impl Fn(i64) -> String) -> [String; 5] {
        let symbols = if self.symbols.is_empty() {
            "all".to_owned()
        } else {
            self.symbols.join(",")
        };
        [
            time(self.from),
            self.to.map(time).unwrap_or_default(),
            symbols,
            self.cause.name().to_owned(),
            self.state().name().to_owned(),
        ]
    }
}

fn write_table(gaps: &[Gap], out: &mut Vec<u8>) {
    let header = COLUMNS.map(str::to_uppercase);
    let rows: Vec<_> = gaps.iter().map(|gap| gap.cells(shown_time)).collect();
    let rows = || std::iter::once(&header).chain(&rows);
    let mut widths = [0; 5];
    for (width, column) in widths.iter_mut().zip(0..) {
        let cells = rows().filter_map(|row: &[String; 5]| row.get::<usize>(column));
        *width = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
    }
    for row in rows() {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        out.extend_from_slice(line.trim_end().as_bytes());
        out.push(b'\n');
    }
}

fn write_csv(gaps: &[Gap], out: &mut Vec<u8>) {
    out.extend_from_slice(b"from_ns,to_ns,symbols,cause,state\n");
    for gap in gaps {
        for (place, cell) in gap.cells(|ns| ns.to_string()).iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            write_field(cell, out);
        }
        out.push(b'\n');
    }
}

fn write_jsonl(gaps: &[Gap], out: &mut Vec<u8>) {
    for gap in gaps {
        let to = gap
            .to
            .map_or_else(|| "null".to_owned(), |to| to.to_string());
        let head = format!("{{\"from_ns\":{},\"to_ns\":{to},\"symbols\":[", gap.from);
        out.extend_from_slice(head.as_bytes());
        for (place, symbol) in gap.symbols.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            write_string(symbol, out);
        }
        let (cause, state) = (gap.cause.name(), gap.state().name());
        let tail = format!("],\"cause\":\"{cause}\",\"state\":\"{state}\"}}\n");
        out.extend_from_slice(tail.as_bytes());
    }
}
