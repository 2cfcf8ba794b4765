//! Several trade files merged by event time.
//!
//! Each file keeps its own order, late rows included; of rows with equal times the file named first
//! is first. So the result depends on nothing but the files and the order of their names.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;

use stock_up_core::{Trade, TradeBatch};
use stock_up_io::tape::{TapeError, TapeReader};

/// Open files and their next rows.
#[derive(Debug)]
pub(super) struct Merge {
    inputs: Vec<Input>,
    /// Time of the next row and place of its file.
    heads: BinaryHeap<Reverse<(i64, usize)>>,
    rows: usize,
}

#[derive(Debug)]
struct Input {
    reader: TapeReader,
    batch: TradeBatch,
    at: usize,
}

impl Merge {
    pub(super) fn open(files: &[PathBuf], rows: usize) -> Result<Self, TapeError> {
        let mut merge = Self {
            inputs: Vec::new(),
            heads: BinaryHeap::new(),
            rows,
        };
        for (place, file) in files.iter().enumerate() {
            let reader = TapeReader::open(file)?.with_batch_rows(rows);
            let mut input = Input {
                reader,
                batch: TradeBatch::default(),
                at: 0,
            };
            if let Some(trade) = input.head()? {
                merge.heads.push(Reverse((trade.ts_event, place)));
            }
            merge.inputs.push(input);
        }
        Ok(merge)
    }

    /// As [`TapeReader::next_batch`].
    pub(super) fn next_batch(&mut self, batch: &mut TradeBatch) -> Result<bool, TapeError> {
        batch.clear();
        while batch.trades.len() < self.rows {
            let Some(Reverse((_, place))) = self.heads.pop() else {
                break;
            };
            let Some(input) = self.inputs.get_mut(place) else {
                continue;
            };
            input.move_row(batch);
            if let Some(trade) = input.head()? {
                self.heads.push(Reverse((trade.ts_event, place)));
            }
        }
        Ok(!batch.trades.is_empty())
    }

    /// Bytes taken from all files so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.inputs
            .iter()
            .map(|input| input.reader.bytes_read())
            .sum()
    }
}

impl Input {
    /// The next row, if there is one.
    fn head(&mut self) -> Result<Option<Trade>, TapeError> {
        if self.at == self.batch.trades.len() {
            self.at = 0;
            self.reader.next_batch(&mut self.batch)?;
        }
        Ok(self.batch.trades.get(self.at).copied())
    }

    /// Puts the next row into `batch`.
    fn move_row(&mut self, batch: &mut TradeBatch) {
        let Some(trade) = self.batch.trades.get(self.at) else {
            return;
        };
        self.at += 1;
        let names = &self.batch.names;
        let (symbol, conditions) = (names.get(trade.symbol), names.get(trade.conditions));
        batch.push(
            symbol,
            trade.ts_event,
            (trade.price, trade.size),
            conditions,
        );
    }
}
