//! What can go wrong, by what the caller does next.
//!
//! `Stopped` and `NoSpace` ask for [`Log::reopen`](crate::Log::reopen), `Corrupt` for a human,
//! `Gone` for a later position; the rest are mistakes of the caller or of its surroundings.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::frame::{MAX_COUNT, MAX_PAYLOAD_BYTES};

/// An error of the log.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read, opened or made; nothing was changed by it.
    #[error("cannot {operation} `{}`", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// A write, sync or removal failed. The writer refuses everything until the log is re-opened.
    #[error("the log has stopped: {0}")]
    Stopped(Fault),
    /// The device is full. As [`Error::Stopped`], but it can be mended: stop accepting, free space,
    /// re-open.
    #[error("the log has stopped, the device is full: {0}")]
    NoSpace(Fault),
    /// Bytes that had been committed are damaged. Nothing is cut or repaired.
    #[error("segment `{}` is corrupt at offset {offset}: {damage}", segment.display())]
    Corrupt {
        /// The damaged file.
        segment: PathBuf,
        /// Where in the file the damaged frame or header begins.
        offset: u64,
        /// What is wrong there.
        damage: Damage,
    },
    /// A segment was written by a later release.
    #[error(
        "segment `{}`: format {found} is newer than supported {supported}; upgrade stock-up",
        segment.display()
    )]
    NewerFormat {
        /// The segment that says so.
        segment: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest version this release reads.
        supported: u32,
    },
    /// Another process holds the folder, or this one holds it already.
    #[error("data directory `{}` is locked by process {holder}", path.display())]
    Locked {
        /// The locked folder.
        path: PathBuf,
        /// The process id found in the lock file, or `unknown`.
        holder: String,
    },
    /// The records asked for have been removed by retention.
    #[error("sequence number {seq} is gone, the log begins at {first}")]
    Gone {
        /// What was asked for.
        seq: u64,
        /// The first sequence number that is still there.
        first: u64,
    },
    /// A payload is empty or too large.
    #[error("a payload of {bytes} bytes is not in 1..={MAX_PAYLOAD_BYTES}")]
    PayloadSize {
        /// Its size.
        bytes: usize,
    },
    /// A frame takes no sequence number or too many.
    #[error("a frame of {count} records is not in 1..={MAX_COUNT}")]
    FrameCount {
        /// The count given.
        count: u32,
    },
    /// The writer has been closed, or there is none because the log was opened to read.
    #[error("the log has no writer")]
    Closed,
    /// [`Log::reopen`](crate::Log::reopen) while the earlier writer still lives.
    #[error("the log already has a writer")]
    WriterAlive,
}

impl Error {
    /// The device is full: free space and re-open.
    pub fn is_no_space(&self) -> bool {
        match self {
            Error::NoSpace(_) => true,
            Error::Io { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            _ => false,
        }
    }

    /// The data is damaged, as opposed to unreadable or used wrongly.
    pub fn is_corrupt(&self) -> bool {
        matches!(self, Error::Corrupt { .. })
    }

    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Error::Io {
            operation,
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }

    pub(crate) fn corrupt(segment: &Path, offset: u64, damage: Damage) -> Self {
        Error::Corrupt {
            segment: segment.to_owned(),
            offset,
            damage,
        }
    }
}

/// The failure that stopped a writer. It is kept and handed to every later caller.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What was tried.
    pub operation: &'static str,
    /// On which file or folder.
    pub path: PathBuf,
    /// What the operating system said.
    pub cause: Arc<io::Error>,
}

impl Fault {
    pub(crate) fn new(operation: &'static str, path: &Path, cause: io::Error) -> Self {
        Fault {
            operation,
            path: path.to_owned(),
            cause: Arc::new(cause),
        }
    }

    /// The same failure where no writer is stopped by it.
    pub(crate) fn into_io_error(self) -> Error {
        Error::Io {
            operation: self.operation,
            path: self.path,
            source: self.cause,
        }
    }

    /// The error that a caller gets for this fault.
    pub(crate) fn to_error(&self) -> Error {
        if self.cause.kind() == io::ErrorKind::StorageFull {
            Error::NoSpace(self.clone())
        } else {
            Error::Stopped(self.clone())
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot {} `{}`: {}",
            self.operation,
            self.path.display(),
            self.cause
        )
    }
}

/// What is wrong at a place in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Damage {
    /// The bytes are not those that were written.
    #[error("checksum {found:#010x} expected {expected:#010x}")]
    Checksum {
        /// The checksum of the bytes that are there.
        found: u32,
        /// The checksum that was stored with them.
        expected: u32,
    },
    /// A length that no frame can have; zero where nothing was written.
    #[error("length {found} is not in 1..={MAX_PAYLOAD_BYTES}")]
    Length {
        /// The length stored.
        found: u32,
    },
    /// A record count that no frame can have.
    #[error("record count {found} is not in 1..={MAX_COUNT}")]
    Count {
        /// The count stored.
        found: u32,
    },
    /// The file ends inside the frame or header.
    #[error("{needed} bytes needed, {left} left")]
    CutShort {
        /// The size of what begins here.
        needed: u64,
        /// How much of it there is.
        left: u64,
    },
    /// A sound frame in the wrong place.
    #[error("sequence number {found} expected {expected}")]
    Sequence {
        /// The number stored.
        found: u64,
        /// The number that follows from the frame before.
        expected: u64,
    },
    /// A frame that claims to belong to a commit from before the segment.
    #[error("commit start {found} bytes back, at most {most} possible")]
    CommitStart {
        /// The distance stored.
        found: u32,
        /// The distance to the first frame.
        most: u64,
    },
    /// The segment ends too early, or a segment is missing after it.
    #[error("records end at {ends}, expected up to {next}")]
    Hole {
        /// The sequence number after the last record.
        ends: u64,
        /// The first sequence number of the next segment, or what had been read up to.
        next: u64,
    },
    /// The file does not begin like a segment.
    #[error("not a segment of a stock-up log")]
    Magic,
    /// A format version that never was.
    #[error("format {found} was never released")]
    Version {
        /// The version stored.
        found: u32,
    },
    /// The header names another first sequence number than the file name.
    #[error("header says first sequence number {found}, file name {expected}")]
    Name {
        /// The number in the header.
        found: u64,
        /// The number in the file name.
        expected: u64,
    },
    /// The segment belongs to another log.
    #[error("source id differs from that of the other segments")]
    Source,
}
