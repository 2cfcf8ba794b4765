//! How far the log was published, kept beside it.
//!
//! The file may be behind: then messages are sent again, and their numbers say so. It is never
//! ahead of what the broker confirmed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use stock_up_core::bytes::{Decoder, Encoder};
use stock_up_core::partition::Splitter;
use stock_up_io::settings::durable;

use crate::collect::Known;

/// Marks the bytes: `SuPb`, and their version.
const MARK: [u8; 5] = *b"SuPb\x01";

/// The file in a data directory.
const FILE_NAME: &str = "published";

/// How far the log was published.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    /// Number of the next record of the log.
    pub(super) position: u64,
    /// Number of the first record that was ever published: 0 unless the log had lost its start.
    pub(super) base: u64,
    /// What the log says about itself up to there.
    pub(crate) known: Known,
    /// `None` until the broker has said how many partitions there are.
    pub(super) splitter: Option<Splitter>,
}

impl Published {
    /// Nothing was published, and `first` is the first record of the log.
    fn nothing(first: u64) -> Self {
        Self {
            position: first,
            base: first,
            known: Known::default(),
            splitter: None,
        }
    }

    /// Whose records they are, for those who read the queue. Numbers that do not begin at record 0
    /// are other numbers: whoever has a state from before must not take them for the same.
    pub(super) fn source(&self, log: [u8; 16]) -> [u8; 16] {
        (u128::from_be_bytes(log) ^ u128::from(self.base)).to_be_bytes()
    }
}

/// The file that remembers it.
#[derive(Debug)]
pub(crate) struct StateFile(PathBuf);

/// What is in the file.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    /// The error says what to do.
    Damaged(anyhow::Error),
    Published(Box<Published>),
}

impl StateFile {
    pub(crate) fn of(dir: &Path) -> Self {
        Self(dir.join(FILE_NAME))
    }

    /// What was kept; a new start at `first`, the first record of the log, if nothing was.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub(crate) fn load(&self, first: u64) -> anyhow::Result<Published> {
        match self.find()? {
            Found::Nothing => Ok(Published::nothing(first)),
            Found::Damaged(error) => Err(error),
            Found::Published(published) => Ok(*published),
        }
    }

    /// What is in the file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn find(&self) -> anyhow::Result<Found> {
        let shown = self.0.display();
        let bytes = match fs::read(&self.0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error).with_context(|| format!("cannot read `{shown}`")),
        };
        let damaged = || {
            let dir = self.0.parent().unwrap_or(&self.0).display();
            format!(
                "`{shown}` is damaged; `stock-up republish {dir}` publishes again what the log \
                 still holds; if the log no longer begins at record 0, add --new-queue, set up a \
                 new queue, and give the analyzers empty data directories"
            )
        };
        Ok(match decode(&bytes).with_context(damaged) {
            Ok(published) => Found::Published(Box::new(published)),
            Err(error) => Found::Damaged(error),
        })
    }

    /// Forgets how far it has come.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub(super) fn remove(&self) -> anyhow::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove `{}`", self.0.display()))
            }
            _ => Ok(()),
        }
    }

    /// Keeps how far it has come.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn save(&self, published: &Published) -> anyhow::Result<()> {
        let Some(splitter) = &published.splitter else {
            return Ok(());
        };
        let mut bytes = MARK.to_vec();
        let mut to = Encoder::new(&mut bytes);
        to.unsigned(published.position);
        to.unsigned(published.base);
        published.known.encode(&mut bytes);
        splitter.encode(&mut bytes);
        let sum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        durable::replace(&self.0, &bytes)
            .with_context(|| format!("cannot write `{}`", self.0.display()))
    }
}

fn decode(bytes: &[u8]) -> anyhow::Result<Published> {
    let Some((bytes, sum)) = bytes.split_last_chunk::<4>() else {
        bail!("it is too short");
    };
    if crc32c::crc32c(bytes) != u32::from_le_bytes(*sum) {
        bail!("its checksum is wrong");
    }
    let Some(rest) = bytes.strip_prefix(&MARK) else {
        bail!("it is of another version or another program");
    };
    let mut from = Decoder::new(rest);
    let (position, base) = (from.unsigned("position")?, from.unsigned("base")?);
    let known = Known::decode(&mut from)?;
    let splitter = rest.get(from.position()..).unwrap_or_default();
    Ok(Published {
        position,
        base,
        known,
        splitter: Some(Splitter::decode(splitter)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_again_and_damage_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = StateFile::of(dir.path());
        let mut published = file.load(5).expect("nothing is kept yet");
        assert_eq!((published.position, published.base), (5, 5));
        published.position = 77;
        published.splitter = Some(Splitter::new(3));
        published.known.subscribed = vec!["SPY".into()];
        file.save(&published).expect("it is kept");
        let found = file.load(0).expect("it is found");
        assert_eq!(found.position, 77);
        assert_eq!(found.known, published.known);
        assert_eq!(found.splitter, published.splitter);
        let mut bytes = fs::read(dir.path().join(FILE_NAME)).expect("it is there");
        bytes[7] ^= 1;
        fs::write(dir.path().join(FILE_NAME), &bytes).expect("it is written");
        let error = file.load(0).expect_err("damage is told").to_string();
        assert!(error.contains("stock-up republish"), "{error}");
        file.remove().expect("it is there");
        assert_eq!(file.load(3).expect("it is gone").position, 3);
    }

    #[test]
    fn numbers_that_begin_later_are_those_of_another_source() {
        let (log, mut published) = ([7; 16], Published::nothing(0));
        assert_eq!(published.source(log), log);
        published.base = 41;
        assert_ne!(published.source(log), log);
    }
}
