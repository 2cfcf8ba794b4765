//! The handle on an open log: cheap to clone, it makes readers, waits and removes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Damage, Error};
use crate::lock::DirLock;
use crate::reader::Reader;
use crate::recovery::{self, OpenReport, Recovered};
use crate::reserve;
use crate::retention::{self, Removed, Retention};
use crate::shared::{Shared, State};
use crate::storage::{DirStorage, Storage};
use crate::writer::Writer;

/// Identity of a log, given once when it is made; random bytes are right.
pub type SourceId = [u8; 16];

/// Called with the durable end after it has moved, and when the log stops. It must not block.
pub type OnDurable = Arc<dyn Fn(u64) + Send + Sync>;

/// How a log is opened for writing.
#[derive(Clone)]
pub struct Options {
    /// Identity for a log that does not exist yet; an existing one keeps its own.
    pub source: SourceId,
    /// A segment is closed at the first commit at or after this size.
    pub segment_bytes: u64,
    /// Size of the file that is given up when the device is full, see
    /// [`Log::release_reserve`]; 0 for none.
    pub reserve_bytes: u64,
    /// Tells others, such as tasks, that there is more to read.
    pub on_durable: Option<OnDurable>,
}

impl Options {
    /// Segments of 64 MiB, a reserve of 256 KiB, nobody to tell.
    pub fn new(source: SourceId) -> Self {
        Options {
            source,
            segment_bytes: 64 * 1024 * 1024,
            reserve_bytes: 256 * 1024,
            on_durable: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("source", &self.source)
            .field("segment_bytes", &self.segment_bytes)
            .field("reserve_bytes", &self.reserve_bytes)
            .field("on_durable", &self.on_durable.is_some())
            .finish()
    }
}

/// An open log.
#[derive(Debug, Clone)]
pub struct Log {
    shared: Arc<Shared>,
    report: Arc<OpenReport>,
}

impl Log {
    /// Opens the log in the folder `dir` for writing, and makes both if they are not there. The
    /// folder is locked as long as the [`Writer`] lives.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<(Log, Writer), Error> {
        let dir = dir.as_ref();
        create_dir(dir)?;
        Self::open_with(
            Arc::new(DirStorage::new(dir)),
            Some(dir.to_owned()),
            options,
        )
    }

    /// As [`Log::open`], on any storage. Keeping others away is up to the caller.
    pub fn open_storage(
        storage: Arc<dyn Storage>,
        options: Options,
    ) -> Result<(Log, Writer), Error> {
        Self::open_with(storage, None, options)
    }

    fn open_with(
        storage: Arc<dyn Storage>,
        lock_dir: Option<PathBuf>,
        options: Options,
    ) -> Result<(Log, Writer), Error> {
        let dir_lock = lock_dir.as_deref().map(DirLock::acquire).transpose()?;
        let recovered = recovery::recover(&storage, &options)?;
        let (state, report) = writable_state(&recovered, dir_lock);
        let shared = Arc::new(Shared::new(storage, lock_dir, options, state));
        reserve::fill(&shared)?;
        let writer = Writer::new(Arc::clone(&shared), &recovered)?;
        Ok((
            Log {
                shared,
                report: Arc::new(report),
            },
            writer,
        ))
    }

    /// Opens the log in the folder `dir` to read what is there now. It takes no lock, changes
    /// nothing, and passes over a torn tail.
    pub fn open_read_only(dir: impl AsRef<Path>) -> Result<Log, Error> {
        Self::open_storage_read_only(Arc::new(DirStorage::new(dir.as_ref())))
    }

    /// As [`Log::open_read_only`], on any storage.
    pub fn open_storage_read_only(storage: Arc<dyn Storage>) -> Result<Log, Error> {
        let recovered = recovery::inspect(&storage)?;
        let source = recovered.report.source;
        let state = State {
            segments: recovered.segments.into(),
            durable: recovered.report.end_seq,
            fault: None,
            has_writer: false,
            dir_lock: None,
        };
        let shared = Arc::new(Shared::new(storage, None, Options::new(source), state));
        Ok(Log {
            shared,
            report: Arc::new(recovered.report),
        })
    }

    /// Recovers after the writer has stopped and been dropped, and gives a new one. Readers and
    /// clones of this handle go on; what they have seen is still there.
    pub fn reopen(&self) -> Result<(OpenReport, Writer), Error> {
        let shared = &self.shared;
        let seen = {
            let state = shared.state();
            if state.has_writer {
                return Err(Error::WriterAlive);
            }
            state.durable
        };
        let dir_lock = shared
            .lock_dir
            .as_deref()
            .map(DirLock::acquire)
            .transpose()?;
        refuse_loss(&recovery::inspect(&shared.storage)?, seen)?;
        let recovered = recovery::recover(&shared.storage, &shared.options)?;
        let (state, report) = writable_state(&recovered, dir_lock);
        shared.replace(state);
        let writer = Writer::new(Arc::clone(shared), &recovered)?;
        Ok((report, writer))
    }

    /// What opening has found.
    pub fn report(&self) -> &OpenReport {
        &self.report
    }

    /// Identity of the log.
    pub fn source(&self) -> SourceId {
        self.report.source
    }

    /// The first sequence number that is still there; equal to the durable end of an empty log.
    pub fn first_seq(&self) -> u64 {
        let state = self.shared.state();
        state
            .segments
            .front()
            .map_or(state.durable, |segment| segment.first_seq())
    }

    /// The sequence number after the last durable frame. Readers see nothing beyond it.
    pub fn durable_end(&self) -> u64 {
        self.shared.durable()
    }

    /// Size of all segments in bytes.
    pub fn bytes(&self) -> u64 {
        self.shared
            .state()
            .segments
            .iter()
            .map(|segment| segment.bytes())
            .sum()
    }

    /// A reader whose first frame is the one that holds `seq`. A position beyond the end is waited
    /// for.
    pub fn reader(&self, seq: u64) -> Result<Reader, Error> {
        Reader::at_seq(Arc::clone(&self.shared), seq)
    }

    /// A reader whose first frame is the first with this time or a later one, or what comes after
    /// the end if there is none.
    pub fn reader_at_time(&self, time: i64) -> Result<Reader, Error> {
        Reader::at_time(Arc::clone(&self.shared), time)
    }

    /// Blocks until the record `seq` is durable or the time is up, and returns the durable end.
    ///
    /// If it is not durable and never will be, because the writer has stopped or gone, that is the
    /// error.
    pub fn wait_for(&self, seq: u64, timeout: Duration) -> Result<u64, Error> {
        self.shared.wait_for(seq, Some(timeout))
    }

    /// Gives up the reserve file; `false` if there is none.
    ///
    /// After [`Error::NoSpace`]: release, [`Log::reopen`], append what must be said about the
    /// records that will be missing. Once there is space, [`Log::fill_reserve`].
    pub fn release_reserve(&self) -> Result<bool, Error> {
        reserve::release(&self.shared)
    }

    /// Makes the reserve file again; `false` if the device is too full for it. [`Log::open`] does
    /// this, [`Log::reopen`] does not.
    pub fn fill_reserve(&self) -> Result<bool, Error> {
        self.shared.check_writable()?;
        reserve::fill(&self.shared)
    }

    /// Removes whole segments, oldest first; never the one being written.
    pub fn retain(&self, retention: &Retention) -> Result<Removed, Error> {
        retention::retain(&self.shared, retention)
    }
}

fn writable_state(recovered: &Recovered, dir_lock: Option<DirLock>) -> (State, OpenReport) {
    let state = State {
        segments: recovered.segments.iter().map(Arc::clone).collect(),
        durable: recovered.report.end_seq,
        fault: None,
        has_writer: true,
        dir_lock,
    };
    (state, recovered.report.clone())
}

/// What readers have seen had been committed, so a shorter log is damaged and not torn.
fn refuse_loss(found: &Recovered, seen: u64) -> Result<(), Error> {
    let ends = found.report.end_seq;
    match found.segments.last() {
        Some(last) if ends < seen => {
            let damage = Damage::Hole { ends, next: seen };
            Err(Error::corrupt(&last.path, last.bytes(), damage))
        }
        _ => Ok(()),
    }
}

/// Makes the folder and its missing parents, durably.
fn create_dir(dir: &Path) -> Result<(), Error> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|path| !path.exists()).collect();
    std::fs::create_dir_all(dir).map_err(|source| Error::io("create", dir, source))?;
    for made in missing.iter().rev() {
        let parent = made
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let synced = DirStorage::new(parent).sync_dir();
        synced.map_err(|source| Error::io("sync", parent, source))?;
    }
    Ok(())
}
