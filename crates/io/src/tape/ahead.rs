//! Reading a tape on a thread of its own, a few batches ahead of whoever works on them.

use std::mem;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use stock_up_core::TradeBatch;

use super::error::TapeError;
use super::reader::TapeReader;

/// Batches that may wait: enough to even out, few enough to stay in the cache.
const MAX_WAITING: usize = 2;

/// Gives the batches of a [`TapeReader`] that reads on another thread.
///
/// The thread ends with the tape, or when it next has a batch after this is dropped.
#[derive(Debug)]
pub struct ReadAhead {
    ready: Receiver<Result<TradeBatch, TapeError>>,
    spent: SyncSender<TradeBatch>,
    thread: Option<JoinHandle<()>>,
    taken: Arc<AtomicU64>,
    total: Option<u64>,
}

impl ReadAhead {
    /// Begins to read.
    pub fn start(reader: TapeReader) -> Self {
        let (ready_out, ready) = sync_channel(MAX_WAITING);
        let (spent, spent_in) = sync_channel(MAX_WAITING);
        let (taken, total) = (reader.taken(), reader.total_bytes());
        let thread = thread::spawn(move || read_all(reader, &ready_out, &spent_in));
        Self {
            ready,
            spent,
            thread: Some(thread),
            taken,
            total,
        }
    }

    /// Puts the next trades in `batch`; `false` when there are none. As [`TapeReader::next_batch`].
    pub fn next_batch(&mut self, batch: &mut TradeBatch) -> Result<bool, TapeError> {
        if let Ok(next) = self.ready.recv() {
            let spent = mem::replace(batch, next?);
            // One that finds no room is dropped: it only saves an allocation.
            drop(self.spent.try_send(spent));
            return Ok(true);
        }
        batch.clear();
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(panic)) => resume_unwind(panic),
            _ => Ok(false),
        }
    }

    /// As [`TapeReader::bytes_read`].
    pub fn bytes_read(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// As [`TapeReader::total_bytes`].
    pub fn total_bytes(&self) -> Option<u64> {
        self.total
    }
}

fn read_all(
    mut reader: TapeReader,
    ready: &SyncSender<Result<TradeBatch, TapeError>>,
    spent: &Receiver<TradeBatch>,
) {
    loop {
        let mut batch = spent.try_recv().unwrap_or_default();
        let read = match reader.next_batch(&mut batch) {
            Ok(true) => Ok(batch),
            Ok(false) => return,
            Err(error) => Err(error),
        };
        let is_last = read.is_err();
        if ready.send(read).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn ahead(text: String) -> ReadAhead {
        let reader = TapeReader::from_bytes("a.csv", Cursor::new(text.into_bytes())).unwrap();
        ReadAhead::start(reader.with_batch_rows(7))
    }

    fn tape(rows: u32) -> String {
        let mut text = "timestamp_ns,symbol,price,size\n".to_owned();
        for row in 0..rows {
            text += &[&row.to_string(), ",S", &(row % 5).to_string(), ",1,1\n"].concat();
        }
        text
    }

    #[test]
    fn everything_comes_in_order_and_then_nothing() {
        let (mut ahead, mut batch, mut times) = (ahead(tape(100)), TradeBatch::default(), vec![]);
        while ahead.next_batch(&mut batch).unwrap() {
            times.extend(batch.trades.iter().map(|trade| trade.ts_event));
        }
        assert!(times.into_iter().eq(0..100));
        assert!(!ahead.next_batch(&mut batch).unwrap());
        assert_eq!(ahead.bytes_read(), tape(100).len() as u64);
    }

    #[test]
    fn an_error_comes_after_what_stands_before_it() {
        let (mut ahead, mut batch) = (ahead(tape(21) + "x,S,1,1\n"), TradeBatch::default());
        for _ in 0..3 {
            assert!(ahead.next_batch(&mut batch).unwrap());
        }
        let error = ahead.next_batch(&mut batch).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`a.csv` line 23: timestamp_ns"),
            "{error}"
        );
        assert!(!ahead.next_batch(&mut batch).unwrap());
    }

    #[test]
    fn it_may_be_dropped_on_the_way() {
        let mut ahead = ahead(tape(100));
        assert!(ahead.next_batch(&mut TradeBatch::default()).unwrap());
    }
}
