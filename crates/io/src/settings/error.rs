//! What can be wrong with settings and with their file.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::model::MAX_SUBSCRIPTIONS;

/// Why settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// No TOML, or a value of the wrong kind.
    #[error("line {line}, column {column}: {detail}")]
    Syntax {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What the parser says.
        detail: String,
    },
    /// A key that does not exist.
    #[error("line {line}, column {column}: unknown key `{key}`{hint}")]
    UnknownKey {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// As written.
        key: String,
        /// What was probably meant, or all that there is.
        hint: String,
    },
    /// A value that is of the right kind, but cannot be used.
    #[error("line {line}, column {column}: {problem}")]
    At {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What is wrong with it.
        problem: Box<SettingsError>,
    },
    /// A subscription that cannot be a symbol.
    #[error("subscriptions: {problem}: `{symbol}`")]
    Symbol {
        /// As written, shortened.
        symbol: String,
        /// Why not.
        problem: &'static str,
    },
    /// Too many subscriptions.
    #[error("{0} subscriptions; at most {MAX_SUBSCRIPTIONS} are taken")]
    Subscriptions(usize),
    /// A single value that cannot be used.
    #[error("{field}: {problem}")]
    Value {
        /// The setting, as the file names it.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A number that the analyzer cannot work with.
    #[error(transparent)]
    Analyzer(#[from] stock_up_core::SettingsError),
    /// There is nothing in the file, as while it is being written.
    #[error("the file is empty")]
    Empty,
    /// Bytes that are no text.
    #[error("the file is not UTF-8")]
    NotUtf8,
    /// More than any settings need.
    #[error("the file is larger than 1 MiB")]
    TooLarge,
}

/// Why the file of the settings cannot be used.
#[derive(Debug, Error)]
pub enum SettingsFileError {
    /// It cannot be read.
    #[error("cannot read the settings `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the settings `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What it says cannot be used.
    #[error("`{}` {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: SettingsError,
    },
    /// What keeps them, such as etcd, cannot be reached or refuses.
    #[error("settings cannot be written to {place}: {why}")]
    Remote {
        /// What keeps them.
        place: String,
        /// Why not.
        why: String,
    },
    /// The settings changed since they were read.
    #[error(
        "settings revision {expected} is not the current one, which is {current}; read them again"
    )]
    Conflict {
        /// As the writer saw it.
        expected: u64,
        /// As it is.
        current: u64,
    },
    /// The process is ending.
    #[error("the settings are no longer watched: the program is ending")]
    Ended,
}
