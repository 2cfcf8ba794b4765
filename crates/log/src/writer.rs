//! The one writer of a log: a batch into the file, the file to the device.

use std::sync::Arc;

use crate::batch::{Batch, MAX_COMMIT_BYTES};
use crate::error::{Error, Fault};
use crate::frame;
use crate::recovery::{self, Recovered};
use crate::segment::Segment;
use crate::shared::Shared;
use crate::storage::{Access, StorageFile};

/// Appends to a log. There is one, and it holds the lock on the folder.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    segment: Arc<Segment>,
    file: Arc<dyn StorageFile>,
    /// The commit to come.
    batch: Batch,
    /// Memory of the commit before, for the one after this.
    memory: Vec<u8>,
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
        let at_end = Batch::at_end(&segment, report.end_seq, report.last_time);
        Ok(Writer {
            batch: at_end.following(shared.options.segment_bytes, Vec::new()),
            memory: Vec::new(),
            fault: None,
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
        self.memory = batch.into_memory();
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
        let memory = std::mem::take(&mut self.memory);
        let following = self.batch.following(segment_bytes, memory);
        std::mem::replace(&mut self.batch, following)
    }

    /// Makes a batch durable and shows it to readers. Batches come one after the other, each the
    /// following of the one before.
    pub(crate) fn write(&mut self, batch: &Batch) -> Result<(), Error> {
        self.check()?;
        if batch.segment().first_seq != self.segment.first_seq() {
            self.roll(batch)?;
        }
        if let Err(cause) = self.file.write_at(batch.offset(), batch.bytes()) {
            return Err(self.stop("write", cause));
        }
        if let Err(cause) = self.file.sync() {
            return Err(self.stop("sync", cause));
        }
        let (durable, bytes) = (batch.next_seq(), batch.end());
        self.shared.publish(durable, bytes, batch.entry());
        Ok(())
    }

    /// Seals the segment, which is durable up to its end, and begins the one of the batch.
    fn roll(&mut self, batch: &Batch) -> Result<(), Error> {
        match recovery::create(&self.shared.storage, batch.segment()) {
            Ok((segment, file)) => {
                self.shared.state().segments.push_back(Arc::clone(&segment));
                (self.segment, self.file) = (segment, file);
                Ok(())
            }
            Err(fault) => Err(self.stop_with(fault)),
        }
    }

    /// Retention may have stopped the log as well.
    fn check(&self) -> Result<(), Error> {
        match &self.fault {
            Some(fault) => Err(fault.to_error()),
            None => self.shared.check_writable(),
        }
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
