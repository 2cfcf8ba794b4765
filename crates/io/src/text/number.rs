//! Numbers and durations as text.
//!
//! Decimals are exact. An f64 is written with the fewest digits that read back as the same bits,
//! the nearest of these, and of two equally near the one with the even last digit, as Python,
//! JavaScript and `serde_json` write it; but in plain notation: `0.00000012`, not `1.2e-7`; `1`, not `1.0`.

use std::io::Write as _;
use std::ops::Range;

use stock_up_core::{Decimal, Span, Volume};

use super::append::{push_block, push_short};

/// A scale is at most 29.
const ZEROS: &[u8; 32] = b"00000000000000000000000000000000";

/// Between these no f64 is written with an exponent.
const WITHOUT_EXPONENT: Range<f64> = 1e-4..1e15;

/// Units below this have at most eight digits.
const EIGHT_DIGITS: u64 = 100_000_000;

/// Appends an integer.
#[inline]
pub fn write_int(value: impl itoa::Integer, out: &mut Vec<u8>) {
    push_short(itoa::Buffer::new().format(value).as_bytes(), out);
}

/// Appends `value` without trailing zeros.
#[inline]
pub fn write_decimal(value: Decimal, out: &mut Vec<u8>) {
    write_units((value.mantissa(), value.scale()), out);
}

/// Appends `units * 10^-scale` without trailing zeros.
#[inline]
fn write_units((units, scale): (u64, u8), out: &mut Vec<u8>) {
    if units < EIGHT_DIGITS && scale < 8 {
        write_eight(units, u32::from(scale), out);
    } else {
        write_many((units, scale), out);
    }
}

/// The same for at most eight digits, with no more than seven of them behind the point: all at
/// once, and zeros are counted, not divided off.
#[inline]
fn write_eight(units: u64, scale: u32, out: &mut Vec<u8>) {
    let digits = eight_digits(units);
    let before = 8 - scale;
    let leading = (digits.trailing_zeros() / 8).min(before - 1);
    let places = scale.saturating_sub(digits.leading_zeros() / 8);
    let text = digits | ALL_ZEROS;
    let whole = (text >> (8 * leading)).to_le_bytes();
    push_block(&whole, (before - leading) as usize, out);
    if places > 0 {
        let fraction = (text >> (8 * before) << 8) | u64::from(b'.');
        push_block(&fraction.to_le_bytes(), 1 + places as usize, out);
    }
}

const ALL_ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

/// The digits of a number below [`EIGHT_DIGITS`], the first in the lowest byte: it is halved to
/// fours, pairs and digits, and each step divides all of them in one multiplication.
#[inline]
fn eight_digits(number: u64) -> u64 {
    let fours = (number / 10_000) | (number % 10_000) << 32;
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (pairs - tens * 10) << 8
}

/// As [`write_units`] for numbers of any length.
#[cold]
#[inline(never)]
fn write_many((mut units, mut scale): (u64, u8), out: &mut Vec<u8>) {
    while scale > 0 && units.is_multiple_of(10) {
        units /= 10;
        scale -= 1;
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(units).as_bytes();
    let scale = usize::from(scale);
    if scale == 0 {
        out.extend_from_slice(digits);
    } else if let Some(split) = digits.len().checked_sub(scale).filter(|split| *split > 0) {
        let (whole, fraction) = digits.split_at(split);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    } else {
        out.extend_from_slice(b"0.");
        out.extend_from_slice(ZEROS.get(..scale - digits.len()).unwrap_or(ZEROS));
        out.extend_from_slice(digits);
    }
}

/// Appends `value`; `false`, and nothing, if it is infinite or no number.
pub fn write_f64(value: f64, out: &mut Vec<u8>) -> bool {
    if !value.is_finite() {
        return false;
    }
    // Nearly every coverage is 1.
    if value.to_bits() == 1_f64.to_bits() {
        out.push(b'1');
        return true;
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value).as_bytes();
    let exponent_at = if WITHOUT_EXPONENT.contains(&value) {
        None
    } else {
        memchr::memchr(b'e', text)
    };
    match exponent_at {
        Some(at) => write_plain(text, at, out),
        None => push_short(text.strip_suffix(b".0").unwrap_or(text), out),
    }
    true
}

/// Appends a number like `-1.25e-9`, whose exponent begins at `at`, in plain notation.
fn write_plain(text: &[u8], at: usize, out: &mut Vec<u8>) {
    let (mantissa, exponent) = text.split_at(at);
    let exponent: i32 = std::str::from_utf8(exponent)
        .ok()
        .and_then(|exponent| exponent.get(1..)?.parse().ok())
        .expect("an exponent is a small integer");
    let unsigned = mantissa.strip_prefix(b"-").unwrap_or(mantissa);
    if unsigned.len() < mantissa.len() {
        out.push(b'-');
    }
    let places = usize::try_from(exponent.unsigned_abs()).expect("an exponent is small");
    let mut digits = unsigned.iter().filter(|byte| **byte != b'.');
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', places - 1));
        out.extend(digits);
        return;
    }
    // Whole numbers: they are written so from 1e16 on, and have at most 17 digits.
    for _ in 0..=places {
        out.push(digits.next().copied().unwrap_or(b'0'));
    }
}

/// Appends a volume, exactly.
#[inline]
pub fn write_volume(value: &Volume, out: &mut Vec<u8>) {
    match value.parts() {
        Some(parts) => write_units(parts, out),
        None => append(format_args!("{value}"), out),
    }
}

/// Appends a length of time as [`Span`] displays it.
pub fn write_span(span: Span, out: &mut Vec<u8>) {
    let (seconds, rest) = (span.ns() / 1_000_000_000, span.ns() % 1_000_000_000);
    if rest == 0 {
        write_int(seconds, out);
        out.push(b's');
    } else {
        append(format_args!("{span}"), out);
    }
}

fn append(text: std::fmt::Arguments<'_>, out: &mut Vec<u8>) {
    out.write_fmt(text)
        .expect("writing to a buffer in memory cannot fail");
}
