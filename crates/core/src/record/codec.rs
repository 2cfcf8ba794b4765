//! Records to bytes and back: `docs/formats/record.md`, version 1.
//!
//! A record is a version byte, a kind byte and the fields of its kind. Trades are deltas against
//! the trade before, which keeps a typical one at 8 to 12 bytes.

use thiserror::Error;

use super::{Clock, FeedChange, FeedEvent, GapCause, Record, SettingsEpoch, Tick, Watermark};
use crate::bytes::{BytesError, Decoder, Encoder};
use crate::decimal::Decimal;
use crate::names::{NameId, Names};
use crate::settings::{AnalyzerSettings, Conditions, MAX_WINDOWS};
use crate::span::Span;
use crate::trade::{MAX_BATCH_TRADES, MAX_CONDITIONS_BYTES, MAX_SYMBOL_BYTES, Trade, TradeBatch};

/// Version of the record format that this code writes, and the newest it reads.
pub const RECORD_FORMAT: u8 = 1;

/// Longest venue name or reason in bytes.
const MAX_TEXT_BYTES: usize = 1_024;

/// Most symbols that one feed event names.
const MAX_EVENT_SYMBOLS: usize = 100_000;

/// Why bytes are no record.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecordError {
    /// Written by a newer program.
    #[error("record format {found} is newer than supported {RECORD_FORMAT}; upgrade stock-up")]
    Newer {
        /// The version found.
        found: u8,
    },
    /// A Python pickle, as the seed system put on its topic.
    #[error("looks like a Python pickle; refusing it, because unpickling runs code")]
    Pickle,
    /// Damaged or foreign bytes.
    #[error("record is damaged or not ours")]
    Bytes(#[from] BytesError),
}

/// Appends the bytes of `record` to `out`.
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    let mut to = Encoder::new(out);
    to.byte(RECORD_FORMAT);
    match record {
        Record::Trades(batch) => encode_trades(batch, &mut to),
        Record::Tick(tick) => {
            to.byte(2);
            to.signed(tick.time);
            to.signed(tick.time.saturating_sub(tick.heard));
        }
        Record::Feed(change) => encode_feed(change, &mut to),
        Record::Settings(epoch) => encode_settings(epoch, &mut to),
        Record::Watermark(mark) => {
            to.byte(5);
            encode_watermark(mark, &mut to);
        }
    }
}

/// Appends the bytes of a batch of trades, without moving it into a [`Record`].
pub fn encode_batch(batch: &TradeBatch, out: &mut Vec<u8>) {
    let mut to = Encoder::new(out);
    to.byte(RECORD_FORMAT);
    encode_trades(batch, &mut to);
}

/// Reads one record, which must be the whole of `input`.
///
/// # Errors
/// [`RecordError`] says what is wrong and where.
pub fn decode(input: &[u8]) -> Result<Record, RecordError> {
    let mut batch = TradeBatch::default();
    match decode_into(input, &mut batch)? {
        Some(record) => Ok(record),
        None => Ok(Record::Trades(batch)),
    }
}

/// As [`decode`], but trades are put into `batch`, whose memory is used again; then the answer is
/// `None`.
///
/// # Errors
/// As [`decode`].
pub fn decode_into(input: &[u8], batch: &mut TradeBatch) -> Result<Option<Record>, RecordError> {
    let mut from = Decoder::new(input);
    match from.byte("format version")? {
        RECORD_FORMAT => {}
        0x80 if matches!(input.get(1), Some(2..=5)) => return Err(RecordError::Pickle),
        0 => return Err(from.invalid("format version").into()),
        found => return Err(RecordError::Newer { found }),
    }
    let record = match from.byte("record kind")? {
        1 => {
            decode_trades(&mut from, batch)?;
            None
        }
        2 => {
            let time = from.signed("tick time")?;
            let heard = time.saturating_sub(from.signed("tick age")?);
            Some(Record::Tick(Tick { time, heard }))
        }
        3 => Some(Record::Feed(decode_feed(&mut from)?)),
        4 => Some(Record::Settings(decode_settings(&mut from)?)),
        5 => Some(Record::Watermark(decode_watermark(&mut from)?)),
        _ => return Err(from.invalid("record kind").into()),
    };
    from.finish()?;
    Ok(record)
}

fn encode_trades(batch: &TradeBatch, to: &mut Encoder<'_>) {
    to.byte(1);
    to.signed(batch.ts_recv);
    to.count(batch.names.len());
    for name in batch.names.iter() {
        to.text(name);
    }
    to.count(batch.trades.len());
    let mut before = batch.ts_recv;
    for trade in &batch.trades {
        to.unsigned(u64::from(trade.symbol.0));
        to.unsigned(u64::from(trade.conditions.0));
        to.signed(trade.ts_event.wrapping_sub(before));
        before = trade.ts_event;
        encode_decimal(trade.price, to);
        encode_decimal(trade.size, to);
    }
}

fn decode_trades(from: &mut Decoder<'_>, batch: &mut TradeBatch) -> Result<(), BytesError> {
    batch.clear();
    batch.ts_recv = from.signed("receive time")?;
    for _ in 0..from.count("number of names", 1, 2 * MAX_BATCH_TRADES)? {
        let limit = MAX_SYMBOL_BYTES.max(MAX_CONDITIONS_BYTES);
        let (name, known) = (from.text("name", limit)?, batch.names.len());
        if batch.names.intern(name).index() != known {
            return Err(from.invalid("name, which stands there twice"));
        }
    }
    let count = from.count("number of trades", 7, MAX_BATCH_TRADES)?;
    batch.trades.reserve(count);
    let mut before = batch.ts_recv;
    for _ in 0..count {
        let symbol = decode_name(from, &batch.names)?;
        let conditions = decode_name(from, &batch.names)?;
        let ts_event = before.wrapping_add(from.signed("event time")?);
        before = ts_event;
        let price = decode_decimal(from)?;
        let size = decode_decimal(from)?;
        batch.trades.push(Trade {
            symbol,
            conditions,
            ts_event,
            price,
            size,
        });
    }
    Ok(())
}

fn decode_name(from: &mut Decoder<'_>, names: &Names) -> Result<NameId, BytesError> {
    let id = from.unsigned("name id")?;
    match u32::try_from(id) {
        Ok(id) if (id as usize) < names.len() => Ok(NameId(id)),
        _ => Err(from.invalid("name id")),
    }
}

/// Scale byte, then the mantissa.
pub(crate) fn encode_decimal(value: Decimal, to: &mut Encoder<'_>) {
    to.byte(value.scale());
    to.unsigned(value.mantissa());
}

pub(crate) fn decode_decimal(from: &mut Decoder<'_>) -> Result<Decimal, BytesError> {
    let scale = from.byte("scale")?;
    let mantissa = from.unsigned("mantissa")?;
    Decimal::new(mantissa, scale).map_err(|_| from.invalid("decimal"))
}

fn encode_feed(change: &FeedChange, to: &mut Encoder<'_>) {
    to.byte(3);
    to.signed(change.at);
    to.signed(change.ts_recv);
    match &change.event {
        FeedEvent::Started { venue, simulated } => {
            to.byte(1);
            to.text(venue);
            to.byte(u8::from(*simulated));
        }
        FeedEvent::Clock(clock) => {
            to.byte(2);
            to.byte(match clock {
                Clock::Wall => 1,
                Clock::Event => 2,
            });
        }
        FeedEvent::Connected => to.byte(3),
        FeedEvent::Subscribed(symbols) => encode_symbols(4, symbols, to),
        FeedEvent::Unsubscribed(symbols) => encode_symbols(5, symbols, to),
        FeedEvent::GapOpened { from, cause } => {
            to.byte(6);
            to.signed(*from);
            to.byte(match cause {
                GapCause::Disconnected => 1,
                GapCause::Silent => 2,
                GapCause::Stopped => 3,
                GapCause::Overload => 4,
                GapCause::BadFrames => 5,
            });
        }
        FeedEvent::GapClosed => to.byte(7),
        FeedEvent::Stale => to.byte(8),
        FeedEvent::Fresh => to.byte(9),
        FeedEvent::Refused(reason) => {
            to.byte(10);
            to.text(cut(reason));
        }
        FeedEvent::Ended => to.byte(11),
    }
}

/// The longest start of `text` that a record takes.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT_BYTES))
        .unwrap_or(text)
}

fn encode_symbols(kind: u8, symbols: &[String], to: &mut Encoder<'_>) {
    to.byte(kind);
    to.count(symbols.len());
    for symbol in symbols {
        to.text(symbol);
    }
}

fn decode_feed(from: &mut Decoder<'_>) -> Result<FeedChange, BytesError> {
    let at = from.signed("feed time")?;
    let ts_recv = from.signed("receive time")?;
    let event = match from.byte("feed event")? {
        1 => FeedEvent::Started {
            venue: from.text("venue", MAX_TEXT_BYTES)?.to_owned(),
            simulated: from.flag("simulated")?,
        },
        2 => FeedEvent::Clock(match from.byte("clock")? {
            1 => Clock::Wall,
            2 => Clock::Event,
            _ => return Err(from.invalid("clock")),
        }),
        3 => FeedEvent::Connected,
        4 => FeedEvent::Subscribed(decode_symbols(from)?),
        5 => FeedEvent::Unsubscribed(decode_symbols(from)?),
        6 => FeedEvent::GapOpened {
            from: from.signed("gap start")?,
            cause: decode_cause(from)?,
        },
        7 => FeedEvent::GapClosed,
        8 => FeedEvent::Stale,
        9 => FeedEvent::Fresh,
        10 => FeedEvent::Refused(from.text("reason", MAX_TEXT_BYTES)?.to_owned()),
        11 => FeedEvent::Ended,
        _ => return Err(from.invalid("feed event")),
    };
    Ok(FeedChange { at, ts_recv, event })
}

fn decode_cause(from: &mut Decoder<'_>) -> Result<GapCause, BytesError> {
    Ok(match from.byte("gap cause")? {
        1 => GapCause::Disconnected,
        2 => GapCause::Silent,
        3 => GapCause::Stopped,
        4 => GapCause::Overload,
        5 => GapCause::BadFrames,
        _ => return Err(from.invalid("gap cause")),
    })
}

fn decode_symbols(from: &mut Decoder<'_>) -> Result<Vec<String>, BytesError> {
    let count = from.count("number of symbols", 2, MAX_EVENT_SYMBOLS)?;
    (0..count)
        .map(|_| from.text("symbol", MAX_SYMBOL_BYTES).map(str::to_owned))
        .collect()
}

pub(crate) fn encode_watermark(mark: &Watermark, to: &mut Encoder<'_>) {
    for time in [mark.time, mark.heard, mark.begun] {
        to.byte(u8::from(time.is_some()));
        to.signed(time.unwrap_or_default());
    }
}

pub(crate) fn decode_watermark(from: &mut Decoder<'_>) -> Result<Watermark, BytesError> {
    let mut time = |what| -> Result<Option<i64>, BytesError> {
        let known = from.flag(what)?;
        let time = from.signed(what)?;
        Ok(Some(time).filter(|_| known))
    };
    Ok(Watermark {
        time: time("time")?,
        heard: time("sign of life")?,
        begun: time("first trade")?,
    })
}

fn encode_settings(epoch: &SettingsEpoch, to: &mut Encoder<'_>) {
    to.byte(4);
    to.unsigned(epoch.revision);
    encode_analyzer_settings(&epoch.settings, to);
}

fn decode_settings(from: &mut Decoder<'_>) -> Result<SettingsEpoch, BytesError> {
    let revision = from.unsigned("settings revision")?;
    Ok(SettingsEpoch {
        revision,
        settings: decode_analyzer_settings(from)?,
    })
}

pub(crate) fn encode_analyzer_settings(settings: &AnalyzerSettings, to: &mut Encoder<'_>) {
    to.count(settings.windows.len());
    for window in &settings.windows {
        to.signed(window.ns());
    }
    to.signed(settings.grid.ns());
    to.signed(settings.lateness.ns());
    to.signed(settings.revise.map_or(-1, Span::ns));
    to.byte(match settings.conditions {
        Conditions::All => 1,
        Conditions::Sip => 2,
    });
}

pub(crate) fn decode_analyzer_settings(
    from: &mut Decoder<'_>,
) -> Result<AnalyzerSettings, BytesError> {
    let count = from.count("number of windows", 1, MAX_WINDOWS)?;
    let mut windows = Vec::with_capacity(count);
    for _ in 0..count {
        windows.push(Span::from_ns(from.signed("window")?));
    }
    let grid = Span::from_ns(from.signed("grid")?);
    let lateness = Span::from_ns(from.signed("lateness")?);
    let revise = match from.signed("revise")? {
        -1 => None,
        reach => Some(Span::from_ns(reach)),
    };
    let conditions = match from.byte("conditions")? {
        1 => Conditions::All,
        2 => Conditions::Sip,
        _ => return Err(from.invalid("conditions")),
    };
    let settings = AnalyzerSettings {
        windows,
        grid,
        lateness,
        revise,
        conditions,
    };
    settings.validated().map_err(|_| from.invalid("settings"))
}

#[cfg(test)]
mod tests;
