//! One row to one trade.
//!
//! [`Rows::fast`] takes a row as it usually is: plain digits, and a symbol and conditions that were
//! just looked up. It gives up without a reason; [`Rows::slow`] then takes the row with all rules,
//! or says what is wrong with it.

use stock_up_core::trade::{MAX_CONDITIONS_BYTES, symbol_problem};
use stock_up_core::{Decimal, NameId, Trade, TradeBatch};

use super::error::{RowProblem, shown};
use super::header::Columns;
use super::memo::{Memo, Seen, Text};
use super::number::{decimal, time};
use super::split::Fields;

/// 2262-01-01: a hundred days before 64 bits end, so that no window can overflow.
const MAX_TIME: i64 = 9_214_646_400_000_000_000;

/// Turns rows into the trades of one batch.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Columns,
    /// Invariant: only texts that stand in a row as they are, without a comma or a quote before
    /// them.
    symbols: Memo,
    /// Invariant: the same.
    conditions: Memo,
    /// Which names of the batch have been looked at as symbols.
    known: Vec<bool>,
}

impl Rows {
    pub(super) fn new(columns: Columns) -> Self {
        Self {
            columns,
            symbols: Memo::new(),
            conditions: Memo::new(),
            known: Vec::new(),
        }
    }

    /// Begins a batch, whose names are new.
    pub(super) fn begin(&mut self) {
        self.symbols.begin();
        self.conditions.begin();
        self.known.clear();
    }

    /// Takes the row at the start of `input`, if it is as usual, and tells its length with its line
    /// end.
    #[inline]
    pub(super) fn fast(&mut self, input: &[u8], batch: &mut TradeBatch) -> Option<usize> {
        let (ts_event, rest) = time(input)?;
        let ts_event = ts_event.cast_signed();
        if !(0..=MAX_TIME).contains(&ts_event) {
            return None;
        }
        let (symbol, rest) = self.fast_symbol(rest.strip_prefix(b",")?, batch)?;
        let (price, rest) = decimal(rest)?;
        let (size, rest) = decimal(rest.strip_prefix(b",")?)?;
        let (conditions, length) = if self.columns.count == 5 && self.columns.conditions {
            let (id, length) = self.fast_conditions(rest.strip_prefix(b",")?, batch)?;
            (id, length + 1)
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
        Some(input.len() - rest.len() + length + 1)
    }

    #[inline]
    fn fast_symbol<'a>(
        &mut self,
        rest: &'a [u8],
        batch: &mut TradeBatch,
    ) -> Option<(NameId, &'a [u8])> {
        let Some((text, length)) = Text::before(b',', rest) else {
            return self.other_symbol(rest, batch);
        };
        let (id, after) = match self.symbols.get(text) {
            Some(Seen::Here(id)) => return Some((id, rest.get(length + 1..)?)),
            Some(Seen::Before) => {
                let id = self.known_symbol(rest.get(..length)?, batch)?;
                (id, rest.get(length + 1..)?)
            }
            None => self.other_symbol(rest, batch)?,
        };
        self.symbols.put(text, id);
        Some((id, after))
    }

    /// A symbol that stood in an earlier batch.
    #[inline(never)]
    fn known_symbol(&mut self, text: &[u8], batch: &mut TradeBatch) -> Option<NameId> {
        let id = batch.names.intern(std::str::from_utf8(text).ok()?);
        self.judged(id, batch);
        Some(id)
    }

    /// Any symbol that is not quoted.
    #[inline(never)]
    fn other_symbol<'a>(
        &mut self,
        rest: &'a [u8],
        batch: &mut TradeBatch,
    ) -> Option<(NameId, &'a [u8])> {
        let comma = memchr::memchr(b',', rest)?;
        let (name, after) = (rest.get(..comma)?, rest.get(comma + 1..)?);
        if name.starts_with(b"\"") {
            return None;
        }
        Some((self.symbol(name, batch).ok()?, after))
    }

    /// The conditions at the end of a row, and their length with a carriage return behind them.
    #[inline]
    fn fast_conditions(&mut self, rest: &[u8], batch: &mut TradeBatch) -> Option<(NameId, usize)> {
        let short = Text::before(b'\n', rest);
        if let Some((text, length)) = short
            && let Some(Seen::Here(id)) = self.conditions.get(text)
        {
            return Some((id, length));
        }
        let length = memchr::memchr(b'\n', rest)?;
        let id = Self::plain_conditions(without_return(rest.get(..length)?), batch)?;
        if let Some((text, _)) = short {
            self.conditions.put(text, id);
        }
        Some((id, length))
    }

    fn plain_conditions(text: &[u8], batch: &mut TradeBatch) -> Option<NameId> {
        if text.starts_with(b"\"") || memchr::memchr(b',', text).is_some() {
            return None;
        }
        conditions_id(text, batch).ok()
    }

    /// What follows the size in rows with other columns: the conditions, if any, and the length of
    /// it all.
    fn fast_rest(&mut self, rest: &[u8], batch: &mut TradeBatch) -> Option<(NameId, usize)> {
        let length = memchr::memchr(b'\n', rest)?;
        let mut fields = without_return(rest.get(..length)?).split(|byte| *byte == b',');
        let mut is_odd = !fields.next()?.is_empty();
        let conditions = if self.columns.conditions {
            fields.next()?
        } else {
            b""
        };
        let left = self.columns.count - 4 - usize::from(self.columns.conditions);
        let mut count = 0;
        for field in fields {
            count += 1;
            is_odd |= field.starts_with(b"\"");
        }
        if count != left || is_odd {
            return None;
        }
        Some((Self::plain_conditions(conditions, batch)?, length))
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
        let conditions = conditions_id(conditions, batch)?;
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
            Some(id) if self.known.get(id.index()) == Some(&true) => id,
            _ => {
                if let Some(problem) = symbol_problem(name) {
                    return Err(RowProblem::Symbol {
                        text: shown(text),
                        problem,
                    });
                }
                let id = batch.names.intern(name);
                self.judged(id, batch);
                id
            }
        };
        Ok(id)
    }

    /// Notes that a name of the batch is fit for a symbol.
    fn judged(&mut self, id: NameId, batch: &TradeBatch) {
        self.known.resize(batch.names.len(), false);
        if let Some(judged) = self.known.get_mut(id.index()) {
            *judged = true;
        }
    }
}

fn conditions_id(text: &[u8], batch: &mut TradeBatch) -> Result<NameId, RowProblem> {
    let name = std::str::from_utf8(text).map_err(|_| RowProblem::NotUtf8 {
        column: "conditions",
    })?;
    if text.len() > MAX_CONDITIONS_BYTES {
        return Err(RowProblem::Conditions { text: shown(text) });
    }
    let id = batch.names.intern(name);
    Ok(id)
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn slow_decimal(column: &'static str, text: &[u8]) -> Result<Decimal, RowProblem> {
    Decimal::parse(text).map_err(|reason| RowProblem::Decimal {
        column,
        text: shown(text),
        reason,
    })
}

#[cfg(test)]
mod tests;
