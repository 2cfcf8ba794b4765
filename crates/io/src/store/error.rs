//! What can go wrong with the store.

use std::path::{Path, PathBuf};

use stock_up_core::bytes::BytesError;
use thiserror::Error;

/// Why the store cannot do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// `SQLite` refused: the disk is full, the file is missing, locked or no database.
    #[error("cannot {doing} the store `{}`", path.display())]
    Sqlite {
        /// What was being done, as a verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file is a database of another program.
    #[error("`{}` is a database, but not a store of stock-up; move it away", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer program.
    #[error(
        "the store `{}` has format {found}; this program knows formats up to {known}; use a newer \
         stock-up",
        path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// Something in the file is not what was written.
    #[error("the store `{}` is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is damaged.
        source: Damage,
    },
    /// Points were left out: the numbers of emissions are contiguous.
    #[error(
        "the store `{}` expects the point with emission {expected}, not {found}; its log and it do \
         not belong together",
        path.display()
    )]
    Hole {
        /// The file.
        path: PathBuf,
        /// The next emission.
        expected: u64,
        /// The one that came.
        found: u64,
    },
}

impl StoreError {
    /// Whether the device is full: nothing was written, and trying again later may work.
    pub fn is_no_space(&self) -> bool {
        let Self::Sqlite { source, .. } = self else {
            return false;
        };
        source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
    }
}

/// What is damaged.
#[derive(Debug, Error)]
pub enum Damage {
    /// No stored generation of the checkpoint has its checksum.
    #[error(
        "no checkpoint is whole ({generations} stored); rebuild the store from the log, which holds \
         everything"
    )]
    Checkpoints {
        /// How many are stored.
        generations: usize,
    },
    /// A chunk of points is too short or has another checksum.
    #[error("chunk {id} has checksum {found:#010x}, expected {expected:#010x}")]
    Checksum {
        /// Its number.
        id: i64,
        /// What the bytes give.
        found: u32,
        /// What they say.
        expected: u32,
    },
    /// A chunk of points cannot be read although its checksum is right.
    #[error("chunk {id} cannot be read")]
    Chunk {
        /// Its number.
        id: i64,
        /// Where and why.
        source: BytesError,
    },
    /// A text that names no known value.
    #[error("gap {id} has the unknown {what} `{found}`")]
    Gap {
        /// Its number.
        id: i64,
        /// The column.
        what: &'static str,
        /// What it holds.
        found: String,
    },
}

/// Adds the noun to the errors of `SQLite`.
pub(crate) trait Context<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> Context<T> for Result<T, rusqlite::Error> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Sqlite {
            doing,
            path: path.to_owned(),
            source,
        })
    }
}

impl<T> Context<T> for Result<T, Damage> {
    fn doing(self, _: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Damaged {
            path: path.to_owned(),
            source,
        })
    }
}
