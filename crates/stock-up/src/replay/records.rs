//! The records of a data directory, first to last, as far as they are durable now.
//!
//! Nothing is locked or changed, so this works beside the process that writes the log.

use std::mem;

use anyhow::Context;
use stock_up_core::record::codec::{self, RecordError};
use stock_up_core::{Record, TradeBatch};
use stock_up_log::Log;

use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::progress::{Bar, Progress};

/// Sequence numbers between two looks at the progress bar.
const METER_EVERY: u64 = 4_096;

/// The log of a data directory, opened to read.
#[derive(Debug)]
pub(crate) struct Records {
    log: Log,
    bar: Bar,
}

/// A frame of the log and what it holds.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// The first of its sequence numbers.
    pub(crate) seq: u64,
    /// How many it takes.
    pub(crate) count: u32,
    pub(crate) record: Result<&'a Record, RecordError>,
}

impl Records {
    /// Opens the log of `dir`.
    pub(crate) fn open(dir: &DataDir, bar: Bar) -> Outcome<Self> {
        let log = Log::open_read_only(dir.log()).map_err(Failure::data_dir)?;
        Ok(Self { log, bar })
    }

    /// Number of the first record that is still there.
    pub(crate) fn first_seq(&self) -> u64 {
        self.log.first_seq()
    }

    /// Calls `take` with every record and the first of its numbers, until it fails.
    pub(crate) fn each(&self, mut take: impl FnMut(u64, &Record) -> Outcome) -> Outcome {
        self.each_entry(|entry| {
            let what = || format!("record {} of the log cannot be read", entry.seq);
            let record = entry.record.with_context(what).map_err(Failure::data_dir)?;
            take(entry.seq, record)
        })
    }

    /// As [`Records::each`], also with what is no record.
    pub(crate) fn each_entry(&self, mut take: impl FnMut(Entry<'_>) -> Outcome) -> Outcome {
        let (first, end) = (self.log.first_seq(), self.log.durable_end());
        let progress = Progress::of_records(end - first, self.bar);
        let (meter, mut metered) = (progress.meter(), first);
        let mut reader = self.log.reader(first).map_err(Failure::data_dir)?;
        let mut batch = TradeBatch::default();
        while reader.seq() < end {
            let Some(frame) = reader.next_frame().map_err(Failure::data_dir)? else {
                break;
            };
            let (seq, count) = (frame.seq, frame.count);
            let decoded = codec::decode_into(frame.payload, &mut batch);
            let whole = |other: Option<Record>| {
                other.unwrap_or_else(|| Record::Trades(mem::take(&mut batch)))
            };
            let record = decoded.map(whole);
            take(Entry {
                seq,
                count,
                record: record.as_ref().map_err(Clone::clone),
            })?;
            if let Ok(Record::Trades(taken)) = record {
                // Its memory is used again.
                batch = taken;
            }
            if seq - metered >= METER_EVERY {
                metered = seq;
                meter.set(seq - first);
            }
        }
        Ok(())
    }
}
