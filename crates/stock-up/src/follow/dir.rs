//! The data directory of a process that follows a queue: a folder for each partition.
//!
//! ```text
//! DIR/LOCK             held while a process works in it
//! DIR/partition-N/     a data directory without a log: series, gaps, state
//! ```

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use crate::failure::{Failure, Outcome};

/// The directory, held by this process alone.
#[derive(Debug)]
pub(crate) struct FollowDir {
    path: PathBuf,
    /// Let go of when the process ends, however it does.
    _lock: File,
}

impl FollowDir {
    /// Opens the directory, making it if there is none.
    ///
    /// # Errors
    /// If it cannot be made, or another process holds it.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let shown = path.display();
        fs::create_dir_all(path)
            .with_context(|| format!("cannot make data directory `{shown}`"))
            .map_err(Failure::data_dir)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("LOCK"))
            .with_context(|| format!("cannot lock data directory `{shown}`"))
            .map_err(Failure::data_dir)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Failure::usage(anyhow!(
                "data directory `{shown}` is locked by another process; stop it, or give another \
                 one with --data-dir"
            ))),
            Err(TryLockError::Error(error)) => {
                let error = anyhow!("cannot lock data directory `{shown}`: {error}");
                Err(Failure::data_dir(error))
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of a partition.
    pub(super) fn partition(&self, partition: u32) -> PathBuf {
        self.path.join(format!("partition-{partition}"))
    }
}
