//! A trade and a batch of them.

use crate::decimal::Decimal;
use crate::names::{NameId, Names};

/// Most trades that one batch may hold; a larger frame is split by its reader.
pub const MAX_BATCH_TRADES: usize = 100_000;

/// Longest symbol in bytes.
pub const MAX_SYMBOL_BYTES: usize = 64;

/// Longest text of trade conditions in bytes.
pub const MAX_CONDITIONS_BYTES: usize = 256;

/// One execution, as its venue reported it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trade {
    /// The instrument, in the dictionary of the batch.
    pub symbol: NameId,
    /// The venue's trade conditions as one text (empty for none), in the dictionary of the batch.
    pub conditions: NameId,
    /// When it happened at the venue: ns since the Unix epoch, UTC.
    pub ts_event: i64,
    /// Price per unit.
    pub price: Decimal,
    /// Units traded; zero marks a price update that is no trade.
    pub size: Decimal,
}

/// Trades that arrived together, in the order in which they arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TradeBatch {
    /// When they were received: ns since the Unix epoch, UTC.
    pub ts_recv: i64,
    /// Symbols and conditions that the trades name.
    pub names: Names,
    /// The trades.
    pub trades: Vec<Trade>,
}

impl TradeBatch {
    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.ts_recv = 0;
        self.names.clear();
        self.trades.clear();
    }

    /// Adds a trade by its texts.
    pub fn push(
        &mut self,
        symbol: &str,
        ts_event: i64,
        (price, size): (Decimal, Decimal),
        conditions: &str,
    ) {
        let symbol = self.names.intern(symbol);
        let conditions = self.names.intern(conditions);
        self.trades.push(Trade {
            symbol,
            conditions,
            ts_event,
            price,
            size,
        });
    }
}

/// Why a text cannot be a symbol; `None` when it can.
///
/// Any printable text is a symbol, because venues use colons, slashes, dots and more. Control
/// characters, blanks at the ends and commas are refused: lists of symbols are comma separated.
pub fn symbol_problem(symbol: &str) -> Option<&'static str> {
    if symbol.is_empty() {
        return Some("symbol is empty");
    }
    if symbol.len() > MAX_SYMBOL_BYTES {
        return Some("symbol is longer than 64 bytes");
    }
    if symbol.chars().any(char::is_control) {
        return Some("symbol holds a control character");
    }
    if symbol.contains(',') {
        return Some("symbol holds a comma, which separates symbols");
    }
    if symbol.trim() != symbol {
        return Some("symbol begins or ends with a blank");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_but_printable_symbols_are_symbols() {
        for symbol in [
            "SPY",
            "BINANCE:BTCUSDT",
            "OANDA:EUR_USD",
            "<img src=x onerror=alert(1)>",
            "é",
        ] {
            assert_eq!(symbol_problem(symbol), None, "{symbol}");
        }
        for symbol in ["", " SPY", "A,B", "A\nB", "\u{0}", &"X".repeat(65)] {
            assert!(symbol_problem(symbol).is_some(), "{symbol:?}");
        }
    }
}
