//! One entry of a frame's `data`: from its text to the fields of a trade.
//!
//! Reading and judging are apart: an entry is first read to its end, so that the frame goes on
//! behind it, and only then is it a trade or a [`BadTrade`].

use stock_up_core::Decimal;

use super::scan::{Kind, Scanner};
use super::text::unescape;
use crate::feed::bad::{BadFrame, BadTrade, printable};

/// A time this far ahead of the clock is a mistake: 5 s in ns.
pub(super) const MAX_AHEAD: i64 = 5_000_000_000;

/// The first time in ms (1973) and the first that is none any more (5138): what lies outside is in
/// another unit.
pub(super) const MILLISECONDS: std::ops::Range<i64> = 100_000_000_000..100_000_000_000_000;

/// From here on a number is a time in ns, below in µs.
const FIRST_NANOSECONDS: i64 = 100_000_000_000_000_000;

/// A value as it stands in the message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Field<'a> {
    #[default]
    Absent,
    Null,
    Number(&'a [u8]),
    /// Without quotes, escapes as they stand.
    Text(&'a [u8]),
    /// With brackets.
    List(&'a [u8]),
    Other,
}

/// The fields of one entry.
#[derive(Debug, Default)]
pub(super) struct Item<'a> {
    time: Field<'a>,
    price: Field<'a>,
    size: Field<'a>,
    pub(super) symbol: Field<'a>,
    pub(super) conditions: Field<'a>,
    /// The name of a field that stands there twice.
    twice: Option<char>,
}

impl<'a> Item<'a> {
    /// Reads an entry; `None` when it is no object.
    pub(super) fn read(scanner: &mut Scanner<'a>) -> Result<Option<Self>, BadFrame> {
        if !scanner.take(b'{') {
            scanner.skip()?;
            return Ok(None);
        }
        let mut item = Self::default();
        scanner.blanks();
        if scanner.take(b'}') {
            return Ok(Some(item));
        }
        loop {
            item.field(scanner)?;
            if !scanner.another(b'}')? {
                return Ok(Some(item));
            }
        }
    }

    /// Reads one key and its value.
    fn field(&mut self, scanner: &mut Scanner<'a>) -> Result<(), BadFrame> {
        let key = match scanner.key()? {
            [key] => *key,
            escaped if escaped.first() == Some(&b'\\') => escaped_key(escaped),
            _ => 0,
        };
        let place = match key {
            b't' => &mut self.time,
            b'p' => &mut self.price,
            b'v' => &mut self.size,
            b's' => &mut self.symbol,
            b'c' => &mut self.conditions,
            _ => return scanner.skip().map(|_| ()),
        };
        if *place != Field::Absent {
            self.twice.get_or_insert(char::from(key));
        }
        *place = read_value(scanner)?;
        Ok(())
    }

    /// Time in ns, price and size; the symbol and the conditions are the caller's.
    pub(super) fn numbers(&self, now: i64) -> Result<(i64, Decimal, Decimal), BadTrade> {
        if let Some(field) = self.twice {
            return Err(BadTrade::Twice { field });
        }
        let time = judge_time(number(self.time, 't')?, now)?;
        let price = Decimal::parse(number(self.price, 'p')?).map_err(BadTrade::Price)?;
        if price.is_zero() {
            return Err(BadTrade::ZeroPrice);
        }
        let size = Decimal::parse(number(self.size, 'v')?).map_err(BadTrade::Size)?;
        Ok((time, price, size))
    }
}

/// The single character that an escaped key stands for, or 0.
#[cold]
fn escaped_key(raw: &[u8]) -> u8 {
    match unescape(raw).as_deref().map(str::as_bytes) {
        Some([key]) => *key,
        _ => 0,
    }
}

fn read_value<'a>(scanner: &mut Scanner<'a>) -> Result<Field<'a>, BadFrame> {
    match scanner.kind()? {
        Kind::Number => Ok(Field::Number(scanner.number()?)),
        Kind::Text => Ok(Field::Text(scanner.string()?)),
        Kind::Array => Ok(Field::List(scanner.skip()?)),
        Kind::Null => scanner.word().map(|()| Field::Null),
        Kind::Object | Kind::Bool => scanner.skip().map(|_| Field::Other),
    }
}

fn number(field: Field<'_>, name: char) -> Result<&[u8], BadTrade> {
    match field {
        Field::Number(text) => Ok(text),
        Field::Absent => Err(BadTrade::Missing { field: name }),
        _ => Err(BadTrade::Kind {
            field: name,
            wanted: "number",
        }),
    }
}

/// Milliseconds as ns, if they are milliseconds and not in the future.
fn judge_time(text: &[u8], now: i64) -> Result<i64, BadTrade> {
    let problem = |problem| BadTrade::Time {
        text: printable(&String::from_utf8_lossy(text), 40),
        problem,
    };
    if let Some(digits) = text.strip_prefix(b"-") {
        let all_digits = digits.iter().all(u8::is_ascii_digit);
        return Err(problem(if all_digits {
            "is negative"
        } else {
            "is not a whole number"
        }));
    }
    let mut millis = 0_i64;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(problem("is not a whole number"));
        }
        millis = millis.saturating_mul(10).saturating_add(i64::from(digit));
    }
    if !MILLISECONDS.contains(&millis) {
        return Err(problem(match millis {
            0 => "is zero",
            i64::MAX => "is too large",
            ..MILLISECONDS_START => "looks like seconds",
            MILLISECONDS_END..FIRST_NANOSECONDS => "looks like microseconds",
            _ => "looks like nanoseconds",
        }));
    }
    let time = millis.saturating_mul(1_000_000);
    if time > now.saturating_add(MAX_AHEAD) {
        return Err(problem("is in the future"));
    }
    Ok(time)
}

const MILLISECONDS_START: i64 = MILLISECONDS.start;
const MILLISECONDS_END: i64 = MILLISECONDS.end;
