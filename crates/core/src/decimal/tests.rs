//! Decimals: what is read is what is written, and nothing is rounded.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn reads(text: &str, expected: &str) {
    let value = Decimal::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(value.to_string(), expected, "{text}");
}

#[track_caller]
fn refuses(text: &str, expected: DecimalError) {
    assert_eq!(Decimal::parse(text.as_bytes()), Err(expected), "{text}");
}

#[test]
fn text_is_read_exactly() {
    reads("0", "0");
    reads("0.000", "0");
    reads("167.42", "167.42");
    reads("167.420", "167.42");
    reads("100", "100");
    reads("700000", "700000");
    reads("1e12", "1000000000000");
    reads("1E+3", "1000");
    reads("1e-12", "0.000000000001");
    reads("1.23456789012345678e-12", "0.00000000000123456789012345678");
    reads("999999999999999999e-6", "999999999999.999999");
    reads("0.000000000000000000000e5", "0");
    reads("67250.63658646", "67250.63658646");
    reads("1000000000000.00000000000000000000", "1000000000000");
    reads("0.10000000000000000000000000", "0.1");
}

#[test]
fn what_does_not_fit_is_refused_with_its_reason() {
    refuses("", DecimalError::Empty);
    refuses("-1", DecimalError::Negative);
    refuses("-0", DecimalError::Negative);
    refuses("NaN", DecimalError::Syntax { at: 0 });
    refuses(".5", DecimalError::Syntax { at: 0 });
    refuses("5.", DecimalError::Syntax { at: 2 });
    refuses("1,5", DecimalError::Syntax { at: 1 });
    refuses("1e", DecimalError::Syntax { at: 2 });
    refuses("1e5x", DecimalError::Syntax { at: 3 });
    refuses("1e400", DecimalError::TooLarge);
    refuses("1e-400", DecimalError::TooSmall);
    refuses("1e99999999999999999999", DecimalError::TooLarge);
    refuses("1000000000001", DecimalError::TooLarge);
    refuses("1e-13", DecimalError::TooSmall);
    refuses("1.234567890123456789", DecimalError::TooManyDigits);
    refuses("0.1000000000000000000000001", DecimalError::TooManyDigits);
    refuses(&"9".repeat(40), DecimalError::TooManyDigits);
}

#[test]
fn order_is_that_of_the_value_at_the_extremes() {
    let tiny = Decimal::parse(b"1.23456789012345678e-12").unwrap();
    let huge = Decimal::parse(b"1e12").unwrap();
    assert!(tiny < huge);
    assert!(huge > tiny);
    assert_eq!(Decimal::new(150, 2).unwrap(), Decimal::new(15, 1).unwrap());
}

proptest! {
    #[test]
    fn the_short_way_gives_what_the_long_one_does(
        mantissa in prop_oneof![0..SURELY_BELOW + 100, 0_u64..2_000],
        zeros in 0_u32..5,
        scale in 0_u8..32,
    ) {
        let mantissa = mantissa.saturating_mul(10_u64.pow(zeros));
        let parts = |value: Decimal| (value.mantissa(), value.scale());
        let (short, long) = (Decimal::new(mantissa, scale), in_range(mantissa, i32::from(scale)));
        prop_assert_eq!(short.map(parts), long.map(parts));
    }

    #[test]
    fn writing_then_reading_gives_the_value(
        mantissa in 1_u64..1_000_000_000_000_000_000, scale in 0_u8..=29,
    ) {
        if let Ok(value) = Decimal::new(mantissa, scale) {
            prop_assert_eq!(Decimal::parse(value.to_string().as_bytes()), Ok(value));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(text in prop::collection::vec(any::<u8>(), 0..60)) {
        prop_assert!(Decimal::parse(&text).is_ok() || Decimal::parse(&text).is_err());
    }

    #[test]
    fn any_number_like_text_is_read_or_refused(text in "[0-9.eE+-]{0,40}") {
        if let Ok(value) = Decimal::parse(text.as_bytes()) {
            prop_assert_eq!(Decimal::parse(value.to_string().as_bytes()), Ok(value));
        }
    }
}
