//! The file of lines that the server will never take: for people, who may mend and send them.
//!
//! One JSON object per line: `at_ns`, `cause`, `reason`, `line`. The file is bounded; when it is
//! full it becomes the older one, and the older one before is let go of.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::clock::Clock;

use super::super::{DropCause, SinkError};
use super::lines::measurement;

/// Most bytes of the file, and of the older one beside it.
pub(super) const MAX_DEAD_LETTER_BYTES: u64 = 8 << 20;

/// A line that will never be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeadLetter {
    pub(super) cause: DropCause,
    /// The server's words.
    pub(super) reason: String,
    pub(super) line: String,
}

impl DeadLetter {
    /// Whether it says a volume.
    pub(super) fn is_volume(&self) -> bool {
        measurement(self.line.as_bytes()) == b"volume"
    }
}

#[derive(Serialize)]
struct Record<'a> {
    at_ns: i64,
    cause: &'static str,
    reason: &'a str,
    line: &'a str,
}

/// Where dead letters are kept.
#[derive(Debug)]
pub(super) struct DeadLetters {
    path: PathBuf,
    clock: Clock,
}

impl DeadLetters {
    pub(super) fn new(path: PathBuf, clock: Clock) -> Self {
        Self { path, clock }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds `letters`; they are on disk when this returns.
    pub(super) fn write(&self, letters: &[DeadLetter]) -> Result<(), SinkError> {
        if letters.is_empty() {
            return Ok(());
        }
        self.append(letters)
            .map_err(|error| SinkError::Unavailable {
                reason: format!(
                    "cannot write dead letters to `{}`: {error}",
                    self.path.display()
                ),
                retry_after: None,
            })
    }

    fn append(&self, letters: &[DeadLetter]) -> io::Result<()> {
        let at_ns = self.clock.now();
        let mut text = Vec::new();
        for letter in letters {
            let record = Record {
                at_ns,
                cause: letter.cause.name(),
                reason: &letter.reason,
                line: &letter.line,
            };
            serde_json::to_writer(&mut text, &record)?;
            text.push(b'\n');
        }
        let held = fs::metadata(&self.path).map_or(0, |file| file.len());
        if held > 0 && held + text.len() as u64 > MAX_DEAD_LETTER_BYTES {
            self.make_room()?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        file.write_all(&text)?;
        file.sync_data()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a rename that a crash undoes leaves a file that is too large, and nothing is lost"
    )]
    fn make_room(&self) -> io::Result<()> {
        let mut older = self.path.clone().into_os_string();
        older.push(".1");
        fs::rename(&self.path, older)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_bounded_and_every_line_is_json() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("influxdb.dead.jsonl");
        let letters = DeadLetters::new(path.clone(), Clock::from_fn(|| 7));
        let letter = DeadLetter {
            cause: DropCause::Unparsable,
            reason: "\"quoted\"\nand broken".to_owned(),
            line: "x".repeat(1 << 20),
        };
        for _ in 0..20 {
            letters.write(std::slice::from_ref(&letter)).unwrap();
        }
        let older = folder.path().join("influxdb.dead.jsonl.1");
        for file in [&path, &older] {
            let text = fs::read_to_string(file).unwrap();
            assert!(text.len() as u64 <= MAX_DEAD_LETTER_BYTES, "{}", text.len());
            for line in text.lines() {
                let record: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(record["reason"], letter.reason);
                assert_eq!(
                    (&record["at_ns"], &record["cause"]),
                    (&7.into(), &"unparsable".into())
                );
            }
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
