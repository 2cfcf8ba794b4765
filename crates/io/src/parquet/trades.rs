//! Trades, as `export trades` writes them.

use std::io::Write;

use stock_up_core::{Names, Trade};

use super::ParquetError;
use super::column::Column;
use super::table::Table;

const SCHEMA: &str = "
message trades {
  required int64 timestamp_ns (timestamp(nanos, true));
  required binary symbol (string);
  required fixed_len_byte_array(16) price (decimal(38, 18));
  required fixed_len_byte_array(16) size (decimal(38, 18));
  required binary conditions (string);
  required int64 ts_recv_ns (timestamp(nanos, true));
  required int64 seq (integer(64, false));
}";

/// Writes trades.
#[derive(Debug)]
pub struct ParquetTrades<W: Write + Send>(Table<W, 7>);

impl<W: Write + Send> ParquetTrades<W> {
    /// Begins the file.
    pub fn new(out: W) -> Result<Self, ParquetError> {
        let columns = [
            Column::ints(),
            Column::texts(),
            Column::decimals(),
            Column::decimals(),
            Column::texts(),
            Column::ints(),
            Column::ints(),
        ];
        Ok(Self(Table::new(out, SCHEMA, columns)?))
    }

    /// Writes a trade; `names` is the dictionary of its batch.
    pub fn write(
        &mut self,
        trade: &Trade,
        names: &Names,
        ts_recv: i64,
        number: u64,
    ) -> Result<(), ParquetError> {
        let name = names.get(trade.symbol);
        let refused = |what, value| ParquetError::Value {
            what,
            value,
            symbol: name.to_owned(),
        };
        let [time, symbol, price, size, conditions, recv, seq] = &mut self.0.columns;
        for (column, what, value) in [(price, "price", trade.price), (size, "size", trade.size)] {
            let text = value.to_string();
            if !column.decimal(&text) {
                return Err(refused(what, text));
            }
        }
        time.int(trade.ts_event);
        symbol.text(name);
        conditions.text(names.get(trade.conditions));
        recv.int(ts_recv);
        seq.int(number.cast_signed());
        Ok(self.0.end_row()?)
    }

    /// Writes the end of the file and gives the writer back.
    pub fn finish(self) -> Result<W, ParquetError> {
        Ok(self.0.finish()?)
    }
}
