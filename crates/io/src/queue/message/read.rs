//! Bytes to records; what comes from outside is checked here, and nowhere later.

use prost::Message;
use stock_up_core::trade::{
    MAX_BATCH_TRADES, MAX_CONDITIONS_BYTES, MAX_SYMBOL_BYTES, symbol_problem,
};
use stock_up_core::{
    AnalyzerSettings, Clock, Conditions, Decimal, FeedChange, FeedEvent, GapCause, NameId, Names,
    Record, SettingsEpoch, Span, Tick, Trade, TradeBatch, Watermark,
};

use super::{Batch, Header, MAX_MESSAGE_BYTES, MessageError, QUEUE_FORMAT, wire};

/// What is wrong with a record.
type Refused = &'static str;

/// Reads a message.
///
/// # Errors
/// [`MessageError`] says what the bytes look like instead, or which record is wrong.
pub fn decode(payload: &[u8]) -> Result<Batch, MessageError> {
    recognise(payload)?;
    let batch =
        wire::Batch::decode(payload).map_err(|error| MessageError::Foreign(error.to_string()))?;
    match batch.version {
        QUEUE_FORMAT => {}
        0 => return Err(MessageError::Foreign("it has no version".into())),
        newer => return Err(MessageError::Newer(newer)),
    }
    let header = header(&batch)?;
    let mut records = Vec::with_capacity(batch.records.len());
    for (place, wire) in batch.records.into_iter().enumerate() {
        let record = record(wire);
        records.push(record.map_err(|what| MessageError::Invalid {
            record: place,
            what,
        })?);
    }
    let numbers: u64 = records.iter().map(|record| u64::from(record.count())).sum();
    if header.first_seq.checked_add(numbers).is_none() {
        return Err(MessageError::Foreign("its numbers end beyond 2^64".into()));
    }
    Ok(Batch { header, records })
}

/// Tells foreign bytes apart that are known to be found on such topics.
fn recognise(payload: &[u8]) -> Result<(), MessageError> {
    match payload {
        [] => Err(MessageError::Empty),
        // Protocols 2 to 5 of pickle begin like this.
        [0x80, 2..=5, ..] => Err(MessageError::Pickle),
        [b'{' | b'[', ..] => Err(MessageError::Json),
        long if long.len() > MAX_MESSAGE_BYTES => Err(MessageError::TooLong(long.len())),
        _ => Ok(()),
    }
}

fn header(batch: &wire::Batch) -> Result<Header, MessageError> {
    let foreign = |what: &str| MessageError::Foreign(what.to_owned());
    let source = <[u8; 16]>::try_from(batch.source.as_slice())
        .map_err(|_| foreign("its source is not of 16 bytes"))?;
    if batch.partition >= batch.partitions {
        return Err(foreign("its partition is beyond their number"));
    }
    if batch.records.is_empty() {
        return Err(foreign("it has no records"));
    }
    Ok(Header {
        source,
        partition: batch.partition,
        partitions: batch.partitions,
        first_seq: batch.first_seq,
    })
}

fn record(record: wire::Record) -> Result<Record, Refused> {
    Ok(match record.kind.ok_or("kind of record is not known")? {
        wire::Kind::Trades(columns) => Record::Trades(trades(&columns)?),
        wire::Kind::Tick(tick) => Record::Tick(Tick {
            time: tick.time,
            heard: tick.heard,
        }),
        wire::Kind::Feed(change) => Record::Feed(feed(change)?),
        wire::Kind::Settings(epoch) => Record::Settings(settings(epoch)?),
        wire::Kind::Watermark(mark) => Record::Watermark(Watermark {
            time: mark.time,
            heard: mark.heard,
            begun: mark.begun,
        }),
    })
}

fn trades(columns: &wire::Trades) -> Result<TradeBatch, Refused> {
    let count = columns.symbol.len();
    let lengths = [
        columns.conditions.len(),
        columns.ts_event.len(),
        columns.price.len(),
        columns.price_scale.len(),
        columns.size.len(),
        columns.size_scale.len(),
    ];
    if lengths.iter().any(|length| *length != count) {
        return Err("columns of trades differ in length");
    }
    if count > MAX_BATCH_TRADES {
        return Err("more than 100,000 trades");
    }
    let names = names(&columns.names)?;
    let values = columns.price.iter().zip(&columns.price_scale);
    let sizes = columns.size.iter().zip(&columns.size_scale);
    let places = columns.symbol.iter().zip(&columns.conditions);
    let mut trades = Vec::with_capacity(count);
    let mut ts_event = columns.ts_recv;
    for (((symbol, conditions), since), (price, size)) in
        places.zip(&columns.ts_event).zip(values.zip(sizes))
    {
        ts_event = ts_event.wrapping_add(*since);
        let symbol = named(*symbol, &names).ok_or("place of a symbol is beyond the names")?;
        if symbol_problem(names.get(symbol)).is_some() {
            return Err("name of a symbol is no symbol");
        }
        trades.push(Trade {
            symbol,
            conditions: named(*conditions, &names)
                .ok_or("place of conditions is beyond the names")?,
            ts_event,
            price: decimal(price).ok_or("price is out of range")?,
            size: decimal(size).ok_or("size is out of range")?,
        });
    }
    Ok(TradeBatch {
        ts_recv: columns.ts_recv,
        names,
        trades,
    })
}

fn names(list: &[String]) -> Result<Names, Refused> {
    let mut names = Names::new();
    for (place, name) in list.iter().enumerate() {
        if name.len() > MAX_SYMBOL_BYTES.max(MAX_CONDITIONS_BYTES) {
            return Err("a name is longer than 256 bytes");
        }
        if names.intern(name).index() != place {
            return Err("a name stands there twice");
        }
    }
    Ok(names)
}

fn named(place: u32, names: &Names) -> Option<NameId> {
    Some(NameId(place)).filter(|id| id.index() < names.len())
}

fn decimal((mantissa, scale): (&u64, &u32)) -> Option<Decimal> {
    Decimal::new(*mantissa, u8::try_from(*scale).ok()?).ok()
}

fn feed(change: wire::FeedChange) -> Result<FeedChange, Refused> {
    let symbols = |list: wire::Symbols| -> Result<Vec<String>, Refused> {
        if list
            .symbols
            .iter()
            .any(|symbol| symbol_problem(symbol).is_some())
        {
            return Err("name of a symbol is no symbol");
        }
        Ok(list.symbols)
    };
    let event = match change.event.ok_or("event of the feed is not known")? {
        wire::Event::Started(started) => FeedEvent::Started {
            venue: started.venue,
            simulated: started.simulated,
        },
        wire::Event::Clock(clock) => FeedEvent::Clock(match wire::Clock::try_from(clock) {
            Ok(wire::Clock::Wall) => Clock::Wall,
            Ok(wire::Clock::Event) => Clock::Event,
            _ => return Err("clock is not known"),
        }),
        wire::Event::Connected(_) => FeedEvent::Connected,
        wire::Event::Subscribed(list) => FeedEvent::Subscribed(symbols(list)?),
        wire::Event::Unsubscribed(list) => FeedEvent::Unsubscribed(symbols(list)?),
        wire::Event::GapOpened(gap) => FeedEvent::GapOpened {
            from: gap.from,
            cause: gap_cause(gap.cause).ok_or("cause of a gap is not known")?,
        },
        wire::Event::GapClosed(_) => FeedEvent::GapClosed,
        wire::Event::Stale(_) => FeedEvent::Stale,
        wire::Event::Fresh(_) => FeedEvent::Fresh,
        wire::Event::Refused(reason) => FeedEvent::Refused(reason),
        wire::Event::Ended(_) => FeedEvent::Ended,
    };
    Ok(FeedChange {
        at: change.at,
        ts_recv: change.ts_recv,
        event,
    })
}

fn gap_cause(cause: i32) -> Option<GapCause> {
    Some(match wire::GapCause::try_from(cause).ok()? {
        wire::GapCause::Unspecified => return None,
        wire::GapCause::Disconnected => GapCause::Disconnected,
        wire::GapCause::Silent => GapCause::Silent,
        wire::GapCause::Stopped => GapCause::Stopped,
        wire::GapCause::Overload => GapCause::Overload,
        wire::GapCause::BadFrames => GapCause::BadFrames,
    })
}

fn settings(epoch: wire::Settings) -> Result<SettingsEpoch, Refused> {
    let conditions = match wire::Conditions::try_from(epoch.conditions) {
        Ok(wire::Conditions::All) => Conditions::All,
        Ok(wire::Conditions::Sip) => Conditions::Sip,
        _ => return Err("policy for conditions is not known"),
    };
    let settings = AnalyzerSettings {
        windows: epoch.windows.into_iter().map(Span::from_ns).collect(),
        grid: Span::from_ns(epoch.grid),
        lateness: Span::from_ns(epoch.lateness),
        revise: epoch.revise.map(Span::from_ns),
        conditions,
    };
    Ok(SettingsEpoch {
        revision: epoch.revision,
        settings: settings
            .validated()
            .map_err(|_| "settings are out of range")?,
    })
}
