//! Points, as `export series` and `replay` write them.

use std::io::Write;

use stock_up_core::Point;

use super::ParquetError;
use super::column::Column;
use super::table::Table;

const SCHEMA: &str = "
message series {
  required int64 timestamp_ns (timestamp(nanos, true));
  required binary symbol (string);
  required binary window (string);
  required int64 transactions (integer(64, false));
  required fixed_len_byte_array(16) volume (decimal(38, 18));
  optional fixed_len_byte_array(16) last_price (decimal(38, 18));
  optional fixed_len_byte_array(16) min_price (decimal(38, 18));
  optional fixed_len_byte_array(16) max_price (decimal(38, 18));
  optional double avg_price_trans;
  optional double avg_price_volume;
  optional double variance;
  required binary status (string);
  required double coverage;
  required int64 revision (integer(64, false));
}";

/// Writes points.
#[derive(Debug)]
pub struct ParquetSeries<W: Write + Send>(Table<W, 14>);

impl<W: Write + Send> ParquetSeries<W> {
    /// Begins the file.
    pub fn new(out: W) -> Result<Self, ParquetError> {
        let columns = [
            Column::ints(),
            Column::texts(),
            Column::texts(),
            Column::ints(),
            Column::decimals(),
            Column::decimals(),
            Column::decimals(),
            Column::decimals(),
            Column::floats(),
            Column::floats(),
            Column::floats(),
            Column::texts(),
            Column::floats(),
            Column::ints(),
        ];
        Ok(Self(Table::new(out, SCHEMA, columns)?))
    }

    /// Writes a point of `symbol`.
    pub fn write(&mut self, point: &Point, symbol: &str) -> Result<(), ParquetError> {
        let refused = |what, value| ParquetError::Value {
            what,
            value,
            symbol: symbol.to_owned(),
        };
        let [
            time,
            name,
            window,
            transactions,
            volume,
            last,
            lowest,
            highest,
            mean,
            vwap,
            variance,
            status,
            coverage,
            revision,
        ] = &mut self.0.columns;
        let metrics = &point.metrics;
        let sum = metrics.volume.to_string();
        if !volume.decimal(&sum) {
            return Err(refused("volume", sum));
        }
        for (column, what, price) in [
            (last, "last_price", metrics.last_price),
            (lowest, "min_price", metrics.min_price),
            (highest, "max_price", metrics.max_price),
        ] {
            let text = price.map(|price| price.to_string());
            if !column.optional(text.as_deref()) {
                return Err(refused(what, text.unwrap_or_default()));
            }
        }
        time.int(point.time);
        name.text(symbol);
        window.text(&point.window.to_string());
        transactions.int(metrics.transactions.cast_signed());
        mean.float(metrics.mean_price);
        vwap.float(metrics.vwap);
        variance.float(metrics.variance);
        status.text(point.status.name());
        coverage.number(point.coverage);
        revision.int(i64::from(point.revision));
        Ok(self.0.end_row()?)
    }

    /// Writes the end of the file and gives the writer back.
    pub fn finish(self) -> Result<W, ParquetError> {
        Ok(self.0.finish()?)
    }
}
