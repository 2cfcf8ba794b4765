//! Trade files as one stream of batches.

use std::path::PathBuf;

use stock_up_core::TradeBatch;
use stock_up_io::tape::TapeReader;

use super::merge::Merge;
use super::pipe::Outlet;
use crate::failure::Outcome;
use crate::progress::Meter;

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

impl Tapes {
    pub(crate) fn new(files: Vec<PathBuf>, order: Order) -> Self {
        Self { files, order }
    }

    /// Bytes of all files; `None` if one of them is a pipe or missing.
    pub(super) fn total_bytes(&self) -> Option<u64> {
        let bytes = |file: &PathBuf| {
            let metadata = file.metadata().ok()?;
            metadata.is_file().then_some(metadata.len())
        };
        self.files.iter().map(bytes).sum()
    }

    /// Puts out all trades in their order.
    pub(super) fn read(&self, out: &Outlet<TradeBatch>, meter: &Meter) -> Outcome {
        match self.order {
            Order::Listed => self.read_listed(out, meter),
            Order::Merged => self.read_merged(out, meter),
        }
    }

    fn read_listed(&self, out: &Outlet<TradeBatch>, meter: &Meter) -> Outcome {
        let mut done = 0;
        for file in &self.files {
            let mut reader = TapeReader::open(file)?.with_batch_rows(BATCH_ROWS);
            let mut batch = out.load();
            while reader.next_batch(&mut batch)? {
                meter.set(done + reader.bytes_read());
                out.put(batch)?;
                batch = out.load();
            }
            done += reader.bytes_read();
        }
        Ok(())
    }

    fn read_merged(&self, out: &Outlet<TradeBatch>, meter: &Meter) -> Outcome {
        let mut merge = Merge::open(&self.files, BATCH_ROWS)?;
        let mut batch = out.load();
        while merge.next_batch(&mut batch)? {
            meter.set(merge.bytes_read());
            out.put(batch)?;
            batch = out.load();
        }
        Ok(())
    }
}
