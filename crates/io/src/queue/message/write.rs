//! Records to bytes.

use prost::Message;
use stock_up_core::{
    AnalyzerSettings, Clock, Conditions, FeedChange, FeedEvent, GapCause, Record, SettingsEpoch,
    Span, TradeBatch,
};

use super::{Header, QUEUE_FORMAT, wire};

/// The bytes of a message with these records.
pub fn encode(header: &Header, records: &[Record]) -> Vec<u8> {
    let batch = wire::Batch {
        version: QUEUE_FORMAT,
        source: header.source.to_vec(),
        partition: header.partition,
        partitions: header.partitions,
        first_seq: header.first_seq,
        records: records.iter().map(record).collect(),
    };
    batch.encode_to_vec()
}

fn record(record: &Record) -> wire::Record {
    let kind = match record {
        Record::Trades(batch) => wire::Kind::Trades(trades(batch)),
        Record::Tick(tick) => wire::Kind::Tick(wire::Tick {
            time: tick.time,
            heard: tick.heard,
        }),
        Record::Feed(change) => wire::Kind::Feed(feed(change)),
        Record::Settings(epoch) => wire::Kind::Settings(settings(epoch)),
        Record::Watermark(mark) => wire::Kind::Watermark(wire::Watermark {
            time: mark.time,
            heard: mark.heard,
            begun: mark.begun,
        }),
    };
    wire::Record { kind: Some(kind) }
}

fn trades(batch: &TradeBatch) -> wire::Trades {
    let count = batch.trades.len();
    let mut columns = wire::Trades {
        ts_recv: batch.ts_recv,
        names: batch.names.iter().map(str::to_owned).collect(),
        symbol: Vec::with_capacity(count),
        conditions: Vec::with_capacity(count),
        ts_event: Vec::with_capacity(count),
        price: Vec::with_capacity(count),
        price_scale: Vec::with_capacity(count),
        size: Vec::with_capacity(count),
        size_scale: Vec::with_capacity(count),
    };
    let mut before = batch.ts_recv;
    for trade in &batch.trades {
        columns.symbol.push(trade.symbol.0);
        columns.conditions.push(trade.conditions.0);
        columns.ts_event.push(trade.ts_event.wrapping_sub(before));
        before = trade.ts_event;
        columns.price.push(trade.price.mantissa());
        columns.price_scale.push(u32::from(trade.price.scale()));
        columns.size.push(trade.size.mantissa());
        columns.size_scale.push(u32::from(trade.size.scale()));
    }
    columns
}

fn feed(change: &FeedChange) -> wire::FeedChange {
    let symbols = |symbols: &Vec<String>| wire::Symbols {
        symbols: symbols.clone(),
    };
    let nothing = wire::Nothing {};
    let event = match &change.event {
        FeedEvent::Started { venue, simulated } => wire::Event::Started(wire::Started {
            venue: venue.clone(),
            simulated: *simulated,
        }),
        FeedEvent::Clock(clock) => wire::Event::Clock(match clock {
            Clock::Wall => wire::Clock::Wall.into(),
            Clock::Event => wire::Clock::Event.into(),
        }),
        FeedEvent::Connected => wire::Event::Connected(nothing),
        FeedEvent::Subscribed(list) => wire::Event::Subscribed(symbols(list)),
        FeedEvent::Unsubscribed(list) => wire::Event::Unsubscribed(symbols(list)),
        FeedEvent::GapOpened { from, cause } => wire::Event::GapOpened(wire::GapOpened {
            from: *from,
            cause: gap_cause(*cause).into(),
        }),
        FeedEvent::GapClosed => wire::Event::GapClosed(nothing),
        FeedEvent::Stale => wire::Event::Stale(nothing),
        FeedEvent::Fresh => wire::Event::Fresh(nothing),
        FeedEvent::Refused(reason) => wire::Event::Refused(reason.clone()),
        FeedEvent::Ended => wire::Event::Ended(nothing),
    };
    wire::FeedChange {
        at: change.at,
        ts_recv: change.ts_recv,
        event: Some(event),
    }
}

fn gap_cause(cause: GapCause) -> wire::GapCause {
    match cause {
        GapCause::Disconnected => wire::GapCause::Disconnected,
        GapCause::Silent => wire::GapCause::Silent,
        GapCause::Stopped => wire::GapCause::Stopped,
        GapCause::Overload => wire::GapCause::Overload,
        GapCause::BadFrames => wire::GapCause::BadFrames,
    }
}

fn settings(epoch: &SettingsEpoch) -> wire::Settings {
    let AnalyzerSettings {
        windows,
        grid,
        lateness,
        revise,
        conditions,
    } = &epoch.settings;
    let conditions = match conditions {
        Conditions::All => wire::Conditions::All,
        Conditions::Sip => wire::Conditions::Sip,
    };
    wire::Settings {
        revision: epoch.revision,
        windows: windows.iter().map(|window| window.ns()).collect(),
        grid: grid.ns(),
        lateness: lateness.ns(),
        revise: revise.map(Span::ns),
        conditions: conditions.into(),
    }
}
