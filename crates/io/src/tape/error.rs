//! What can be wrong with a trade file, each with its file and line.

use std::io;

use stock_up_core::DecimalError;
use thiserror::Error;

use super::header::EXPECTED;

/// Why a trade file cannot be read.
#[derive(Debug, Error)]
pub enum TapeError {
    /// It cannot be opened.
    #[error("cannot open `{file}`")]
    Open {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A folder was named.
    #[error("`{file}` is a directory; name a trade file, or use --log for a data directory")]
    Directory {
        /// The folder.
        file: String,
    },
    /// Reading failed on the way.
    #[error("cannot read `{file}` after line {line}")]
    Read {
        /// The file.
        file: String,
        /// The last line that was read.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// A gzip file ends too early.
    #[error("`{file}` ends within its compressed data after line {line}; it was not copied whole")]
    Truncated {
        /// The file.
        file: String,
        /// The last line that was read.
        line: u64,
    },
    /// There is not even a header.
    #[error("`{file}` is empty; expected the header `{EXPECTED}`")]
    Empty {
        /// The file.
        file: String,
    },
    /// The first line is not the header of a trade file.
    #[error("`{file}` line 1: the header is `{found}`; expected `{EXPECTED}`")]
    Header {
        /// The file.
        file: String,
        /// Its first line.
        found: String,
    },
    /// A row that is no trade.
    #[error("`{file}` line {line}: {problem}")]
    Row {
        /// The file.
        file: String,
        /// The line on which the row begins, from 1.
        line: u64,
        /// What is wrong.
        problem: RowProblem,
    },
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RowProblem {
    /// Too few or too many fields.
    #[error("{found} fields, but the header has {expected}")]
    Fields {
        /// In the row.
        found: usize,
        /// In the header.
        expected: usize,
    },
    /// The time is no number of ns.
    #[error("timestamp_ns is `{text}`; expected ns since 1970 as a whole number, before 2262")]
    Time {
        /// The field.
        text: String,
    },
    /// A price or size that is no exact decimal.
    #[error("{column} is `{text}`: {reason}")]
    Decimal {
        /// Its column.
        column: &'static str,
        /// The field.
        text: String,
        /// Why not.
        reason: DecimalError,
    },
    /// A symbol that cannot be one.
    #[error("{problem}: `{text}`")]
    Symbol {
        /// The field.
        text: String,
        /// Why not.
        problem: &'static str,
    },
    /// Conditions beyond any venue's.
    #[error("conditions are longer than 256 bytes: `{text}`")]
    Conditions {
        /// The field, shortened.
        text: String,
    },
    /// Bytes that are no text.
    #[error("{column} is not UTF-8")]
    NotUtf8 {
        /// Its column.
        column: &'static str,
    },
    /// A quoted field without an end.
    #[error("a field begins with a quote that is not closed before the end of the file")]
    OpenQuote,
    /// A quoted field that goes on.
    #[error("a quoted field is followed by something other than a comma")]
    AfterQuote,
    /// No line end for too long.
    #[error("the row is longer than 1 MiB; this is no trade file")]
    TooLong,
}

/// A field for a message: short and without control characters.
pub(super) fn shown(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(field);
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}
