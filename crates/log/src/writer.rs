//! The one writer of a log: frames into a buffer, the buffer into the file, the file to the device.

use std::sync::Arc;

use crate::error::{Error, Fault};
use crate::frame::{self, FRAME_HEADER_BYTES, FrameHeader, MAX_PAYLOAD_BYTES};
use crate::index::Entry;
use crate::recovery::{self, Recovered};
use crate::segment::{FIRST_FRAME, Segment, SegmentHeader};
use crate::shared::Shared;
use crate::storage::{Access, StorageFile};

/// A commit is begun unasked before the buffer outgrows this, which is the size of the largest
/// frame.
const MAX_COMMIT_BYTES: usize = FRAME_HEADER_BYTES + MAX_PAYLOAD_BYTES as usize;

/// Appends to a log. There is one, and it holds the lock on the folder.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    segment: Arc<Segment>,
    file: Arc<dyn StorageFile>,
    /// Durable end of the segment: where the buffer will be written.
    offset: u64,
    /// Encoded frames of the commit to come.
    buffer: Vec<u8>,
    /// Sequence number of the next frame.
    next_seq: u64,
    /// Sequence number of the first frame in the buffer.
    commit_seq: u64,
    /// Greatest time of all frames, those in the buffer included.
    last_time: i64,
    /// Greatest time of all frames before the buffer.
    commit_time: i64,
    /// What stopped this writer.
    fault: Option<Fault>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, recovered: &Recovered) -> Result<Self, Error> {
        let segment = recovered.segments.last().map(Arc::clone);
        let segment = segment.expect("recovery leaves a segment");
        let opened = shared.storage.open(&segment.name(), Access::Write);
        let file = match opened {
            Ok(file) => file,
            Err(source) => {
                shared.writer_dropped();
                return Err(Error::io("open", &segment.path, source));
            }
        };
        let (next_seq, last_time) = (recovered.report.end_seq, recovered.report.last_time);
        Ok(Writer {
            offset: segment.bytes(),
            buffer: Vec::new(),
            next_seq,
            commit_seq: next_seq,
            last_time,
            commit_time: last_time,
            fault: None,
            shared,
            segment,
            file,
        })
    }

    /// Puts a frame of `count` records into the next commit and returns its first sequence number.
    ///
    /// It may commit what is buffered, if that grows too large, and begin a new segment.
    pub fn append(&mut self, time: i64, count: u32, payload: &[u8]) -> Result<u64, Error> {
        self.check()?;
        let len = frame::check(count, payload.len())?;
        if self.buffer.len() + FRAME_HEADER_BYTES + payload.len() > MAX_COMMIT_BYTES {
            self.commit()?;
        }
        if self.buffer.is_empty() && self.is_full() {
            self.roll()?;
        }
        let seq = self.next_seq;
        let back = u32::try_from(self.buffer.len()).expect("a commit is below 4 GiB");
        let header = FrameHeader {
            len,
            seq,
            time,
            count,
            back,
        };
        frame::encode(&header, payload, self.segment.seed, &mut self.buffer);
        self.next_seq = header.end_seq();
        self.last_time = self.last_time.max(time);
        Ok(seq)
    }

    /// Makes all that was appended durable, shows it to readers, and returns the durable end.
    pub fn commit(&mut self) -> Result<u64, Error> {
        self.check()?;
        if self.buffer.is_empty() {
            return Ok(self.next_seq);
        }
        // Retention may have stopped the log.
        self.shared.check_writable()?;
        if let Err(cause) = self.file.write_at(self.offset, &self.buffer) {
            return Err(self.stop("write", cause));
        }
        if let Err(cause) = self.file.sync() {
            return Err(self.stop("sync", cause));
        }
        let entry = Entry {
            offset: self.offset,
            seq: self.commit_seq,
            time_before: self.commit_time,
        };
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        self.commit_seq = self.next_seq;
        self.commit_time = self.last_time;
        self.shared.publish(self.next_seq, self.offset, entry);
        Ok(self.next_seq)
    }

    /// The sequence number that the next frame will take.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Bytes that the next commit will write.
    pub fn buffered_bytes(&self) -> usize {
        self.buffer.len()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn is_full(&self) -> bool {
        self.offset > FIRST_FRAME && self.offset >= self.shared.options.segment_bytes
    }

    /// Seals the segment, which is durable up to its end, and begins the next.
    fn roll(&mut self) -> Result<(), Error> {
        self.shared.check_writable()?;
        let header = SegmentHeader {
            source: self.segment.header.source,
            first_seq: self.next_seq,
            base_time: self.last_time,
        };
        match recovery::create(&self.shared.storage, header) {
            Ok((segment, file)) => {
                self.shared.state().segments.push_back(Arc::clone(&segment));
                (self.segment, self.file, self.offset) = (segment, file, FIRST_FRAME);
                Ok(())
            }
            Err(fault) => {
                let error = self.shared.stop(fault);
                self.fault = self.shared.fault();
                Err(error)
            }
        }
    }

    fn check(&self) -> Result<(), Error> {
        self.fault
            .as_ref()
            .map_or(Ok(()), |fault| Err(fault.to_error()))
    }

    /// Invariant: after a failed write or sync nothing is written or synced again. The pages may
    /// have been marked clean, so a second sync could succeed without having written them.
    fn stop(&mut self, operation: &'static str, cause: std::io::Error) -> Error {
        let error = self
            .shared
            .stop(Fault::new(operation, &self.segment.path, cause));
        self.fault = self.shared.fault();
        error
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.writer_dropped();
    }
}
