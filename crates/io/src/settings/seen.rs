//! What the settings file holds at one moment, and for how long it has held it.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::error::SettingsError;
use super::model::Settings;

/// Longest settings file.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// How long a file must stay as it is before it is believed.
pub(super) const SETTLED: Duration = Duration::from_millis(100);

/// The same while somebody is writing it: until the file is closed, but not for ever, because not
/// every file system tells of that.
pub(super) const SETTLED_WRITING: Duration = Duration::from_secs(2);

/// What is found at the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// A file with these bytes, up to one more than is allowed.
    File(Vec<u8>),
    /// Nothing, or something that cannot be read.
    Unreadable(String),
}

impl Seen {
    pub(super) fn look(path: &Path) -> Self {
        let read = || -> std::io::Result<Vec<u8>> {
            // Opening a pipe would wait for its writer.
            if !fs::metadata(path)?.is_file() {
                return Err(std::io::Error::other("it is not a file"));
            }
            let mut bytes = Vec::new();
            fs::File::open(path)?
                .take(MAX_FILE_BYTES + 1)
                .read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Self::File(bytes),
            Err(error) => Self::Unreadable(format!("cannot be read: {error}")),
        }
    }

    /// The settings in it, or why there are none.
    pub(super) fn settings(&self) -> Result<Settings, String> {
        match self {
            Self::File(bytes) => parse(bytes).map_err(|error| error.to_string()),
            Self::Unreadable(why) => Err(why.clone()),
        }
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Settings, SettingsError> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(SettingsError::TooLarge);
    }
    Settings::from_toml(std::str::from_utf8(bytes).map_err(|_| SettingsError::NotUtf8)?)
}

/// Decides when something new at the path may be believed.
#[derive(Debug)]
pub(super) struct Settling {
    /// What was dealt with last.
    known: Seen,
    /// What is there now, and since when, if it is something else.
    candidate: Option<(Seen, Instant)>,
    /// Bytes were written since the file was last closed.
    writing: bool,
}

impl Settling {
    pub(super) fn new(known: Seen) -> Self {
        Self {
            known,
            candidate: None,
            writing: false,
        }
    }

    /// What was dealt with last.
    pub(super) fn known(&self) -> &Seen {
        &self.known
    }

    pub(super) fn set_writing(&mut self, writing: bool) {
        self.writing = writing;
    }

    /// Takes what is there now; gives it back once, when it has stayed as it is for long enough.
    pub(super) fn look(&mut self, seen: Seen, now: Instant) -> Option<&Seen> {
        if seen == self.known {
            self.candidate = None;
            return None;
        }
        match &self.candidate {
            Some((candidate, _)) if *candidate == seen => {}
            _ => self.candidate = Some((seen, now)),
        }
        if now < self.deadline()? {
            return None;
        }
        let (settled, _) = self.candidate.take()?;
        self.known = settled;
        Some(&self.known)
    }

    /// When to look again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let wait = if self.writing {
            SETTLED_WRITING
        } else {
            SETTLED
        };
        self.candidate.as_ref().map(|(_, since)| *since + wait)
    }
}

#[cfg(test)]
mod tests;
