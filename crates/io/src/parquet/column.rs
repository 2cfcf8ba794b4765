//! The values of one column of a row group.

use std::io::Write;

use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedRowGroupWriter;

/// Decimal places of every decimal column.
const SCALE: usize = 18;

/// `10^38`: no number of a `DECIMAL(38, …)` reaches it.
const LIMIT: i128 = 10_i128.pow(38);

/// Values in the order of their rows; what is null has no value.
#[derive(Debug)]
enum Values {
    Int(Vec<i64>),
    Float(Vec<f64>),
    Text(Vec<ByteArray>),
    Decimal(Vec<FixedLenByteArray>),
}

/// A column.
#[derive(Debug)]
pub(super) struct Column {
    values: Values,
    /// For each row, 1 or, where it is null, 0; empty where every row has a value.
    levels: Vec<i16>,
}

impl Column {
    pub(super) fn ints() -> Self {
        Self::of(Values::Int(Vec::new()))
    }

    pub(super) fn floats() -> Self {
        Self::of(Values::Float(Vec::new()))
    }

    pub(super) fn texts() -> Self {
        Self::of(Values::Text(Vec::new()))
    }

    pub(super) fn decimals() -> Self {
        Self::of(Values::Decimal(Vec::new()))
    }

    fn of(values: Values) -> Self {
        Self {
            values,
            levels: Vec::new(),
        }
    }

    /// Adds the value of a row.
    pub(super) fn int(&mut self, value: i64) {
        if let Values::Int(values) = &mut self.values {
            values.push(value);
        }
    }

    /// Adds the value of a row.
    pub(super) fn text(&mut self, value: &str) {
        if let Values::Text(values) = &mut self.values {
            values.push(value.as_bytes().to_vec().into());
        }
    }

    /// Adds what may be null.
    pub(super) fn float(&mut self, value: Option<f64>) {
        self.levels.push(i16::from(value.is_some()));
        if let Values::Float(values) = &mut self.values {
            values.extend(value);
        }
    }

    /// Adds the value of a row of a column without nulls.
    pub(super) fn number(&mut self, value: f64) {
        if let Values::Float(values) = &mut self.values {
            values.push(value);
        }
    }

    /// Adds the value of a row of a column without nulls; false if it does not fit.
    pub(super) fn decimal(&mut self, text: &str) -> bool {
        let scaled = scaled(text);
        if let (Values::Decimal(values), Some(scaled)) = (&mut self.values, scaled) {
            values.push(scaled.to_be_bytes().to_vec().into());
        }
        scaled.is_some()
    }

    /// Adds what may be null; false if it does not fit.
    pub(super) fn optional(&mut self, text: Option<&str>) -> bool {
        self.levels.push(i16::from(text.is_some()));
        text.is_none_or(|text| self.decimal(text))
    }

    /// Writes the values as the next column of `group`, and forgets them.
    pub(super) fn write<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        let Some(mut column) = group.next_column()? else {
            return Err(ParquetError::General(
                "the schema has too few columns".into(),
            ));
        };
        let levels = Some(&*self.levels).filter(|levels| !levels.is_empty());
        match (column.untyped(), &mut self.values) {
            (ColumnWriter::Int64ColumnWriter(writer), Values::Int(values)) => {
                writer.write_batch(values, levels, None)?;
                values.clear();
            }
            (ColumnWriter::DoubleColumnWriter(writer), Values::Float(values)) => {
                writer.write_batch(values, levels, None)?;
                values.clear();
            }
            (ColumnWriter::ByteArrayColumnWriter(writer), Values::Text(values)) => {
                writer.write_batch(values, levels, None)?;
                values.clear();
            }
            (ColumnWriter::FixedLenByteArrayColumnWriter(writer), Values::Decimal(values)) => {
                writer.write_batch(values, levels, None)?;
                values.clear();
            }
            _ => return Err(ParquetError::General("the schema has another type".into())),
        }
        self.levels.clear();
        column.close()
    }
}

/// A plain decimal in units of `10^-18`, if it is a whole number of them that fits.
fn scaled(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let missing = SCALE.checked_sub(fraction.len())?;
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let power = 10_i128.checked_pow(u32::try_from(missing).ok()?)?;
    digits.checked_mul(power).filter(|scaled| *scaled < LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        let unit = 10_i128.pow(18);
        assert_eq!(scaled("0"), Some(0));
        assert_eq!(scaled("167.25"), Some(167 * unit + unit / 4));
        assert_eq!(scaled("0.000000000000000001"), Some(1));
        assert_eq!(scaled("0.0000000000000000010"), Some(1));
        assert_eq!(
            scaled("99999999999999999999"),
            Some((10_i128.pow(20) - 1) * unit)
        );
        assert_eq!(scaled("100000000000000000000"), None);
        assert_eq!(scaled("0.0000000000000000001"), None);
        assert_eq!(scaled("one"), None);
    }
}
