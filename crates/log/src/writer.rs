//! The one writer of a log: a batch into the file, the file to the device.

use std::io::ErrorKind;
use std::sync::Arc;

use crate::batch::{Batch, MAX_COMMIT_BYTES};
use crate::error::{Error, Fault};
use crate::frame;
use crate::recovery::{self, Recovered};
use crate::segment::Segment;
use crate::shared::Shared;
use crate::storage::{Access, StorageFile};
use crate::zeros;

/// Appends to a log. There is one, and it holds the lock on the folder.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    segment: Arc<Segment>,
    file: Arc<dyn StorageFile>,
    /// Where the zeros end that the file holds behind its frames.
    room_end: u64,
    /// The commit to come.
    batch: Batch,
    /// Memory of the commit before, for the one after this.
    room: Vec<u8>,
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
        let report = &recovered.report;
        Ok(Writer {
            batch: Batch::at_end(&segment, report.end_seq, report.last_time),
            room: Vec::new(),
            fault: None,
            room_end: segment.bytes(),
            shared,
            segment,
            file,
        })
    }

    /// Puts a frame of `count` records into the next commit and returns its first sequence number.
    ///
    /// It may commit what is buffered, if that grows too large.
    pub fn append(&mut self, time: i64, count: u32, payload: &[u8]) -> Result<u64, Error> {
        self.check()?;
        let len = frame::check(count, payload.len())?;
        if !self.batch.has_room(payload.len(), MAX_COMMIT_BYTES) {
            self.commit()?;
        }
        Ok(self.batch.append(time, (count, len), payload))
    }

    /// Makes all that was appended durable, shows it to readers, and returns the durable end.
    pub fn commit(&mut self) -> Result<u64, Error> {
        self.check()?;
        if self.batch.is_empty() {
            return Ok(self.next_seq());
        }
        let batch = self.begin();
        self.write(&batch)?;
        self.room = batch.into_room();
        Ok(self.next_seq())
    }

    /// The sequence number that the next frame will take.
    pub fn next_seq(&self) -> u64 {
        self.batch.next_seq()
    }

    /// Bytes that the next commit will write.
    pub fn buffered_bytes(&self) -> usize {
        self.batch.bytes().len()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Hands over what was appended and begins the commit after it.
    pub(crate) fn begin(&mut self) -> Batch {
        let segment_bytes = self.shared.options.segment_bytes;
        let room = std::mem::take(&mut self.room);
        let following = self.batch.following(segment_bytes, room);
        std::mem::replace(&mut self.batch, following)
    }

    /// Makes a batch durable and shows it to readers. Batches come one after the other, each the
    /// following of the one before.
    pub(crate) fn write(&mut self, batch: &Batch) -> Result<(), Error> {
        self.check()?;
        // Retention may have stopped the log.
        self.shared.check_writable()?;
        if batch.segment().first_seq != self.segment.first_seq() {
            self.roll(batch)?;
        }
        if let Err(cause) = self.file.write_at(batch.offset(), batch.bytes()) {
            return Err(self.stop("write", cause));
        }
        if let Err(cause) = self.make_room(batch) {
            return Err(self.stop("write", cause));
        }
        if let Err(cause) = self.file.sync() {
            return Err(self.stop("sync", cause));
        }
        let (durable, bytes) = (batch.next_seq(), batch.end());
        self.shared.publish(durable, bytes, batch.entry());
        Ok(())
    }

    /// Ends a segment where its frames end.
    pub(crate) fn seal(&mut self) -> Result<(), Error> {
        self.check()?;
        let end = self.segment.bytes();
        if self.room_end > end
            && let Err(cause) = self.file.truncate(end)
        {
            return Err(self.stop("truncate", cause));
        }
        self.room_end = end;
        Ok(())
    }

    /// Fills the file with zeros ahead when a batch has used up those before.
    ///
    /// A sync of bytes within the length of a file, on blocks that were written before, has nothing
    /// else to make durable; behind the end it also has the length and where the blocks are.
    fn make_room(&mut self, batch: &Batch) -> std::io::Result<()> {
        let options = &self.shared.options;
        let (end, is_full) = (batch.end(), batch.end() >= options.segment_bytes);
        if end <= self.room_end {
            return Ok(());
        }
        self.room_end = end;
        // Large commits would write as many zeros as bytes of their own, and gain little.
        let is_large = batch.bytes().len() as u64 > options.room_bytes / 2;
        if is_large || is_full {
            return Ok(());
        }
        match zeros::write(&*self.file, end, end + options.room_bytes) {
            Ok(()) => self.room_end = end + options.room_bytes,
            // What was written is room all the same, and what is left is for frames.
            Err(cause) if cause.kind() == ErrorKind::StorageFull => {}
            Err(cause) => return Err(cause),
        }
        Ok(())
    }

    /// Seals the segment and begins the one of the batch.
    fn roll(&mut self, batch: &Batch) -> Result<(), Error> {
        self.seal()?;
        match recovery::create(&self.shared.storage, batch.segment()) {
            Ok((segment, file)) => {
                self.shared.state().segments.push_back(Arc::clone(&segment));
                (self.room_end, self.segment, self.file) = (segment.bytes(), segment, file);
                Ok(())
            }
            Err(fault) => Err(self.stop_with(fault)),
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
        self.stop_with(Fault::new(operation, &self.segment.path, cause))
    }

    fn stop_with(&mut self, fault: Fault) -> Error {
        let error = self.shared.stop(fault);
        self.fault = self.shared.fault();
        error
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.writer_dropped();
    }
}
