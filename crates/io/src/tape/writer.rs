//! Writing trades as `export trades` does: the columns of trade files, then `ts_recv_ns,seq`.

use std::io::{self, Write};

use stock_up_core::{Names, Trade};

use crate::text::csv::write_field;
use crate::text::json::write_string;
use crate::text::number::{write_decimal, write_int};

/// The header of an export; [`super::TapeReader`] reads it.
pub(super) const HEADER: &str = "timestamp_ns,symbol,price,size,conditions,ts_recv_ns,seq";

const BUFFER_BYTES: usize = 64 << 10;

/// How trades are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TapeFormat {
    /// As trade files are read.
    Csv,
    /// One JSON object per line, with the same names; price and size are strings.
    Jsonl,
}

/// Writes trades, through a buffer of its own.
#[derive(Debug)]
pub struct TapeWriter<W: Write> {
    out: W,
    format: TapeFormat,
    buffer: Vec<u8>,
}

impl<W: Write> TapeWriter<W> {
    /// Begins with the header, if the format has one.
    pub fn new(out: W, format: TapeFormat) -> Self {
        let mut buffer = Vec::with_capacity(BUFFER_BYTES + 1_024);
        if format == TapeFormat::Csv {
            buffer.extend_from_slice(HEADER.as_bytes());
            buffer.push(b'\n');
        }
        Self {
            out,
            format,
            buffer,
        }
    }

    /// Writes a trade; `names` is the dictionary of its batch.
    pub fn write(
        &mut self,
        trade: &Trade,
        names: &Names,
        ts_recv: i64,
        seq: u64,
    ) -> io::Result<()> {
        let (symbol, conditions) = (names.get(trade.symbol), names.get(trade.conditions));
        let out = &mut self.buffer;
        match self.format {
            TapeFormat::Csv => write_csv(trade, (symbol, conditions), (ts_recv, seq), out),
            TapeFormat::Jsonl => write_json(trade, (symbol, conditions), (ts_recv, seq), out),
        }
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is held back and gives the writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

fn write_csv(
    trade: &Trade,
    (symbol, conditions): (&str, &str),
    (ts_recv, seq): (i64, u64),
    out: &mut Vec<u8>,
) {
    write_int(trade.ts_event, out);
    out.push(b',');
    write_field(symbol, out);
    out.push(b',');
    write_decimal(trade.price, out);
    out.push(b',');
    write_decimal(trade.size, out);
    out.push(b',');
    write_field(conditions, out);
    out.push(b',');
    write_int(ts_recv, out);
    out.push(b',');
    write_int(seq, out);
    out.push(b'\n');
}

fn write_json(
    trade: &Trade,
    (symbol, conditions): (&str, &str),
    (ts_recv, seq): (i64, u64),
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"{\"timestamp_ns\":");
    write_int(trade.ts_event, out);
    out.extend_from_slice(b",\"symbol\":");
    write_string(symbol, out);
    out.extend_from_slice(b",\"price\":\"");
    write_decimal(trade.price, out);
    out.extend_from_slice(b"\",\"size\":\"");
    write_decimal(trade.size, out);
    out.extend_from_slice(b"\",\"conditions\":");
    write_string(conditions, out);
    out.extend_from_slice(b",\"ts_recv_ns\":");
    write_int(ts_recv, out);
    out.extend_from_slice(b",\"seq\":");
    write_int(seq, out);
    out.extend_from_slice(b"}\n");
}
