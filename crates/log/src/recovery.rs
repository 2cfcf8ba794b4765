//! From the files in a folder to a log that can be used.
//!
//! All segments but the last are sealed: they were synced before the next one was made, so their
//! end is the next one's beginning. Only the last is scanned, see [`tail`].
//!
//! A last file no longer than a header whose header is bad is a segment whose making was cut off:
//! frames are written only after the header is durable.

use std::io;
use std::sync::Arc;

use crate::error::{Damage, Error, Fault};
use crate::log::{Options, SourceId};
use crate::segment::{self, FIRST_FRAME, SEGMENT_HEADER_BYTES, Segment, SegmentHeader};
use crate::storage::{Access, Storage, StorageFile};
use crate::tail;

/// How much of the tail is copied at once.
const COPY_BYTES: usize = 1024 * 1024;

/// What opening a log has found and done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    /// Identity of the log.
    pub source: SourceId,
    /// How many segments there are.
    pub segments: usize,
    /// The first sequence number.
    pub first_seq: u64,
    /// The sequence number after the last frame.
    pub end_seq: u64,
    /// Greatest time of all frames, `i64::MIN` if there is none.
    pub last_time: i64,
    /// Bytes of an unfinished commit at the end: cut, or passed over when opened to read.
    pub torn_bytes: u64,
    /// An unfinished segment at the end: removed, or passed over when opened to read.
    pub torn_segment: Option<String>,
}

/// A log ready to be written.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) report: OpenReport,
    /// Where in the last segment its last commit begins; 0 if that is the header.
    last_commit: u64,
}

/// Repairs what a crash may leave, makes everything found durable, and starts an empty log.
pub(crate) fn recover(storage: &Arc<dyn Storage>, options: &Options) -> Result<Recovered, Error> {
    let mut found = inspect(storage)?;
    let io = |operation| move |source| Error::io(operation, storage.path(), source);
    if let Some(name) = &found.report.torn_segment {
        let path = storage.path().join(name);
        storage
            .remove(name)
            .map_err(|source| Error::io("remove", &path, source))?;
    }
    // Order matters: what a failed sync of an earlier process left in doubt becomes durable, or is
    // durably gone, before anything is built on it.
    storage.sync_dir().map_err(io("sync"))?;
    if let Some(last) = found.segments.last() {
        make_tail_durable(storage, last, &found)?;
    } else {
        let header = SegmentHeader {
            source: options.source,
            first_seq: 0,
            base_time: i64::MIN,
        };
        let created = create(storage, header).map_err(Fault::into_io_error)?;
        found.segments.push(created.0);
        found.report.segments = 1;
        found.report.source = options.source;
    }
    Ok(found)
}

/// Makes a new segment. It exists wholly or is recognised as torn.
pub(crate) fn create(
    storage: &Arc<dyn Storage>,
    header: SegmentHeader,
) -> Result<(Arc<Segment>, Arc<dyn StorageFile>), Fault> {
    let name = segment::file_name(header.first_seq);
    let path = storage.path().join(&name);
    let io = |operation| {
        let path = path.as_path();
        move |cause| Fault::new(operation, path, cause)
    };
    let (bytes, seed) = header.encode();
    let file = storage.open(&name, Access::Create).map_err(io("create"))?;
    file.write_at(0, &bytes).map_err(io("write"))?;
    // Order matters: header, then name, then frames.
    file.sync().map_err(io("sync"))?;
    storage
        .sync_dir()
        .map_err(|cause| Fault::new("sync", storage.path(), cause))?;
    Ok((
        Arc::new(Segment::new(path, header, seed, FIRST_FRAME)),
        file,
    ))
}

/// Finds the segments and the end of the log without changing anything.
pub(crate) fn inspect(storage: &Arc<dyn Storage>) -> Result<Recovered, Error> {
    let names = segment_names(storage)?;
    let mut report = OpenReport {
        source: [0; 16],
        segments: 0,
        first_seq: 0,
        end_seq: 0,
        last_time: i64::MIN,
        torn_bytes: 0,
        torn_segment: None,
    };
    let mut segments: Vec<Arc<Segment>> = Vec::new();
    let mut last_commit = 0;
    for (index, &first_seq) in names.iter().enumerate() {
        match load(storage, first_seq, segments.last())? {
            Loaded::Sound(segment) => segments.push(segment),
            Loaded::Torn(_) if index + 1 == names.len() => {
                report.torn_segment = Some(segment::file_name(first_seq));
            }
            Loaded::Torn(error) => return Err(error),
        }
    }
    report.segments = segments.len();
    if let (Some(first), Some(last)) = (segments.first(), segments.last()) {
        report.source = first.header.source;
        report.first_seq = first.first_seq();
        let tail = tail::scan(storage, last)?;
        report.end_seq = tail.end_seq;
        report.last_time = tail.last_time;
        report.torn_bytes = last.bytes() - tail.end;
        last.set_bytes(tail.end);
        last_commit = tail.last_commit;
    }
    Ok(Recovered {
        segments,
        report,
        last_commit,
    })
}

/// First sequence numbers of all segments, ascending.
pub(crate) fn segment_names(storage: &Arc<dyn Storage>) -> Result<Vec<u64>, Error> {
    let names = storage
        .list()
        .map_err(|source| Error::io("list", storage.path(), source))?;
    let mut firsts: Vec<u64> = names
        .iter()
        .filter_map(|name| segment::parse_file_name(name))
        .collect();
    firsts.sort_unstable();
    Ok(firsts)
}

/// A segment file as its header says.
#[derive(Debug)]
pub(crate) enum Loaded {
    /// Its header is sound and fits.
    Sound(Arc<Segment>),
    /// It holds at most a header, and that is bad: fine if it is the last.
    Torn(Error),
}

/// Opens a segment and checks its header against its name and the segment before.
pub(crate) fn load(
    storage: &Arc<dyn Storage>,
    first_seq: u64,
    before: Option<&Arc<Segment>>,
) -> Result<Loaded, Error> {
    let name = segment::file_name(first_seq);
    let path = storage.path().join(&name);
    let io = |operation| {
        let path = path.as_path();
        move |source| Error::io(operation, path, source)
    };
    let file = storage.open(&name, Access::Read).map_err(io("open"))?;
    let bytes = file.size().map_err(io("measure"))?;
    let mut head = [0; SEGMENT_HEADER_BYTES];
    let read = file.read_at(0, &mut head).map_err(io("read"))?;
    let head = head.get(..read).expect("no more is read than asked for");
    let (header, seed) = match SegmentHeader::decode(head, &path) {
        Ok(decoded) => decoded,
        Err(error) if error.is_corrupt() && bytes <= FIRST_FRAME => return Ok(Loaded::Torn(error)),
        Err(error) => return Err(error),
    };
    if header.first_seq != first_seq {
        let damage = Damage::Name {
            found: header.first_seq,
            expected: first_seq,
        };
        return Err(Error::corrupt(&path, 0, damage));
    }
    if before.is_some_and(|before| before.header.source != header.source) {
        return Err(Error::corrupt(&path, 0, Damage::Source));
    }
    Ok(Loaded::Sound(Arc::new(Segment::new(
        path, header, seed, bytes,
    ))))
}

/// Cuts the torn tail and writes the last commit once more.
///
/// If an earlier process ended because a sync failed, its last commit may be readable from memory
/// although it never reached the device, and a further sync would do nothing. Everything before
/// that commit had been synced. So exactly that commit is written again, byte for byte.
fn make_tail_durable(
    storage: &Arc<dyn Storage>,
    last: &Arc<Segment>,
    found: &Recovered,
) -> Result<(), Error> {
    let io = |operation| move |source: io::Error| Error::io(operation, &last.path, source);
    let file = storage
        .open(&last.name(), Access::Write)
        .map_err(io("open"))?;
    if found.report.torn_bytes > 0 {
        file.truncate(last.bytes()).map_err(io("truncate"))?;
    }
    let mut offset = found.last_commit;
    let mut buffer = vec![0; COPY_BYTES];
    while offset < last.bytes() {
        let left = usize::try_from(last.bytes() - offset).unwrap_or(usize::MAX);
        let part = buffer
            .get_mut(..left.min(COPY_BYTES))
            .expect("a part of the buffer");
        let read = file.read_at(offset, part).map_err(io("read"))?;
        if read < part.len() {
            return Err(io("read")(io::ErrorKind::UnexpectedEof.into()));
        }
        file.write_at(offset, part).map_err(io("write"))?;
        offset += read as u64;
    }
    file.sync().map_err(io("sync"))
}
