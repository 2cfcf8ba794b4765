//! Chunks: what is packed is unpacked, and damage is found.

use proptest::prelude::*;
use stock_up_core::Decimal;

use super::*;

fn price() -> impl Strategy<Value = Option<Decimal>> {
    proptest::option::of((0_u64..1_000_000_000_000, 0_u8..=12))
        .prop_map(|parts| parts.and_then(|(mantissa, scale)| Decimal::new(mantissa, scale).ok()))
}

fn metrics() -> impl Strategy<Value = Metrics> {
    let mean = || proptest::option::of(any::<f64>().prop_filter("finite", |f| f.is_finite()));
    (
        any::<u64>(),
        "[1-9][0-9]{0,40}(\\.[0-9]{0,20}[1-9])?",
        (price(), price(), price()),
        (mean(), mean(), mean()),
    )
        .prop_map(|(transactions, volume, prices, means)| Metrics {
            transactions,
            volume: Volume::parse(&volume).unwrap(),
            last_price: prices.0,
            min_price: prices.1,
            max_price: prices.2,
            mean_price: means.0,
            vwap: means.1,
            variance: means.2,
        })
}

fn point() -> impl Strategy<Value = Point> {
    let coverage = prop_oneof![Just(1.0), 0.0..1.0_f64];
    (any::<i64>(), any::<u32>(), 0..5_usize, coverage, metrics()).prop_map(
        |(time, revision, status, coverage, metrics)| Point {
            symbol: SymbolId(0),
            window: Span::from_secs(60),
            time,
            revision,
            status: Status::ALL[status],
            coverage,
            metrics,
        },
    )
}

fn encoded(points: &[(u64, Point)]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(points.iter().map(|(e, point)| (*e, point)), &mut out);
    out
}

fn decoded(body: Vec<u8>) -> Result<Vec<(u64, Point)>, Damage> {
    Chunk::open(1, Span::from_secs(60), body)?.collect()
}

/// Gives a damaged body a right checksum, so that reading goes on behind it.
fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    let crc = crc32c::crc32c(&body);
    body.extend_from_slice(&crc.to_le_bytes());
    body
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        points in proptest::collection::vec((any::<u64>(), point()), 0..20),
    ) {
        prop_assert_eq!(decoded(encoded(&points)).unwrap(), points);
    }

    #[test]
    fn any_bytes_give_points_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(decoded(bytes.clone()));
        drop(decoded(sealed(bytes.clone())));
        drop(decoded(sealed([&[CHUNK_VERSION, 3], bytes.as_slice()].concat())));
    }

    #[test]
    fn a_changed_bit_is_seen(
        points in proptest::collection::vec((any::<u64>(), point()), 1..4), at in any::<usize>(),
    ) {
        let mut body = encoded(&points);
        let at = at % (body.len() * 8);
        body[at / 8] ^= 1 << (at % 8);
        let seen = matches!(decoded(body), Err(Damage::Checksum { .. }));
        prop_assert!(seen);
    }
}

#[test]
fn a_regular_series_takes_few_bytes() {
    let points: Vec<_> = (0..100_u64)
        .map(|index| {
            let point = Point {
                symbol: SymbolId(0),
                window: Span::from_secs(60),
                time: index.cast_signed() * 1_000_000_000,
                revision: 0,
                status: Status::Complete,
                coverage: 1.0,
                metrics: Metrics::EMPTY,
            };
            (index * 5, point)
        })
        .collect();
    // Emission, time, revision, status, presence, transactions, volume with its length.
    assert!(encoded(&points).len() < 100 * 8 + 30);
    assert_eq!(decoded(encoded(&points)).unwrap(), points);
}

#[test]
fn what_stands_after_the_last_point_is_damage() {
    let mut body = encoded(&[(
        1,
        Point {
            symbol: SymbolId(0),
            window: Span::from_secs(60),
            time: 1,
            revision: 0,
            status: Status::Gap,
            coverage: 0.5,
            metrics: Metrics::EMPTY,
        },
    )]);
    body.truncate(body.len() - 4);
    body.push(0);
    assert!(matches!(
        decoded(sealed(body)),
        Err(Damage::Chunk {
            source: BytesError::Trailing(1),
            ..
        })
    ));
}
