//! Records: what is written is read again, and foreign bytes are told apart.

use proptest::prelude::*;

use super::*;

fn any_event() -> impl Strategy<Value = FeedEvent> {
    let symbols = || prop::collection::vec("[A-Z:]{1,8}", 0..4);
    prop_oneof![
        ("[a-z]{1,9}", any::<bool>())
            .prop_map(|(venue, simulated)| FeedEvent::Started { venue, simulated }),
        Just(FeedEvent::Clock(Clock::Event)),
        Just(FeedEvent::Connected),
        symbols().prop_map(FeedEvent::Subscribed),
        symbols().prop_map(FeedEvent::Unsubscribed),
        any::<i64>().prop_map(|from| FeedEvent::GapOpened {
            from,
            cause: GapCause::Silent
        }),
        Just(FeedEvent::GapClosed),
        "\\PC{0,40}".prop_map(FeedEvent::Refused),
        Just(FeedEvent::Ended),
    ]
}

fn any_batch() -> impl Strategy<Value = TradeBatch> {
    let decimal = || {
        (0_u64..1_000_000_000_000_000_000, 0_u8..=29)
            .prop_filter_map("in range", |(mantissa, scale)| {
                Decimal::new(mantissa, scale).ok()
            })
    };
    let trade = (
        "[A-Z]{1,4}",
        any::<i64>(),
        decimal(),
        decimal(),
        "[0-9,]{0,6}",
    );
    (any::<i64>(), prop::collection::vec(trade, 0..30)).prop_map(|(ts_recv, trades)| {
        let mut batch = TradeBatch {
            ts_recv,
            ..TradeBatch::default()
        };
        for (symbol, ts_event, price, size, conditions) in trades {
            batch.push(&symbol, ts_event, (price, size), &conditions);
        }
        batch
    })
}

fn any_record() -> impl Strategy<Value = Record> {
    prop_oneof![
        any_batch().prop_map(Record::Trades),
        (0..i64::MAX, 0..1_000_000_i64).prop_map(|(time, age)| Record::Tick(Tick {
            time,
            heard: time - age
        })),
        (any::<i64>(), any::<i64>(), any_event())
            .prop_map(|(at, ts_recv, event)| Record::Feed(FeedChange { at, ts_recv, event })),
        any::<u64>().prop_map(|revision| Record::Settings(SettingsEpoch {
            revision,
            settings: AnalyzerSettings::default()
        })),
    ]
}

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written(record in any_record()) {
        let mut bytes = Vec::new();
        encode(&record, &mut bytes);
        prop_assert_eq!(decode(&bytes), Ok(record));
    }

    #[test]
    fn a_cut_record_is_refused(record in any_record(), keep in any::<prop::sample::Index>()) {
        let mut bytes = Vec::new();
        encode(&record, &mut bytes);
        bytes.truncate(keep.index(bytes.len()));
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0_u8..6,
    ) {
        drop(decode(&bytes));
        bytes.splice(0..0, [RECORD_FORMAT, kind]);
        drop(decode(&bytes));
    }
}

#[test]
fn foreign_bytes_are_refused_by_name() {
    assert_eq!(decode(&[0x80, 0x03, b'}']), Err(RecordError::Pickle));
    assert_eq!(decode(&[7, 1]), Err(RecordError::Newer { found: 7 }));
    let error = decode(&[]).unwrap_err();
    assert_eq!(
        error,
        RecordError::Bytes(BytesError::Truncated {
            what: "format version",
            at: 0
        })
    );
    let mut bytes = Vec::new();
    encode(&Record::Tick(Tick { time: 5, heard: 5 }), &mut bytes);
    bytes.push(0);
    assert_eq!(
        decode(&bytes),
        Err(RecordError::Bytes(BytesError::Trailing(1)))
    );
}
