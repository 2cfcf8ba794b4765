//! An embedded, durable, append-only log: bytes in, bytes out.
//!
//! The log is a folder of segment files. One [`Writer`] appends frames, each of which takes one or
//! more sequence numbers; any number of [`Reader`]s follow it. What this crate promises:
//!
//! - **Durable means durable.** Readers see a frame only after the `fdatasync` that covers it
//!   returned. What a reader has seen is there after every crash.
//! - **Recovery yields a prefix.** After a crash the log holds everything committed, in order, and
//!   perhaps some of what was not; never a hole and never garbage.
//! - **A torn tail is not corruption, and corruption is not a torn tail.** Each frame says where
//!   its commit began, so a damaged frame that had been committed is told from a write that was
//!   cut off. The first is refused with file and offset, the second is cut and reported.
//! - **A failed write or sync stops the writer.** It is never tried again on the same pages; every
//!   later call returns the same error until the log is opened again ([`Log::reopen`]).
//! - **No clock.** Callers give each frame a time; the log only compares times. How long ago the
//!   last commit was decides when the next one is made ([`GroupCommit`]), never what it holds.
//!
//! The crate knows nothing of what the bytes mean. The bytes on disk are in `docs/formats/log.md`.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let dir = folder.path();
//! use stock_up_log::{CommitBounds, GroupCommit, Log, Options};
//!
//! let (log, writer) = Log::open(dir, Options::new(*b"sixteen bytes id"))?;
//! let commits = GroupCommit::start(writer, CommitBounds::default())?;
//! let seq = commits.append_durable(1_700_000_000, 2, b"two records")?;
//!
//! let mut reader = log.reader(seq)?;
//! let frame = reader.next_frame()?.expect("it is durable");
//! assert_eq!((frame.seq, frame.count, frame.payload), (0, 2, &b"two records"[..]));
//! assert!(reader.next_frame()?.is_none());
//! commits.close()?;
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs, clippy::indexing_slicing)]

mod batch;
mod error;
mod frame;
mod group_commit;
mod index;
mod lock;
mod log;
mod pending;
mod reader;
mod recovery;
mod reserve;
mod retention;
mod segment;
mod shared;
mod storage;
mod tail;
mod verify;
mod window;
mod writer;

pub use error::{Damage, Error, Fault};
pub use frame::{Frame, MAX_COUNT, MAX_PAYLOAD_BYTES};
pub use group_commit::{CommitBounds, GroupCommit};
pub use lock::DirLock;
pub use log::{Log, OnDurable, Options, SourceId};
pub use reader::Reader;
pub use recovery::OpenReport;
pub use retention::{Removed, Retention};
pub use segment::FORMAT_VERSION;
pub use storage::{Access, DirStorage, Storage, StorageFile};
pub use verify::{DamageAt, VerifyReport, verify, verify_storage};
pub use writer::Writer;
