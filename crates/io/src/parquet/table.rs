//! A file of row groups: rows are held until there are enough for one.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::column::Column;

/// Rows of a row group: enough to compress well, few enough to hold.
const GROUP_ROWS: usize = 64 * 1_024;

/// A file on its way.
pub(super) struct Table<W: Write + Send, const N: usize> {
    writer: SerializedFileWriter<W>,
    pub(super) columns: [Column; N],
    rows: usize,
}

impl<W: Write + Send, const N: usize> Table<W, N> {
    /// `schema` names the columns in order.
    pub(super) fn new(out: W, schema: &str, columns: [Column; N]) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("stock-up ", env!("CARGO_PKG_VERSION")).into())
            .build();
        let schema = Arc::new(parse_message_type(schema)?);
        Ok(Self {
            writer: SerializedFileWriter::new(out, schema, Arc::new(properties))?,
            columns,
            rows: 0,
        })
    }

    /// Notes that each column has the value of one more row.
    pub(super) fn end_row(&mut self) -> Result<()> {
        self.rows += 1;
        if self.rows == GROUP_ROWS {
            self.write_group()?;
        }
        Ok(())
    }

    /// Writes what is held and the end of the file.
    pub(super) fn finish(mut self) -> Result<W> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.writer.into_inner()
    }

    fn write_group(&mut self) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            column.write(&mut group)?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl<W: Write + Send, const N: usize> fmt::Debug for Table<W, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("columns", &self.columns)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
