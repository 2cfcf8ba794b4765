//! One row to one trade.
//!
//! [`Rows::fast`] takes a row as it usually is: plain digits, and the symbol and conditions of the row
//! before, which are compared before they are looked up. It gives up without a reason; [`Rows::slow`] then
//! takes the row with all rules, or says what is wrong with it.

use stock_up_core::trade::{MAX_CONDITIONS_BYTES, symbol_problem};
use stock_up_core::{Decimal, NameId, Trade, TradeBatch};

use super::error::{RowProblem, shown};
use super::header::Columns;
use super::split::Fields;

/// 2262-01-01: a hundred days before 64 bits end, so that no window can overflow.
const MAX_TIME: i64 = 9_214_646_400_000_000_000;

/// Turns rows into the trades of one batch.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Columns,
    symbol: Last,
    conditions: Last,
    /// Which names of the batch have been looked at as symbols.
    symbols: Vec<bool>,
}

/// The text of the row before and its name.
#[derive(Debug, Default)]
struct Last {
    text: Vec<u8>,
    id: Option<NameId>,
}

impl Rows {
    pub(super) fn new(columns: Columns) -> Self {
        Self {
            columns,
            symbol: Last::default(),
            conditions: Last::default(),
            symbols: Vec::new(),
        }
    }

    /// Begins a batch, whose names are new.
    pub(super) fn begin(&mut self) {
        self.symbol.id = None;
        self.conditions.id = None;
        self.symbols.clear();
    }

    /// Takes a row without its line end, if it is as usual.
    #[inline]
    pub(super) fn fast(&mut self, line: &[u8], batch: &mut TradeBatch) -> Option<()> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (time, rest) = digits(line)?;
        let ts_event = i64::try_from(time).ok().filter(|time| *time <= MAX_TIME)?;
        let (symbol, rest) = self.fast_symbol(rest.strip_prefix(b",")?, batch)?;
        let (price, rest) = decimal(rest)?;
        let (size, rest) = decimal(rest.strip_prefix(b",")?)?;
        let conditions = if self.columns.count == 5 && self.columns.conditions {
            self.fast_conditions(rest.strip_prefix(b",")?, batch)?
        } else {
            self.fast_rest(rest, batch)?
        };
        batch.trades.push(Trade {
            symbol,
            conditions,
            ts_event,
            price,
            size,
        });
        Some(())
    }

    #[inline]
    fn fast_symbol<'a>(
        &mut self,
        rest: &'a [u8],
        batch: &mut TradeBatch,
    ) -> Option<(NameId, &'a [u8])> {
        if let Some(id) = self.symbol.id
            && let Some(after) = rest.strip_prefix(self.symbol.text.as_slice())
            && let Some(after) = after.strip_prefix(b",")
        {
            return Some((id, after));
        }
        let comma = memchr::memchr(b',', rest)?;
        let text = rest.get(..comma).filter(|text| !text.starts_with(b"\""))?;
        let id = self.symbol(text, batch).ok()?;
        Some((id, rest.get(comma + 1..)?))
    }

    #[inline]
    fn fast_conditions(&mut self, text: &[u8], batch: &mut TradeBatch) -> Option<NameId> {
        if let Some(id) = self.conditions.id.filter(|_| text == self.conditions.text) {
            return Some(id);
        }
        if text.starts_with(b"\"") || memchr::memchr(b',', text).is_some() {
            return None;
        }
        self.conditions(text, batch).ok()
    }

    /// The conditions, if any, and columns that are passed over.
    fn fast_rest(&mut self, rest: &[u8], batch: &mut TradeBatch) -> Option<NameId> {
        let mut fields = rest.split(|byte| *byte == b',').skip(1);
        let conditions = if self.columns.conditions {
            fields.next()?
        } else {
            b""
        };
        let left = self.columns.count - 4 - usize::from(self.columns.conditions);
        let (mut count, mut quoted) = (0, !rest.is_empty() && !rest.starts_with(b","));
        for field in fields {
            count += 1;
            quoted |= field.starts_with(b"\"");
        }
        if count != left || quoted {
            return None;
        }
        self.fast_conditions(conditions, batch)
    }

    /// Takes any row, or says what is wrong with it.
    pub(super) fn slow(
        &mut self,
        fields: &Fields,
        batch: &mut TradeBatch,
    ) -> Result<(), RowProblem> {
        if fields.len() != self.columns.count {
            return Err(RowProblem::Fields {
                found: fields.len(),
                expected: self.columns.count,
            });
        }
        let time = fields.get(0);
        let ts_event = std::str::from_utf8(time)
            .ok()
            .and_then(|text| text.parse().ok())
            .filter(|time| (0..=MAX_TIME).contains(time))
            .ok_or_else(|| RowProblem::Time { text: shown(time) })?;
        let symbol = self.symbol(fields.get(1), batch)?;
        let price = slow_decimal("price", fields.get(2))?;
        let size = slow_decimal("size", fields.get(3))?;
        let conditions = if self.columns.conditions {
            fields.get(4)
        } else {
            b""
        };
        let conditions = self.conditions(conditions, batch)?;
        batch.trades.push(Trade {
            symbol,
            conditions,
            ts_event,
            price,
            size,
        });
        Ok(())
    }

    fn symbol(&mut self, text: &[u8], batch: &mut TradeBatch) -> Result<NameId, RowProblem> {
        let name =
            std::str::from_utf8(text).map_err(|_| RowProblem::NotUtf8 { column: "symbol" })?;
        let known = batch.names.find(name);
        let id = match known {
            Some(id) if self.symbols.get(id.index()) == Some(&true) => id,
            _ => {
                if let Some(problem) = symbol_problem(name) {
                    return Err(RowProblem::Symbol {
                        text: shown(text),
                        problem,
                    });
                }
                let id = batch.names.intern(name);
                self.symbols.resize(batch.names.len(), false);
                if let Some(checked) = self.symbols.get_mut(id.index()) {
                    *checked = true;
                }
                id
            }
        };
        self.symbol.set(text, id);
        Ok(id)
    }

    fn conditions(&mut self, text: &[u8], batch: &mut TradeBatch) -> Result<NameId, RowProblem> {
        let name = std::str::from_utf8(text).map_err(|_| RowProblem::NotUtf8 {
            column: "conditions",
        })?;
        if text.len() > MAX_CONDITIONS_BYTES {
            return Err(RowProblem::Conditions { text: shown(text) });
        }
        let id = batch.names.intern(name);
        self.conditions.set(text, id);
        Ok(id)
    }
}

impl Last {
    fn set(&mut self, text: &[u8], id: NameId) {
        self.text.clear();
        self.text.extend_from_slice(text);
        self.id = Some(id);
    }
}

fn slow_decimal(column: &'static str, text: &[u8]) -> Result<Decimal, RowProblem> {
    Decimal::parse(text).map_err(|reason| RowProblem::Decimal {
        column,
        text: shown(text),
        reason,
    })
}

/// A price or size in plain notation of at most 18 digits, and what follows.
#[inline]
fn decimal(text: &[u8]) -> Option<(Decimal, &[u8])> {
    let (whole, rest) = digits(text)?;
    let whole_digits = text.len() - rest.len();
    let Some(fraction_text) = rest.strip_prefix(b".") else {
        return (whole_digits <= 18)
            .then(|| Decimal::new(whole, 0).ok().map(|value| (value, rest)))
            .flatten();
    };
    let (fraction, rest) = digits(fraction_text)?;
    let scale = fraction_text.len() - rest.len();
    if whole_digits + scale > 18 {
        return None;
    }
    let units = whole * POWERS.get(scale)? + fraction;
    let value = Decimal::new(units, u8::try_from(scale).ok()?).ok()?;
    Some((value, rest))
}

/// At least one and at most 19 digits, which always fit, and what follows.
#[inline]
fn digits(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut rest) = (0_u64, text);
    let mut blocks = 0;
    while blocks < 2
        && let Some((block, after)) = rest.split_first_chunk::<8>()
        && let Some(number) = eight_digits(*block)
    {
        value = value * 100_000_000 + number;
        rest = after;
        blocks += 1;
    }
    let limit = 19 - 8 * blocks;
    let mut count = 0;
    while let Some((digit, after)) = rest.split_first()
        && digit.is_ascii_digit()
    {
        count += 1;
        if count > limit {
            return None;
        }
        value = value * 10 + u64::from(digit - b'0');
        rest = after;
    }
    (blocks + count > 0).then_some((value, rest))
}

/// Eight digits at once: pairs, then fours, then all are added up within one register.
#[inline]
fn eight_digits(block: [u8; 8]) -> Option<u64> {
    let text = u64::from_le_bytes(block);
    let high = text & 0xf0f0_f0f0_f0f0_f0f0;
    let carried = text.wrapping_add(0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0;
    if high != 0x3030_3030_3030_3030 || carried != 0x3030_3030_3030_3030 {
        return None;
    }
    let ones = text & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (ones.wrapping_mul(10) + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff)
}

const POWERS: [u64; 19] = {
    let mut powers = [1; 19];
    let mut index = 1;
    while index < 19 {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

#[cfg(test)]
mod tests;
