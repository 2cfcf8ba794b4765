//! What a log says about itself: what `collect` has to know to take it up.

use anyhow::bail;
use stock_up_core::bytes::{Decoder, Encoder};
use stock_up_core::record::codec;
use stock_up_core::trade::MAX_SYMBOL_BYTES;
use stock_up_core::{AnalyzerSettings, Clock, FeedChange, FeedEvent, Record, SettingsEpoch};

/// Most symbols that are kept as subscribed.
const MAX_SYMBOLS: usize = 100_000;

/// Longest settings in bytes.
const MAX_SETTINGS_BYTES: usize = 4_096;

/// What the log says about itself when `collect` takes it up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Known {
    /// The log holds records.
    pub(crate) has_records: bool,
    /// The log holds trades.
    pub(crate) has_trades: bool,
    pub(crate) clock: Clock,
    pub(crate) time: Option<i64>,
    pub(crate) heard: Option<i64>,
    pub(crate) gap_is_open: bool,
    pub(crate) subscribed: Vec<String>,
    pub(crate) settings: AnalyzerSettings,
    pub(crate) settings_revision: u64,
}

impl Known {
    /// Follows the log by its next record.
    pub(crate) fn note(&mut self, record: &Record) {
        self.has_records = true;
        match record {
            Record::Trades(batch) => {
                let newest = batch.trades.iter().map(|trade| trade.ts_event).max();
                self.note_trades(batch.ts_recv, newest);
            }
            Record::Tick(tick) => self.note_wall(tick.time, Some(tick.heard)),
            Record::Feed(change) => self.note_feed(change),
            Record::Settings(epoch) => {
                self.settings = epoch.settings.clone();
                self.settings_revision = epoch.revision;
            }
            Record::Watermark(_) => {}
        }
    }

    /// As [`Known::note`] for trades that are not moved into a record.
    pub(crate) fn note_trades(&mut self, ts_recv: i64, newest: Option<i64>) {
        self.has_records = true;
        self.has_trades |= newest.is_some();
        self.time = self.time.max(newest);
        if self.clock == Clock::Wall {
            self.heard = self.heard.max(Some(ts_recv));
        }
    }

    fn note_wall(&mut self, time: i64, heard: Option<i64>) {
        if self.clock == Clock::Wall {
            self.time = self.time.max(Some(time));
            self.heard = self.heard.max(heard);
        }
    }

    fn note_feed(&mut self, change: &FeedChange) {
        match &change.event {
            FeedEvent::Clock(clock) => {
                if *clock != self.clock && !self.has_trades {
                    self.clock = *clock;
                    (self.time, self.heard) = (None, None);
                }
                return;
            }
            FeedEvent::Subscribed(symbols) => {
                let new = symbols.iter().filter(|s| !self.subscribed.contains(s));
                let new: Vec<String> = new.cloned().collect();
                self.subscribed.extend(new);
            }
            FeedEvent::Unsubscribed(symbols) => {
                self.subscribed.retain(|symbol| !symbols.contains(symbol));
            }
            FeedEvent::GapOpened { .. } => self.gap_is_open = true,
            FeedEvent::GapClosed => self.gap_is_open = false,
            _ => {}
        }
        let hears = matches!(change.event, FeedEvent::Connected | FeedEvent::GapClosed);
        self.note_wall(change.at, hears.then_some(change.at));
    }

    /// Appends it as bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut settings = Vec::new();
        let epoch = SettingsEpoch {
            revision: self.settings_revision,
            settings: self.settings.clone(),
        };
        codec::encode(&Record::Settings(epoch), &mut settings);
        let mut to = Encoder::new(out);
        for flag in [
            self.has_records,
            self.has_trades,
            self.clock == Clock::Event,
            self.gap_is_open,
        ] {
            to.byte(u8::from(flag));
        }
        for time in [self.time, self.heard] {
            to.byte(u8::from(time.is_some()));
            to.signed(time.unwrap_or_default());
        }
        to.count(self.subscribed.len());
        for symbol in &self.subscribed {
            to.text(symbol);
        }
        to.count(settings.len());
        for byte in settings {
            to.byte(byte);
        }
    }

    /// Reads what [`Known::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub(crate) fn decode(from: &mut Decoder<'_>) -> anyhow::Result<Self> {
        let has_records = from.flag("records")?;
        let has_trades = from.flag("trades")?;
        let clock = if from.flag("clock")? {
            Clock::Event
        } else {
            Clock::Wall
        };
        let gap_is_open = from.flag("gap")?;
        let mut time = || -> anyhow::Result<Option<i64>> {
            let known = from.flag("time")?;
            let time = from.signed("time")?;
            Ok(Some(time).filter(|_| known))
        };
        let (time, heard) = (time()?, time()?);
        let mut subscribed = Vec::new();
        for _ in 0..from.count("subscriptions", 1, MAX_SYMBOLS)? {
            subscribed.push(from.text("symbol", MAX_SYMBOL_BYTES)?.to_owned());
        }
        let mut settings = Vec::new();
        for _ in 0..from.count("settings", 1, MAX_SETTINGS_BYTES)? {
            settings.push(from.byte("settings")?);
        }
        let Record::Settings(epoch) = codec::decode(&settings)? else {
            bail!("no settings stand where they should");
        };
        Ok(Self {
            has_records,
            has_trades,
            clock,
            time,
            heard,
            gap_is_open,
            subscribed,
            settings: epoch.settings,
            settings_revision: epoch.revision,
        })
    }
}

#[cfg(test)]
mod tests {
    use stock_up_core::{Decimal, GapCause, Tick, TradeBatch};

    use super::*;

    fn feed(at: i64, event: FeedEvent) -> Record {
        Record::Feed(FeedChange {
            at,
            ts_recv: at,
            event,
        })
    }

    #[test]
    fn what_a_log_says_is_followed_and_kept() {
        let mut known = Known::default();
        let symbols = vec!["SPY".to_owned(), "IBM".to_owned()];
        known.note(&feed(10, FeedEvent::Subscribed(symbols)));
        known.note(&feed(11, FeedEvent::Unsubscribed(vec!["IBM".to_owned()])));
        let cause = GapCause::Silent;
        known.note(&feed(12, FeedEvent::GapOpened { from: 9, cause }));
        let heard = 8;
        known.note(&Record::Tick(Tick { time: 20, heard }));
        assert_eq!(known.subscribed, ["SPY"]);
        assert_eq!((known.time, known.heard), (Some(20), Some(8)));
        assert!(known.gap_is_open && known.has_records && !known.has_trades);

        known.note(&feed(21, FeedEvent::Clock(Clock::Event)));
        assert_eq!(
            (known.time, known.heard),
            (None, None),
            "another clock leads"
        );
        let mut batch = TradeBatch::default();
        let one = Decimal::new(1, 0).expect("one is in range");
        batch.push("SPY", 5, (one, one), "");
        known.note(&Record::Trades(batch));
        known.note(&feed(22, FeedEvent::GapClosed));
        assert_eq!(known.time, Some(5));
        assert!(known.has_trades && !known.gap_is_open);

        let mut bytes = Vec::new();
        known.encode(&mut bytes);
        let read = Known::decode(&mut Decoder::new(&bytes)).expect("what was written is read");
        assert_eq!(read, known);
    }
}
