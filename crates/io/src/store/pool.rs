//! Connections that readers share, one question at a time each.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::error::StoreError;
use super::read::StoreReader;

/// Idle connections that are kept for the next question.
const MAX_IDLE: usize = 8;

/// Readers of one store, for handlers on many threads.
#[derive(Debug)]
pub struct ReaderPool {
    dir: PathBuf,
    idle: Mutex<Vec<StoreReader>>,
}

impl ReaderPool {
    /// Readers of the store in the data directory `dir`; none is opened yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            idle: Mutex::default(),
        }
    }

    /// Asks with an idle reader or a new one. It blocks on the disk: call it where that is allowed.
    pub fn with<T>(
        &self,
        ask: impl FnOnce(&StoreReader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.lock().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => StoreReader::open(&self.dir)?,
        };
        let answer = ask(&reader)?;
        let mut idle = self.lock();
        if idle.len() < MAX_IDLE {
            idle.push(reader);
        }
        Ok(answer)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<StoreReader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
