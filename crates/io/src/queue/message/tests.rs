//! Messages are read as they were written, and nothing else is taken for one.

use proptest::prelude::*;
use prost::Message;
use stock_up_core::{
    AnalyzerSettings, Clock, Decimal, FeedChange, FeedEvent, GapCause, Record, SettingsEpoch, Tick,
    TradeBatch, Watermark,
};

use super::*;

const HEADER: Header = Header {
    source: *b"0123456789abcdef",
    partition: 2,
    partitions: 3,
    first_seq: 77,
};

fn event() -> impl Strategy<Value = FeedEvent> {
    let symbols = || proptest::collection::vec("[A-Z:.]{1,9}", 0..4);
    let cause = prop_oneof![
        Just(GapCause::Disconnected),
        Just(GapCause::Silent),
        Just(GapCause::Stopped),
        Just(GapCause::Overload),
        Just(GapCause::BadFrames),
    ];
    prop_oneof![
        ("[a-z]{1,8}", any::<bool>())
            .prop_map(|(venue, simulated)| FeedEvent::Started { venue, simulated }),
        Just(FeedEvent::Clock(Clock::Wall)),
        Just(FeedEvent::Clock(Clock::Event)),
        Just(FeedEvent::Connected),
        symbols().prop_map(FeedEvent::Subscribed),
        symbols().prop_map(FeedEvent::Unsubscribed),
        (any::<i64>(), cause).prop_map(|(from, cause)| FeedEvent::GapOpened { from, cause }),
        Just(FeedEvent::GapClosed),
        Just(FeedEvent::Stale),
        Just(FeedEvent::Fresh),
        "[ -~]{0,20}".prop_map(FeedEvent::Refused),
        Just(FeedEvent::Ended),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let decimal = (0..1_000_000_000_000_u64, 0..9_u8)
        .prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale).unwrap());
    let trade = (
        "[A-Z]{1,5}",
        any::<i64>(),
        (decimal.clone(), decimal),
        "[a-z=;]{0,6}",
    );
    let time = || proptest::option::of(any::<i64>());
    prop_oneof![
        (any::<i64>(), proptest::collection::vec(trade, 1..20)).prop_map(|(ts_recv, trades)| {
            let mut batch = TradeBatch {
                ts_recv,
                ..TradeBatch::default()
            };
            for (symbol, ts_event, value, conditions) in &trades {
                batch.push(symbol, *ts_event, *value, conditions);
            }
            Record::Trades(batch)
        }),
        (any::<i64>(), any::<i64>()).prop_map(|(time, heard)| Record::Tick(Tick { time, heard })),
        (any::<i64>(), any::<i64>(), event())
            .prop_map(|(at, ts_recv, event)| Record::Feed(FeedChange { at, ts_recv, event })),
        any::<u64>().prop_map(|revision| Record::Settings(SettingsEpoch {
            revision,
            settings: AnalyzerSettings::default(),
        })),
        (time(), time(), time()).prop_map(|(time, heard, begun)| Record::Watermark(Watermark {
            time,
            heard,
            begun
        })),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(records in proptest::collection::vec(record(), 1..8)) {
        let bytes = encode(&HEADER, &records);
        prop_assert_eq!(decode(&bytes), Ok(Batch { header: HEADER, records }));
    }

    #[test]
    fn a_damaged_message_is_an_error_or_another_message(
        records in proptest::collection::vec(record(), 1..4),
        place in any::<prop::sample::Index>(),
        bit in 0..8_u8,
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode(&HEADER, &records);
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Ok(batch) = decode(&bytes) {
            prop_assert!(batch.header.partition < batch.header.partitions);
        }
    }

    #[test]
    fn bytes_from_anywhere_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(decode(&bytes));
    }
}

#[track_caller]
fn refused(payload: &[u8], expected: &str) {
    let error = decode(payload).expect_err("must be refused").to_string();
    assert!(error.contains(expected), "{error:?} lacks {expected:?}");
}

#[test]
fn foreign_messages_are_refused_by_name() {
    refused(b"", "empty");
    refused(b"\x80\x04\x95", "Python pickle");
    refused(b"\x80\x03c", "Python pickle");
    refused(b"{\"symbol\":\"SPY\"}", "JSON");
    refused(&[0x08; 3], "damaged or not ours");
    refused(&vec![0x0a; MAX_MESSAGE_BYTES + 1], "8 MiB");
}

/// A message of ours that was changed before it was sent.
fn changed(change: impl FnOnce(&mut wire::Batch)) -> Vec<u8> {
    let mut trades = TradeBatch::default();
    let one = Decimal::new(1, 0).unwrap();
    trades.push("SPY", 5, (one, one), "");
    let bytes = encode(&HEADER, &[Record::Trades(trades)]);
    let mut batch = wire::Batch::decode(bytes.as_slice()).unwrap();
    change(&mut batch);
    batch.encode_to_vec()
}

fn with_trades(change: impl FnOnce(&mut wire::Trades)) -> Vec<u8> {
    changed(|batch| {
        let Some(wire::Kind::Trades(trades)) = &mut batch.records[0].kind else {
            panic!("the first record holds trades");
        };
        change(trades);
    })
}

#[test]
fn fields_that_cannot_be_are_refused() {
    refused(&changed(|batch| batch.version = 7), "format 7 is newer");
    refused(&changed(|batch| batch.version = 0), "no version");
    refused(&changed(|batch| batch.source = vec![1]), "16 bytes");
    refused(&changed(|batch| batch.partition = 3), "beyond their number");
    refused(&changed(|batch| batch.first_seq = u64::MAX), "beyond 2^64");
    refused(&changed(|batch| batch.records.clear()), "no records");
    refused(
        &changed(|batch| batch.records[0].kind = None),
        "kind of record",
    );
    refused(
        &with_trades(|trades| trades.size.clear()),
        "differ in length",
    );
    refused(
        &with_trades(|trades| trades.symbol[0] = 9),
        "beyond the names",
    );
    refused(
        &with_trades(|trades| trades.names[0] = "A,B".into()),
        "no symbol",
    );
    refused(
        &with_trades(|trades| trades.names.push("SPY".into())),
        "twice",
    );
    refused(
        &with_trades(|trades| trades.price_scale[0] = 99),
        "price is out of range",
    );
    refused(
        &with_trades(|trades| trades.size[0] = u64::MAX),
        "size is out of range",
    );
}
