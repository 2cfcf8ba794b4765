//! The analyzer with a writer behind it: records in, text out in big pieces.

use std::fmt;
use std::io::Write;

use stock_up_core::{
    Analyzer, AnalyzerSettings, Clock, FeedChange, FeedEvent, Point, Record, SettingsEpoch,
    TradeBatch,
};
use stock_up_io::text::Format;

use super::{Overrides, Plan};
use crate::failure::{Failure, Outcome};

/// Text is written when there is so much of it.
const CHUNK_BYTES: usize = 256 << 10;

/// Takes records and writes the points that they give.
pub(crate) struct Engine<'a> {
    analyzer: Analyzer,
    overrides: Overrides,
    format: Format,
    points: Vec<Point>,
    text: Vec<u8>,
    out: &'a mut dyn Write,
}

impl fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("position", &self.analyzer.position())
            .finish_non_exhaustive()
    }
}

impl<'a> Engine<'a> {
    /// An engine whose first record has the number `position`.
    pub(crate) fn new(plan: &Plan, position: u64, out: &'a mut dyn Write) -> Outcome<Self> {
        let settings = plan.overrides.over(AnalyzerSettings::default());
        let settings = settings.map_err(Failure::usage)?;
        let mut text = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
        plan.format.write_header(&mut text);
        Ok(Self {
            analyzer: Analyzer::new(settings, plan.emission, position),
            overrides: plan.overrides.clone(),
            format: plan.format,
            points: Vec::new(),
            text,
            out,
        })
    }

    /// What comes is recorded: its time is that of the trades, and every symbol is observed from
    /// the first of them on.
    pub(crate) fn begin_tape(&mut self) -> Outcome {
        self.feed(i64::MIN, FeedEvent::Clock(Clock::Event))?;
        self.feed(i64::MIN, FeedEvent::Subscribed(Vec::new()))
    }

    /// Every point up to the log's time is emitted.
    pub(crate) fn end_tape(&mut self) -> Outcome {
        let at = self.analyzer.log_time().unwrap_or(0);
        self.feed(at, FeedEvent::Ended)
    }

    /// Applies the next trades.
    pub(crate) fn trades(&mut self, batch: &TradeBatch) -> Outcome {
        let position = self.analyzer.position();
        self.analyzer
            .apply_trades(position, batch, &mut self.points)?;
        self.write_points()
    }

    /// Applies the record of a log with the number `seq`.
    pub(crate) fn record(&mut self, seq: u64, record: &Record) -> Outcome {
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

    /// Writes what is held back.
    pub(crate) fn finish(mut self) -> Outcome {
        self.write_text()?;
        Ok(self.out.flush()?)
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
        let applied = self.analyzer.apply(seq, record, &mut self.points);
        applied.map_err(Failure::data_dir)?;
        self.write_points()
    }

    fn write_points(&mut self) -> Outcome {
        for point in &self.points {
            let symbol = self.analyzer.symbol(point.symbol);
            self.format.write_point(point, symbol, &mut self.text)?;
            if self.text.len() >= CHUNK_BYTES {
                self.out.write_all(&self.text)?;
                self.text.clear();
            }
        }
        self.points.clear();
        Ok(())
    }

    fn write_text(&mut self) -> Outcome {
        self.out.write_all(&self.text)?;
        self.text.clear();
        Ok(())
    }
}
