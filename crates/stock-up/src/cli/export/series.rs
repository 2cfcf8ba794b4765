//! `export series`: every point of the store.

use std::io::Write as _;
use std::ops::ControlFlow;

use stock_up_core::{Point, Span};
#[cfg(feature = "parquet")]
use stock_up_io::parquet::ParquetSeries;
use stock_up_io::store::{SeriesFilter, StoreReader};
use stock_up_io::text::Format;

use super::{Common, FormatName};
use crate::cli::output::Output;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};

/// Text is written when there is so much of it.
const CHUNK_BYTES: usize = 256 << 10;

pub(super) fn export(args: &Common, window: Option<Span>) -> Outcome {
    args.times()?;
    let dir = DataDir::open(&args.dir)?;
    let store = StoreReader::open(dir.path()).map_err(Failure::data_dir)?;
    let (symbol, from, to) = (args.symbol.as_deref(), args.from, args.to);
    let filter = SeriesFilter {
        symbol,
        window,
        from,
        to,
    };
    let mut writer = Writer::new(args.format, args.output()?)?;
    let mut written: Outcome = Ok(());
    let exported = store.export_series(&filter, |row| {
        written = writer.write(&row.point, &row.symbol);
        if written.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    written?;
    exported.map_err(Failure::data_dir)?;
    writer.finish()?.finish()
}

/// Points in the format that was asked for.
enum Writer {
    Text(TextWriter),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetSeries<Output>>),
}

/// Lines, through a buffer.
struct TextWriter {
    out: Output,
    format: Format,
    text: Vec<u8>,
}

impl Writer {
    fn new(format: FormatName, out: Output) -> Outcome<Self> {
        Ok(match format {
            FormatName::Csv => Self::Text(TextWriter::new(out, Format::Csv)),
            FormatName::Jsonl => Self::Text(TextWriter::new(out, Format::Jsonl)),
            #[cfg(feature = "parquet")]
            FormatName::Parquet => Self::Parquet(Box::new(ParquetSeries::new(out)?)),
            #[cfg(not(feature = "parquet"))]
            FormatName::Parquet => return Err(super::no_parquet()),
        })
    }

    fn write(&mut self, point: &Point, symbol: &str) -> Outcome {
        match self {
            Self::Text(writer) => writer.write(point, symbol)?,
            #[cfg(feature = "parquet")]
            Self::Parquet(writer) => writer.write(point, symbol)?,
        }
        Ok(())
    }

    fn finish(self) -> Outcome<Output> {
        let mut out = match self {
            Self::Text(writer) => writer.finish()?,
            #[cfg(feature = "parquet")]
            Self::Parquet(writer) => writer.finish()?,
        };
        out.flush()?;
        Ok(out)
    }
}

impl TextWriter {
    fn new(out: Output, format: Format) -> Self {
        let mut text = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
        format.write_header(&mut text);
        Self { out, format, text }
    }

    fn write(&mut self, point: &Point, symbol: &str) -> anyhow::Result<()> {
        self.format.write_point(point, symbol, &mut self.text)?;
        if self.text.len() >= CHUNK_BYTES {
            self.out.write_all(&self.text)?;
            self.text.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<Output> {
        self.out.write_all(&self.text)?;
        Ok(self.out)
    }
}
