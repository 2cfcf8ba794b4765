//! Points as text, written in big pieces.

use std::fmt;
use std::io::Write;

use stock_up_core::Point;
use stock_up_io::text::Format;

use crate::failure::Outcome;

/// Text is written when there is so much of it.
const CHUNK_BYTES: usize = 256 << 10;

/// Points on their way from the analyzer.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) points: Vec<Point>,
    /// Names of symbols that were not named before, by their numbers.
    pub(super) names: Vec<String>,
}

/// Writes points.
pub(super) struct Sheet<'a> {
    format: Format,
    names: Vec<String>,
    text: Vec<u8>,
    out: &'a mut dyn Write,
}

impl fmt::Debug for Sheet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl<'a> Sheet<'a> {
    pub(super) fn new(format: Format, out: &'a mut dyn Write) -> Self {
        let mut text = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
        format.write_header(&mut text);
        Self {
            format,
            names: Vec::new(),
            text,
            out,
        }
    }

    pub(super) fn write(&mut self, rows: &Rows) -> Outcome {
        self.names.extend_from_slice(&rows.names);
        for point in &rows.points {
            let symbol = self.names.get(point.symbol.0 as usize);
            let symbol = symbol.expect("a symbol is named with its first point");
            self.format.write_point(point, symbol, &mut self.text)?;
            if self.text.len() >= CHUNK_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Writes what is held back.
    pub(super) fn finish(mut self) -> Outcome {
        self.flush()?;
        Ok(self.out.flush()?)
    }

    fn flush(&mut self) -> Outcome {
        self.out.write_all(&self.text)?;
        self.text.clear();
        Ok(())
    }
}
