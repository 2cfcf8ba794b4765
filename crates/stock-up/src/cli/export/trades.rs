//! `export trades`: every trade of the log.

use std::io::Write as _;

use stock_up_core::{Names, Record, Trade};
#[cfg(feature = "parquet")]
use stock_up_io::parquet::ParquetTrades;
use stock_up_io::tape::{TapeFormat, TapeWriter};

use super::{Common, FormatName};
use crate::cli::output::Output;
use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::replay::Records;

pub(super) fn export(args: &Common) -> Outcome {
    let times = args.times()?;
    let dir = DataDir::open(&args.dir)?;
    let out = args.output()?;
    let records = Records::open(&dir, out.bar())?;
    let mut writer = Writer::new(args.format, out)?;
    records.each(|first, record| {
        let Record::Trades(batch) = record else {
            return Ok(());
        };
        let wanted = args
            .symbol
            .as_deref()
            .map(|symbol| batch.names.find(symbol));
        for (seq, trade) in (first..).zip(&batch.trades) {
            let is_wanted = wanted.is_none_or(|symbol| symbol == Some(trade.symbol));
            if is_wanted && times.contains(&trade.ts_event) {
                writer.write(trade, &batch.names, (batch.ts_recv, seq))?;
            }
        }
        Ok(())
    })?;
    writer.finish()?.finish()
}

/// Trades in the format that was asked for.
enum Writer {
    Text(TapeWriter<Output>),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetTrades<Output>>),
}

impl Writer {
    fn new(format: FormatName, out: Output) -> Outcome<Self> {
        Ok(match format {
            FormatName::Csv => Self::Text(TapeWriter::new(out, TapeFormat::Csv)),
            FormatName::Jsonl => Self::Text(TapeWriter::new(out, TapeFormat::Jsonl)),
            #[cfg(feature = "parquet")]
            FormatName::Parquet => Self::Parquet(Box::new(ParquetTrades::new(out)?)),
            #[cfg(not(feature = "parquet"))]
            FormatName::Parquet => return Err(super::no_parquet()),
        })
    }

    fn write(
        &mut self,
        trade: &Trade,
        names: &Names,
        (ts_recv, seq): (i64, u64),
    ) -> anyhow::Result<()> {
        match self {
            Self::Text(writer) => writer.write(trade, names, ts_recv, seq)?,
            #[cfg(feature = "parquet")]
            Self::Parquet(writer) => writer.write(trade, names, ts_recv, seq)?,
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
