//! One row to one trade.
//!
//! [`Rows::fast`] takes a row as it usually is: plain digits, and a symbol and conditions that were just
//! looked up. It gives up without a reason; [`Rows::slow`] then
//! takes the row with all rules, or says what is wrong with it.

use stock_up_core::trade::{MAX_CONDITIONS_BYTES, symbol_problem};
use stock_up_core::{Decimal, NameId, Trade, TradeBatch};

use super::error::{RowProblem, shown};
use super::header::Columns;
use super::memo::{Decimals, Memo};
use super::number::{decimal, digits};
use super::split::Fields;

/// 2262-01-01: a hundred days before 64 bits end, so that no window can overflow.
const MAX_TIME: i64 = 9_214_646_400_000_000_000;

/// Turns rows into the trades of one batch.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Columns,
    /// Invariant: only texts that stand in a row as they are, without a comma or a quote before them.
    symbol: Memo,
    /// Invariant: the same.
    conditions: Memo,
    prices: Decimals,
    sizes: Decimals,
    /// Which names of the batch have been looked at as symbols.
    symbols: Vec<bool>,
}

impl Rows {
    pub(super) fn new(columns: Columns) -> Self {
        Self {
            columns,
            symbol: Memo::new(),
            conditions: Memo::new(),
            prices: Decimals::new(),
            sizes: Decimals::new(),
            symbols: Vec::new(),
        }
    }

    /// Begins a batch, whose names are new.
    pub(super) fn begin(&mut self) {
        self.symbol.begin();
        self.conditions.begin();
        self.symbols.clear();
    }

    /// Takes a row without its line end, if it is as usual.
    #[inline]
    pub(super) fn fast(&mut self, line: &[u8], batch: &mut TradeBatch) -> Option<()> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (time, rest) = digits(line)?;
        let ts_event = i64::try_from(time).ok().filter(|time| *time <= MAX_TIME)?;
        let (symbol, rest) = self.fast_symbol(rest.strip_prefix(b",")?, batch)?;
        let (price, rest) = decimal(rest, &mut self.prices)?;
        let (size, rest) = decimal(rest.strip_prefix(b",")?, &mut self.sizes)?;
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
        let comma = memchr::memchr(b',', rest)?;
        let (text, after) = (rest.get(..comma)?, rest.get(comma + 1..)?);
        if let Some(id) = self.symbol.get(text) {
            return Some((id, after));
        }
        if text.starts_with(b"\"") {
            return None;
        }
        let id = self.symbol(text, batch).ok()?;
        self.symbol.put(text, id);
        Some((id, after))
    }

    #[inline]
    fn fast_conditions(&mut self, text: &[u8], batch: &mut TradeBatch) -> Option<NameId> {
        if let Some(id) = self.conditions.get(text) {
            return Some(id);
        }
        if text.starts_with(b"\"") || memchr::memchr(b',', text).is_some() {
            return None;
        }
        let id = self.conditions(text, batch).ok()?;
        self.conditions.put(text, id);
        Some(id)
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
        Ok(id)
    }
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
