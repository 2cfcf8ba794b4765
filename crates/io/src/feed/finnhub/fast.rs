//! The usual entry of a frame, read in one go.
//!
//! Nearly every trade has the same plain shape: no blanks, short keys in some order, digits, a symbol
//! and conditions that stood in the trade before. This path knows only that; at the first byte that is
//! anything else it gives up without a word, and the careful path reads the entry again and judges it.
//! Invariant: what it accepts, the careful path accepts with the same result.

use stock_up_core::{Decimal, NameId, Trade};

use super::item::{MAX_AHEAD, MILLISECONDS};
use super::memo::Memo;

/// Most digits that are added up without a look at their number: more may not fit 64 bits.
const MAX_DIGITS: usize = 18;

/// What was seen before in the same batch.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) symbols: Memo<'a>,
    pub(super) conditions: Memo<'a>,
    /// The id of no conditions.
    pub(super) none: Option<NameId>,
}

impl Seen<'_> {
    pub(super) fn new() -> Self {
        Self {
            symbols: Memo::new(b'"'),
            conditions: Memo::new(b']'),
            none: None,
        }
    }
}

/// Reads the entry at `bytes`: the trade and how long the entry is. `None` leaves it to the careful path.
#[inline]
pub(super) fn read(bytes: &[u8], seen: &Seen<'_>, now: i64) -> Option<(Trade, usize)> {
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
                let (id, length) = seen.symbols.find(text)?;
                symbol = Some(id);
                text.get(length..)?
            }
            b'c' if conditions.is_none() => match value.strip_prefix(b"null") {
                Some(rest) => {
                    conditions = Some(seen.none?);
                    rest
                }
                None => {
                    let (id, length) = seen.conditions.find(value)?;
                    conditions = Some(id);
                    value.get(length..)?
                }
            },
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
        conditions: conditions.or(seen.none)?,
        ts_event,
        price,
        size: size?,
    };
    Some((trade, bytes.len() - rest.len() + 1))
}

/// A time in ms as ns, if it lies in the range of ms.
#[inline]
fn read_time<'a>(bytes: &'a [u8], time: &mut Option<i64>) -> Option<&'a [u8]> {
    let (millis, digits) = read_digits(bytes, 0);
    let millis = i64::try_from(millis).ok()?;
    if digits > MAX_DIGITS || !MILLISECONDS.contains(&millis) || bytes.first() == Some(&b'0') {
        return None;
    }
    *time = Some(millis * 1_000_000);
    bytes.get(digits..)
}

/// A plain number without sign and exponent.
#[inline]
fn read_decimal<'a>(bytes: &'a [u8], number: &mut Option<Decimal>) -> Option<&'a [u8]> {
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

/// Adds the digits at `bytes` to `value`, and counts them. After more than [`MAX_DIGITS`] in all, the
/// value means nothing.
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
