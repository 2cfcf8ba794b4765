//! Numbers and durations as text.
//!
//! Decimals are exact. An f64 is written with the fewest digits that read back as the same bits,
//! the nearest of these, and of two equally near the one with the even last digit, as Python,
//! JavaScript and `serde_json` write it; but in plain notation: `0.00000012`, not `1.2e-7`; `1`, not `1.0`.

use std::io::Write as _;

use stock_up_core::{Decimal, Span, Volume};

/// A scale is at most 29.
const ZEROS: &[u8; 32] = b"00000000000000000000000000000000";

/// Appends an integer.
pub fn write_int(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends `value` without trailing zeros.
pub fn write_decimal(value: Decimal, out: &mut Vec<u8>) {
    write_units((value.mantissa(), value.scale()), out);
}

/// Appends `units * 10^-scale` without trailing zeros.
fn write_units((mut units, mut scale): (u64, u8), out: &mut Vec<u8>) {
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
    match memchr::memchr(b'e', text) {
        Some(at) => write_plain(text, at, out),
        None => out.extend_from_slice(text.strip_suffix(b".0").unwrap_or(text)),
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
