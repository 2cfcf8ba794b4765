//! Trades and points as Apache Parquet, with the columns of their CSV.
//!
//! Times are `TIMESTAMP(NANOS, UTC)`. Prices, sizes and volumes are `DECIMAL(38, 18)`: exact, and
//! what readers of Parquet take for numbers; the rare value that needs more decimal places is
//! refused, never rounded. Everything else is as in CSV; an absent value is null.

mod column;
mod series;
mod table;
mod trades;

use thiserror::Error;

pub use series::ParquetSeries;
pub use trades::ParquetTrades;

/// Why a row or the file cannot be written.
#[derive(Debug, Error)]
pub enum ParquetError {
    /// The number needs more than 18 decimal places, or more than 38 digits.
    #[error(
        "{what} {value} of `{symbol}` does not fit DECIMAL(38, 18), and rounding is not done here; \
         export it as csv"
    )]
    Value {
        /// The name of the column.
        what: &'static str,
        /// The number, exactly.
        value: String,
        /// Whose it is.
        symbol: String,
    },
    /// The output could not be written.
    #[error("parquet: {0}")]
    Write(#[from] parquet::errors::ParquetError),
}
