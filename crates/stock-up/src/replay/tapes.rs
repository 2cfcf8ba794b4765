//! Trade files as one stream of batches, read and parsed on a thread of their own.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{panic, thread};

use anyhow::Context;
use stock_up_core::TradeBatch;
use stock_up_io::tape::{TapeError, TapeReader};

use super::merge::Merge;
use crate::failure::Outcome;
use crate::progress::{Bar, Meter, Progress};

/// Batches that are under way between the two threads.
const BATCHES_AHEAD: usize = 4;

/// Rows of a batch. A batch gives all the points between its first and its last trade at once, so
/// it is kept small for files with few trades and many windows.
const BATCH_ROWS: usize = 1_024;

/// How several files become one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// One after another.
    Listed,
    /// All at once, by event time; of equal times, the file named first.
    Merged,
}

/// Trade files to be read; `-` is standard input.
#[derive(Debug)]
pub(crate) struct Tapes {
    files: Vec<PathBuf>,
    order: Order,
}

/// Where the reading thread puts what it has read.
struct Outlet {
    full: SyncSender<Result<TradeBatch, TapeError>>,
    free: Receiver<TradeBatch>,
    meter: Meter,
}

impl Tapes {
    pub(crate) fn new(files: Vec<PathBuf>, order: Order) -> Self {
        Self { files, order }
    }

    /// Calls `take` with all trades in their order, until it fails.
    pub(crate) fn each_batch(
        self,
        bar: Bar,
        mut take: impl FnMut(&TradeBatch) -> Outcome,
    ) -> Outcome {
        let progress = Progress::of_bytes(self.total_bytes(), bar);
        let (full, batches) = sync_channel(BATCHES_AHEAD);
        let (give_back, free) = sync_channel(BATCHES_AHEAD + 2);
        let outlet = Outlet {
            full,
            free,
            meter: progress.meter(),
        };
        let reading = thread::Builder::new().name("tapes".to_owned());
        let reading = reading
            .spawn(move || self.read(&outlet))
            .context("cannot start a thread")?;
        for batch in batches {
            let batch = batch?;
            take(&batch)?;
            // When it is full there are enough batches on the way.
            drop(give_back.try_send(batch));
        }
        // After a failure above nobody waits: the thread may be blocked on standard input.
        reading
            .join()
            .unwrap_or_else(|payload| panic::resume_unwind(payload));
        Ok(())
    }

    fn total_bytes(&self) -> Option<u64> {
        let bytes = |file: &PathBuf| {
            let metadata = file.metadata().ok()?;
            metadata.is_file().then_some(metadata.len())
        };
        self.files.iter().map(bytes).sum()
    }

    /// Reads all files; an error is the last thing that is put out.
    fn read(self, outlet: &Outlet) {
        let read = match self.order {
            Order::Listed => read_listed(&self.files, outlet),
            Order::Merged => read_merged(&self.files, outlet),
        };
        if let Err(error) = read {
            // If nobody listens, the other side has failed first.
            drop(outlet.full.send(Err(error)));
        }
    }
}

fn read_listed(files: &[PathBuf], outlet: &Outlet) -> Result<(), TapeError> {
    let mut done = 0;
    for file in files {
        let mut reader = TapeReader::open(file)?.with_batch_rows(BATCH_ROWS);
        loop {
            let mut batch = outlet.free_batch();
            let more = reader.next_batch(&mut batch)?;
            outlet.meter.set(done + reader.bytes_read());
            if !more {
                break;
            }
            if outlet.put(batch).is_none() {
                return Ok(());
            }
        }
        done += reader.bytes_read();
    }
    Ok(())
}

fn read_merged(files: &[PathBuf], outlet: &Outlet) -> Result<(), TapeError> {
    let mut merge = Merge::open(files, BATCH_ROWS)?;
    loop {
        let mut batch = outlet.free_batch();
        let more = merge.next_batch(&mut batch)?;
        outlet.meter.set(merge.bytes_read());
        if !more || outlet.put(batch).is_none() {
            return Ok(());
        }
    }
}

impl Outlet {
    fn free_batch(&self) -> TradeBatch {
        self.free.try_recv().unwrap_or_default()
    }

    /// Waits for room; `None` when nobody takes batches any more.
    fn put(&self, batch: TradeBatch) -> Option<()> {
        self.full.send(Ok(batch)).ok()
    }
}
