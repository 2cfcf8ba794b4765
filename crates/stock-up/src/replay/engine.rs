//! The analyzer with what feeds it: records in, points out.

use std::mem;

use stock_up_core::{
    Analyzer, AnalyzerSettings, Clock, FeedChange, FeedEvent, Record, SettingsEpoch, SymbolId,
    TradeBatch,
};

use super::pipe::Outlet;
use super::sheet::Rows;
use super::{Overrides, Plan};
use crate::failure::{Failure, Outcome};

/// Points go on their way when there are so many.
const POINTS_TOGETHER: usize = 256;

/// Takes records and puts out the points that they give.
#[derive(Debug)]
pub(super) struct Engine<'a> {
    analyzer: Analyzer,
    overrides: Overrides,
    rows: Rows,
    /// The number of the next symbol that has not been named.
    unnamed: u32,
    out: &'a Outlet<Rows>,
}

impl<'a> Engine<'a> {
    /// An engine whose first record has the number `position`.
    pub(super) fn new(plan: &Plan, position: u64, out: &'a Outlet<Rows>) -> Outcome<Self> {
        let settings = plan.overrides.over(AnalyzerSettings::default());
        let settings = settings.map_err(Failure::usage)?;
        Ok(Self {
            analyzer: Analyzer::new(settings, plan.emission, position),
            overrides: plan.overrides.clone(),
            rows: Rows::default(),
            unnamed: 0,
            out,
        })
    }

    /// What comes is recorded: its time is that of the trades, and every symbol is observed from
    /// the first of them on.
    pub(super) fn begin_tape(&mut self) -> Outcome {
        self.feed(i64::MIN, FeedEvent::Clock(Clock::Event))?;
        self.feed(i64::MIN, FeedEvent::Subscribed(Vec::new()))
    }

    /// Every point up to the log's time is emitted.
    pub(super) fn end_tape(&mut self) -> Outcome {
        let at = self.analyzer.log_time().unwrap_or(0);
        self.feed(at, FeedEvent::Ended)
    }

    /// Applies the next trades.
    pub(super) fn trades(&mut self, batch: &TradeBatch) -> Outcome {
        let (position, points) = (self.analyzer.position(), &mut self.rows.points);
        self.analyzer.apply_trades(position, batch, points)?;
        self.put_if_many()
    }

    /// Applies the record of a log with the number `seq`.
    pub(super) fn record(&mut self, seq: u64, record: &Record) -> Outcome {
        match record {
            Record::Settings(epoch) => {
                let epoch = SettingsEpoch {
                    revision: epoch.revision,
                    settings: self.overrides.over(epoch.settings.clone())?,
                };
                self.apply(seq, &Record::Settings(epoch))
            }
            other => self.apply(seq, other),
        }
    }

    /// Puts out what is held back.
    pub(super) fn finish(mut self) -> Outcome {
        self.put()
    }

    fn feed(&mut self, at: i64, event: FeedEvent) -> Outcome {
        let change = FeedChange {
            at,
            ts_recv: 0,
            event,
        };
        self.apply(self.analyzer.position(), &Record::Feed(change))
    }

    fn apply(&mut self, seq: u64, record: &Record) -> Outcome {
        let applied = self.analyzer.apply(seq, record, &mut self.rows.points);
        applied.map_err(Failure::data_dir)?;
        self.put_if_many()
    }

    fn put_if_many(&mut self) -> Outcome {
        if self.rows.points.len() < POINTS_TOGETHER {
            return Ok(());
        }
        self.put()
    }

    fn put(&mut self) -> Outcome {
        let last = self.rows.points.iter().map(|point| point.symbol.0).max();
        while last.is_some_and(|last| self.unnamed <= last) {
            let name = self.analyzer.symbol(SymbolId(self.unnamed));
            self.rows.names.push(name.to_owned());
            self.unnamed += 1;
        }
        let mut fresh = self.out.load();
        fresh.points.clear();
        fresh.names.clear();
        self.out.put(mem::replace(&mut self.rows, fresh))
    }
}
