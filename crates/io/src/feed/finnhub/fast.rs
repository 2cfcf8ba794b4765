//! The usual entries of a frame, read in one go.
//!
//! Nearly every trade has the same plain shape: no blanks, short keys in some order, digits, a
//! symbol and conditions that mostly stood in a trade before. This path knows only that; at the
//! first byte that is anything else it gives up without a word, and the careful path reads the
//! entry again and judges it. Invariant: what it accepts, the careful path accepts with the same
//! result.

use stock_up_core::{Decimal, NameId, Trade};

use super::item::MAX_AHEAD;
use super::lookup::Lookup;
use crate::tape::number::{decimal, eight_digits, non_digits, units_of};

/// Reads usual entries, one behind the other, up to the first that is not, at most `room` of them.
///
/// Adds their trades to `trades` and returns how many bytes they take, with the commas between
/// them. What follows is for the careful path.
// On its own, so that what the careful path holds does not push its values out of the registers.
#[inline(never)]
pub(super) fn read<'a>(
    bytes: &'a [u8],
    room: usize,
    now: i64,
    lookup: &mut Lookup<'a, '_>,
    trades: &mut Vec<Trade>,
) -> usize {
    let latest = now.saturating_add(MAX_AHEAD);
    let mut behind = bytes;
    let mut next = Some(bytes);
    for _ in 0..room {
        let entry = next.and_then(|next| read_entry(next, latest, lookup));
        let Some((trade, rest)) = entry else {
            break;
        };
        trades.push(trade);
        behind = rest;
        next = rest.strip_prefix(b",");
    }
    bytes.len() - behind.len()
}

/// Reads the entry at `bytes`, not later than `latest`: the trade, and what follows.
#[inline]
fn read_entry<'a>(
    bytes: &'a [u8],
    latest: i64,
    lookup: &mut Lookup<'a, '_>,
) -> Option<(Trade, &'a [u8])> {
    let mut entry = Entry::new();
    let mut before = b'{';
    let mut rest = bytes;
    loop {
        let (key, value) = read_key(rest, before)?;
        rest = entry.read_value(key, value, lookup)?;
        if let Some(rest) = rest.strip_prefix(b"}") {
            return Some((entry.finish(latest, lookup)?, rest));
        }
        before = b',';
    }
}

/// Keys of an entry, a bit each.
type Keys = u8;
const TIME: Keys = 1;
const PRICE: Keys = 2;
const SIZE: Keys = 4;
const SYMBOL: Keys = 8;
const CONDITIONS: Keys = 16;
const REQUIRED: Keys = TIME | PRICE | SIZE | SYMBOL;

/// What an entry said so far.
struct Entry {
    trade: Trade,
    seen: Keys,
}

impl Entry {
    #[inline]
    fn new() -> Self {
        let trade = Trade {
            symbol: NameId(0),
            conditions: NameId(0),
            ts_event: 0,
            price: Decimal::ZERO,
            size: Decimal::ZERO,
        };
        Self { trade, seen: 0 }
    }

    /// Reads the value of `key`; returns what follows.
    #[inline]
    fn read_value<'a>(
        &mut self,
        key: u8,
        value: &'a [u8],
        lookup: &mut Lookup<'a, '_>,
    ) -> Option<&'a [u8]> {
        match key {
            b't' => {
                let (time, rest) = read_time(value)?;
                self.trade.ts_event = time;
                self.note(TIME)?;
                Some(rest)
            }
            b'p' | b'v' => {
                let (number, rest) = read_decimal(value)?;
                if key == b'p' {
                    self.trade.price = number;
                    self.note(PRICE)?;
                } else {
                    self.trade.size = number;
                    self.note(SIZE)?;
                }
                Some(rest)
            }
            b's' => {
                let text = value.strip_prefix(b"\"")?;
                let (symbol, length) = lookup.plain_symbol(text)?;
                self.trade.symbol = symbol;
                self.note(SYMBOL)?;
                text.get(length..)
            }
            b'c' => {
                let (conditions, length) = read_conditions(value, lookup)?;
                self.trade.conditions = conditions;
                self.note(CONDITIONS)?;
                value.get(length..)
            }
            _ => None,
        }
    }

    /// A key was read; `None` if it was before.
    #[inline]
    fn note(&mut self, key: Keys) -> Option<()> {
        let is_new = self.seen & key == 0;
        self.seen |= key;
        is_new.then_some(())
    }

    /// The trade, if all it needs was there and is sound.
    #[inline]
    fn finish(mut self, latest: i64, lookup: &mut Lookup<'_, '_>) -> Option<Trade> {
        if self.seen & CONDITIONS == 0 {
            self.trade.conditions = lookup.none();
        }
        let is_whole = self.seen & REQUIRED == REQUIRED;
        let is_sound = !self.trade.price.is_zero() && self.trade.ts_event <= latest;
        (is_whole && is_sound).then_some(self.trade)
    }
}

/// A key of one letter behind `before`, and what follows its colon: `,"p":`.
#[inline]
fn read_key(bytes: &[u8], before: u8) -> Option<(u8, &[u8])> {
    const NO_LETTER: u64 = u64::from_le_bytes([0xff, 0xff, 0, 0xff, 0xff, 0, 0, 0]);
    let head: [u8; 8] = *bytes.first_chunk()?;
    let around = u64::from_le_bytes([before, b'"', 0, b'"', b':', 0, 0, 0]);
    if u64::from_le_bytes(head) & NO_LETTER != around {
        return None;
    }
    let [_, _, key, ..] = head;
    Some((key, bytes.get(5..)?))
}

/// A time in ms as ns, if it has the 13 digits that times have since 2001. All such are in range.
#[inline]
fn read_time(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (text, rest) = bytes.split_first_chunk::<13>()?;
    // JSON has no zeros in front.
    if text.first() == Some(&b'0') {
        return None;
    }
    let (first, last) = (
        units_of(*text.first_chunk()?),
        units_of(*text.last_chunk()?),
    );
    if non_digits(first) | non_digits(last) != 0 {
        return None;
    }
    // The last word begins with three digits of the first.
    let millis = eight_digits(first) * 100_000 + eight_digits(last >> 24 << 24);
    let millis = i64::try_from(millis).ok()?;
    Some((millis.checked_mul(1_000_000)?, rest))
}

/// A list of plain conditions, or `null`: their id and the length.
#[inline]
fn read_conditions<'a>(bytes: &'a [u8], lookup: &mut Lookup<'a, '_>) -> Option<(NameId, usize)> {
    if bytes.first() == Some(&b'[') {
        return lookup.plain_conditions(bytes);
    }
    let null = b"null";
    bytes.starts_with(null).then(|| (lookup.none(), null.len()))
}

/// A plain number without sign and exponent.
#[inline]
fn read_decimal(bytes: &[u8]) -> Option<(Decimal, &[u8])> {
    // JSON has no zeros in front.
    if let [b'0', b'0'..=b'9', ..] = bytes {
        return None;
    }
    decimal(bytes)
}
