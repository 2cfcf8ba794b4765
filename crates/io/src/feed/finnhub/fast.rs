//! The usual entry of a frame, read in one go.
//!
//! Nearly every trade has the same plain shape: no blanks, short keys in some order, digits, a
//! symbol and conditions that mostly stood in a trade before. This path knows only that; at the
//! first byte that is anything else it gives up without a word, and the careful path reads the
//! entry again and judges it. Invariant: what it accepts, the careful path accepts with the same
//! result.

use stock_up_core::{Decimal, NameId, Trade};

use super::item::{MAX_AHEAD, MILLISECONDS};
use crate::tape::number::short;

/// Most digits of a number: more may not fit 64 bits.
const MAX_DIGITS: usize = 18;

/// Gives texts their ids.
pub(super) trait Texts<'a> {
    /// The id of the symbol whose text begins here, and its length with the quote at its end.
    fn symbol(&mut self, bytes: &'a [u8]) -> Option<(NameId, usize)>;

    /// The id of the conditions whose list begins here, and the length of the list.
    fn conditions(&mut self, bytes: &'a [u8]) -> Option<(NameId, usize)>;

    /// The id of no conditions.
    fn none(&mut self) -> NameId;
}

/// Reads the entry at `bytes`: the trade and how long the entry is. `None` leaves it to the careful
/// path.
#[inline]
pub(super) fn read<'a>(
    bytes: &'a [u8],
    texts: &mut impl Texts<'a>,
    now: i64,
) -> Option<(Trade, usize)> {
    let (mut time, mut price, mut size) = (None, None, None);
    let (mut symbol, mut conditions) = (None, None);
    let mut rest = bytes;
    let mut before = b'{';
    loop {
        let ([opening, b'"', key, b'"', b':'], value) = rest.split_first_chunk()? else {
            return None;
        };
        if *opening != before {
            return None;
        }
        rest = match key {
            b't' if time.is_none() => read_time(value, &mut time)?,
            b'p' if price.is_none() => read_decimal(value, &mut price)?,
            b'v' if size.is_none() => read_decimal(value, &mut size)?,
            b's' if symbol.is_none() => {
                let (b'"', text) = value.split_first()? else {
                    return None;
                };
                let (id, length) = texts.symbol(text)?;
                symbol = Some(id);
                text.get(length..)?
            }
            b'c' if conditions.is_none() => {
                if let Some(rest) = value.strip_prefix(b"null") {
                    conditions = Some(texts.none());
                    rest
                } else {
                    let (id, length) = texts.conditions(value)?;
                    conditions = Some(id);
                    value.get(length..)?
                }
            }
            _ => return None,
        };
        before = b',';
        if *rest.first()? == b'}' {
            break;
        }
    }
    let ts_event = time?;
    if ts_event > now.saturating_add(MAX_AHEAD) {
        return None;
    }
    let price: Decimal = price?;
    if price.is_zero() {
        return None;
    }
    let trade = Trade {
        symbol: symbol?,
        conditions: conditions.unwrap_or_else(|| texts.none()),
        ts_event,
        price,
        size: size?,
    };
    Some((trade, bytes.len() - rest.len() + 1))
}

/// A time in ms as ns, if it lies in the range of ms.
#[inline]
fn read_time<'a>(bytes: &'a [u8], time: &mut Option<i64>) -> Option<&'a [u8]> {
    if let Some((thirteen, rest)) = bytes.split_first_chunk::<13>()
        && !rest.first().is_some_and(u8::is_ascii_digit)
        && thirteen.first() != Some(&b'0')
    {
        // Since 2001 a time has 13 digits; three of them are read twice.
        let high = eight_digits(*thirteen.first_chunk()?)?;
        let low = eight_digits(*thirteen.last_chunk()?)? % 100_000;
        let millis = i64::try_from(high * 100_000 + low).ok()?;
        *time = Some(millis.checked_mul(1_000_000)?);
        return Some(rest);
    }
    let (first, first_digits) = match bytes.first_chunk().and_then(|eight| eight_digits(*eight)) {
        Some(first) => (first, 8),
        None => (0, 0),
    };
    let (millis, more) = read_digits(bytes.get(first_digits..)?, first);
    let digits = first_digits + more;
    let millis = i64::try_from(millis).ok()?;
    if digits > MAX_DIGITS || !MILLISECONDS.contains(&millis) || bytes.first() == Some(&b'0') {
        return None;
    }
    *time = Some(millis.checked_mul(1_000_000)?);
    bytes.get(digits..)
}

/// A plain number without sign and exponent.
#[inline]
fn read_decimal<'a>(bytes: &'a [u8], number: &mut Option<Decimal>) -> Option<&'a [u8]> {
    if let Some((units, scale, length)) = bytes.first_chunk().and_then(|block| short(*block)) {
        let whole_digits = length - scale - usize::from(scale > 0);
        if whole_digits > 1 && bytes.first() == Some(&b'0') {
            return None;
        }
        *number = Decimal::new(units, u8::try_from(scale).ok()?).ok();
        return if number.is_some() {
            bytes.get(length..)
        } else {
            None
        };
    }
    let (whole, digits) = read_digits(bytes, 0);
    if digits == 0 || (digits > 1 && bytes.first() == Some(&b'0')) {
        return None;
    }
    let rest = bytes.get(digits..)?;
    let Some((b'.', fraction)) = rest.split_first() else {
        *number = Some(checked(whole, digits, 0)?);
        return Some(rest);
    };
    let (mantissa, places) = read_digits(fraction, whole);
    if places == 0 {
        return None;
    }
    *number = Some(checked(mantissa, digits + places, places)?);
    fraction.get(places..)
}

#[inline]
fn checked(mantissa: u64, digits: usize, places: usize) -> Option<Decimal> {
    if digits > MAX_DIGITS {
        return None;
    }
    Decimal::new(mantissa, u8::try_from(places).ok()?).ok()
}

/// Adds the digits at `bytes` to `value`, and counts them. After more than [`MAX_DIGITS`] in all,
/// the value means nothing.
#[inline]
fn read_digits(bytes: &[u8], mut value: u64) -> (u64, usize) {
    let mut count = 0;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        count += 1;
    }
    (value, count)
}

/// The value of eight digits, in three multiplications instead of eight.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    const EACH: u64 = u64::MAX / 255;
    let values = u64::from_le_bytes(text) ^ (EACH * 0x30);
    // A byte that is no digit sets its highest bit here; a carry may set others, no matter.
    if (values | values.wrapping_add(EACH * 0x76)) & (EACH << 7) != 0 {
        return None;
    }
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_are_read_at_once_and_nothing_else() {
        for value in [0, 1, 12_345_678, 99_999_999, 10_000_000, 87_654_321] {
            let text = format!("{value:08}");
            let eight = *text.as_bytes().first_chunk().unwrap();
            assert_eq!(eight_digits(eight), Some(value));
            for (place, other) in (0..8).flat_map(|place| (0..=255).map(move |b| (place, b))) {
                let mut changed: [u8; 8] = eight;
                changed[place] = other;
                let expect = other.is_ascii_digit();
                assert_eq!(eight_digits(changed).is_some(), expect, "{changed:?}");
            }
        }
    }
}
