//! Points as text: every format, exactly.

use proptest::prelude::*;
use stock_up_core::{Decimal, Metrics, Point, Span, Status, SymbolId, Volume};

use super::number::{write_decimal, write_f64, write_span, write_volume};
use super::*;

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes()).unwrap()
}

fn point() -> Point {
    Point {
        symbol: SymbolId(0),
        window: Span::from_secs(60),
        time: 1_700_000_000_000_000_000,
        revision: 2,
        status: Status::Warming,
        coverage: 0.5,
        metrics: Metrics {
            transactions: 12,
            volume: Volume::parse("1200.5").unwrap(),
            last_price: Some(decimal("167.42")),
            min_price: Some(decimal("1e-12")),
            max_price: Some(decimal("1e12")),
            mean_price: Some(167.41),
            vwap: Some(1.25e-9),
            variance: Some(0.0),
        },
    }
}

fn empty() -> Point {
    Point {
        status: Status::Complete,
        coverage: 1.0,
        revision: 0,
        metrics: Metrics::EMPTY,
        ..point()
    }
}

#[track_caller]
fn check(format: Format, point: &Point, symbol: &str, expected: &str) {
    let mut out = Vec::new();
    format.write_point(point, symbol, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn csv_is_exact_and_leaves_absent_values_empty() {
    check(
        Format::Csv,
        &point(),
        "SPY",
        "1700000000000000000,SPY,60s,12,1200.5,167.42,0.000000000001,1000000000000,167.41,\
         0.00000000125,0,warming,0.5,2\n",
    );
    check(
        Format::Csv,
        &empty(),
        "a\"b\"",
        "1700000000000000000,\"a\"\"b\"\"\",60s,0,0,,,,,,,complete,1,0\n",
    );
    let mut out = Vec::new();
    Format::Csv.write_header(&mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "timestamp_ns,symbol,window,transactions,volume,last_price,min_price,max_price,\
         avg_price_trans,avg_price_volume,variance,status,coverage,revision\n"
    );
}

#[test]
fn json_lines_are_json() {
    let mut out = Vec::new();
    let symbol = "<\"\\\u{1}é>";
    Format::Jsonl
        .write_point(&point(), symbol, &mut out)
        .unwrap();
    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let expected = serde_json::json!({
        "timestamp_ns": 1_700_000_000_000_000_000_i64, "symbol": symbol, "window": "60s",
        "transactions": 12, "volume": "1200.5", "last_price": "167.42",
        "min_price": "0.000000000001", "max_price": "1000000000000", "avg_price_trans": 167.41,
        "avg_price_volume": 1.25e-9, "variance": 0, "status": "warming", "coverage": 0.5,
        "revision": 2,
    });
    assert_eq!(value, expected);
    check(
        Format::Jsonl,
        &empty(),
        "SPY",
        "{\"timestamp_ns\":1700000000000000000,\"symbol\":\"SPY\",\"window\":\"60s\",\
         \"transactions\":0,\"volume\":\"0\",\"last_price\":null,\"min_price\":null,\
         \"max_price\":null,\"avg_price_trans\":null,\"avg_price_volume\":null,\"variance\":null,\
         \"status\":\"complete\",\"coverage\":1,\"revision\":0}\n",
    );
}

#[test]
fn the_wide_layout_is_one_line_with_escaped_tags() {
    check(
        Format::InfluxWide,
        &point(),
        "a b=c,d\\",
        "stock_window,symbol=a\\ b\\=c\\,d%5C,window=60s transactions=12i,volume=1200.5,\
         last_price=167.42,min_price=0.000000000001,max_price=1000000000000,\
         avg_price_trans=167.41,avg_price_volume=0.00000000125,variance=0,status=\"warming\",\
         coverage=0.5,revision=2i 1700000000000000000\n",
    );
    check(
        Format::InfluxWide,
        &empty(),
        "SPY",
        "stock_window,symbol=SPY,window=60s transactions=0i,volume=0,status=\"complete\",\
         coverage=1,revision=0i 1700000000000000000\n",
    );
}

#[test]
fn the_seed_layout_writes_integers_until_it_is_told_otherwise() {
    let seed = Format::InfluxSeed(VolumeField::Integer);
    check(
        seed,
        &empty(),
        "SPY",
        "transactions,symbol=SPY value=0i 1700000000000\nvolume,symbol=SPY value=0i 1700000000000\n",
    );
    let mut out = b"kept".to_vec();
    let refused = seed.write_point(&point(), "SPY", &mut out).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "volume 1200.5 of `SPY` is no whole number, and the layout `seed` writes integers; set \
         volume = \"float\" or use the layout `wide`"
    );
    assert_eq!(out, b"kept");
    let mut out = Vec::new();
    Format::InfluxSeed(VolumeField::Float)
        .write_point(&point(), "SPY", &mut out)
        .unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count(), 7);
    assert!(text.contains("volume,symbol=SPY value=1200.5 1700000000000\n"));
    assert!(text.contains("avg_price_volume,symbol=SPY value=0.00000000125 1700000000000\n"));
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

/// 1958369707733145.25 lies in the middle of its two shortest texts: a property found that they
/// may differ, so the choice is said and kept.
#[test]
fn numbers_that_are_written_with_an_exponent_elsewhere_and_ties_are_as_python_says() {
    for (value, expected) in [
        (
            f64::from_bits(14_059_064_316_226_880_101),
            "-1958369707733145.2",
        ),
        (1.0, "1"),
        (-1.0, "-1"),
        (0.0, "0"),
        (1e15, "1000000000000000"),
        (1e16, "10000000000000000"),
        (1.5e21, "1500000000000000000000"),
        (-1.234_5e20, "-123450000000000000000"),
        (1.25e-9, "0.00000000125"),
        (-1e-7, "-0.0000001"),
        (5e-324, &format!("0.{}5", "0".repeat(323))),
        (1.5e300, &format!("15{}", "0".repeat(299))),
    ] {
        assert_eq!(written(|out| assert!(write_f64(value, out))), expected);
    }
    assert!(!write_f64(f64::NAN, &mut Vec::new()));
    assert!(!write_f64(f64::INFINITY, &mut Vec::new()));
}

proptest! {
    #[test]
    fn an_f64_reads_back_as_itself_and_has_no_exponent(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        let text = written(|out| { write_f64(value, out); });
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        prop_assert!(!text.contains('e'));
        // Where two texts are equally short and near, `std` takes the other one.
        prop_assert_eq!(text.len(), format!("{value}").len());
    }

    #[test]
    fn short_decimals_are_written_as_they_display(
        mantissa in 0_u64..200_000_000, zeros in 0_u32..8, scale in 0_u8..=12,
    ) {
        let mantissa = mantissa / 10_u64.pow(zeros) * 10_u64.pow(zeros);
        if let Ok(value) = Decimal::new(mantissa, scale) {
            prop_assert_eq!(written(|out| write_decimal(value, out)), value.to_string());
        }
        let digits = format!("{mantissa:0width$}", width = usize::from(scale) + 1);
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
        let volume = Volume::parse(&[whole, fraction].join(".")).unwrap();
        prop_assert_eq!(written(|out| write_volume(&volume, out)), volume.to_string());
    }

    #[test]
    fn decimals_volumes_and_spans_are_written_as_they_display(
        mantissa in 0_u64..1_000_000_000_000_000_000, scale in 0_u8..=29, ns in 0_i64..i64::MAX,
    ) {
        if let Ok(value) = Decimal::new(mantissa, scale) {
            prop_assert_eq!(written(|out| write_decimal(value, out)), value.to_string());
            let volume = Volume::parse(&value.to_string()).unwrap();
            prop_assert_eq!(written(|out| write_volume(&volume, out)), value.to_string());
        }
        for ns in [ns, ns / 1_000_000_000 * 1_000_000_000, ns / 1_000_000 * 1_000_000] {
            let span = Span::from_ns(ns);
            prop_assert_eq!(written(|out| write_span(span, out)), span.to_string());
        }
    }
}
