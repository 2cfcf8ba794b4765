//! The writing end of the log: records in, durable in their order.
//!
//! A full disk pauses it: what comes is turned away until there is room again, and the pause is a
//! gap in the log. Any other failure of the disk ends the process, because nothing it says can be
//! trusted.

use std::sync::Arc;

use stock_up_core::record::codec;
use stock_up_core::{Record, TradeBatch};
use stock_up_log::{CommitBounds, Error, GroupCommit, Log, Writer};

use crate::publish::LogNews;
use crate::telemetry::Telemetry;

/// Appends records to the log.
#[derive(Debug)]
pub(crate) struct Journal {
    log: Log,
    bounds: CommitBounds,
    /// `None` while the device is full.
    commits: Option<GroupCommit>,
    /// Memory for the next record.
    bytes: Vec<u8>,
    /// For the publisher, where there is one.
    news: Option<Arc<LogNews>>,
    telemetry: Arc<Telemetry>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "what is not in the log has to be said again"]
pub(crate) enum Appended {
    /// It will be durable soon, or the next append fails.
    Queued,
    /// The device is full: it is not in the log.
    NoSpace,
}

impl Journal {
    pub(crate) fn start(
        log: Log,
        writer: Writer,
        bounds: CommitBounds,
        telemetry: Arc<Telemetry>,
    ) -> Result<Self, Error> {
        let commits = GroupCommit::start(writer, bounds)?;
        Ok(Self {
            log,
            bounds,
            commits: Some(commits),
            bytes: Vec::new(),
            news: None,
            telemetry,
        })
    }

    /// Tells the publisher what shall go soon.
    pub(crate) fn with_news(mut self, news: Arc<LogNews>) -> Self {
        self.news = Some(news);
        self
    }

    /// What was appended last shall not wait for company, neither here nor on its way to a queue.
    pub(crate) fn hurry(&self) {
        let Some(commits) = &self.commits else {
            return;
        };
        let end = commits.commit_soon();
        if let Some(news) = &self.news {
            news.becomes_due(end, || self.log.durable_end());
        }
    }

    /// Appends a record; `time` is the log's.
    pub(crate) fn append(&mut self, time: i64, record: &Record) -> Result<Appended, Error> {
        self.bytes.clear();
        codec::encode(record, &mut self.bytes);
        self.append_bytes(time, record.count())
    }

    /// Appends a batch of trades; `time` is the log's after them.
    pub(crate) fn append_batch(
        &mut self,
        time: i64,
        batch: &TradeBatch,
    ) -> Result<Appended, Error> {
        self.bytes.clear();
        codec::encode_batch(batch, &mut self.bytes);
        let count = u32::try_from(batch.trades.len()).unwrap_or(u32::MAX);
        self.append_bytes(time, count)
    }

    /// Whether the device was full at the last append.
    pub(crate) fn is_paused(&self) -> bool {
        self.commits.is_none()
    }

    /// The log's time as of its last durable record; `None` while there is none.
    pub(crate) fn durable_time(&self) -> Result<Option<i64>, Error> {
        let Some(last) = self.log.durable_end().checked_sub(1) else {
            return Ok(None);
        };
        let mut reader = self.log.reader(last)?;
        Ok(reader.next_frame()?.map(|frame| frame.time))
    }

    /// Makes everything appended durable.
    pub(crate) fn flush(&mut self) -> Result<Appended, Error> {
        let Some(commits) = &self.commits else {
            return Ok(Appended::NoSpace);
        };
        let flushed = commits.flush().map(|_| ());
        self.judge(flushed)
    }

    /// Tries to go on after a pause; true once records are accepted again.
    pub(crate) fn resume(&mut self) -> Result<bool, Error> {
        if self.commits.is_some() {
            return Ok(true);
        }
        match self
            .log
            .reopen()
            .and_then(|(_, writer)| GroupCommit::start(writer, self.bounds))
        {
            Ok(commits) => {
                self.commits = Some(commits);
                Ok(true)
            }
            Err(error) if error.is_no_space() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes what is queued and gives the log back.
    pub(crate) fn close(mut self) -> Result<(), Error> {
        match self.commits.take() {
            Some(commits) => commits.close().map(|_| ()),
            None => Ok(()),
        }
    }

    fn append_bytes(&mut self, time: i64, count: u32) -> Result<Appended, Error> {
        let Some(commits) = &self.commits else {
            return Ok(Appended::NoSpace);
        };
        let appended = commits.append(time, count, &self.bytes);
        if let Ok(seq) = appended {
            let commits = &self.telemetry.log_commits;
            // Those who read the log may look later.
            commits.durable(self.log.durable_end());
            commits.appended(seq + u64::from(count));
        }
        self.judge(appended.map(|_| ()))
    }

    fn judge(&mut self, result: Result<(), Error>) -> Result<Appended, Error> {
        match result {
            Ok(()) => Ok(Appended::Queued),
            Err(error) if error.is_no_space() => {
                // Dropping the old writer lets the log be opened anew.
                self.commits = None;
                Ok(Appended::NoSpace)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stock_up_core::{Decimal, Tick};
    use stock_up_log::Options;

    use super::*;

    const FOREVER: Duration = Duration::from_hours(1);

    #[test]
    fn what_is_in_a_hurry_is_durable_before_the_rest_is_over() {
        let dir = tempfile::tempdir().expect("a folder");
        let (log, writer) = Log::open(dir.path(), Options::new([7; 16])).expect("a log");
        let bounds = CommitBounds {
            latency: FOREVER,
            ..CommitBounds::default()
        };
        let telemetry = Arc::new(Telemetry::new());
        let mut journal =
            Journal::start(log.clone(), writer, bounds, telemetry).expect("it starts");
        let mut batch = TradeBatch::default();
        let one = Decimal::new(1, 0).expect("one is in range");
        batch.push("SPY", 5, (one, one), "");
        // The first is committed at once, what follows rests.
        let appended = journal.append_batch(5, &batch);
        assert_eq!(appended.expect("it is open"), Appended::Queued);
        assert_eq!(log.wait_for(0, FOREVER).expect("it is written"), 1);
        let tick = Record::Tick(Tick { time: 6, heard: 6 });
        let appended = journal.append(6, &tick);
        assert_eq!(appended.expect("it is open"), Appended::Queued);
        journal.hurry();
        assert_eq!(log.wait_for(1, FOREVER).expect("it is written"), 2);
    }
}
