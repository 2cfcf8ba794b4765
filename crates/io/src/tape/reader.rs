//! Reading a tape, a batch at a time, through one buffer.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{io, mem};

use stock_up_core::TradeBatch;
use stock_up_core::trade::MAX_BATCH_TRADES;

use super::error::{RowProblem, TapeError, shown};
use super::header::Columns;
use super::row::Rows;
use super::source::Source;
use super::split::{Fields, Split};

/// Rows of a batch unless told otherwise: their trades fit in the second-level cache.
pub const DEFAULT_BATCH_ROWS: usize = 4_096;

const BUFFER_BYTES: usize = 256 << 10;

/// Longest row, with all its lines.
const MAX_ROW_BYTES: usize = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads trades from a file in the order of its rows.
pub struct TapeReader {
    source: Source,
    buffer: Vec<u8>,
    /// Start of the next row.
    at: usize,
    /// End of the last whole line.
    whole: usize,
    /// End of what was read.
    filled: usize,
    /// Everything was read; the last line has its end.
    ended: bool,
    /// The line of the next row, from 1.
    line: u64,
    rows: Rows,
    fields: Fields,
    batch_rows: usize,
}

impl fmt::Debug for TapeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapeReader")
            .field("file", &self.source.name)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

impl TapeReader {
    /// Opens a trade file, or standard input for `-`, and reads its header.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TapeError> {
        Self::start(Source::open(path.as_ref())?)
    }

    /// Reads a trade file from `bytes`; `name` stands for the file in messages.
    pub fn from_bytes(
        name: &str,
        bytes: impl io::Read + Send + 'static,
    ) -> Result<Self, TapeError> {
        Self::start(Source::new(name.to_owned(), bytes, None)?)
    }

    /// The same reader with batches of up to `rows` trades.
    #[must_use]
    pub fn with_batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.clamp(1, MAX_BATCH_TRADES);
        self
    }

    /// Fills `batch` with the next trades; `false` when there are none. `ts_recv` of the batch is
    /// 0: a tape does not tell.
    pub fn next_batch(&mut self, batch: &mut TradeBatch) -> Result<bool, TapeError> {
        batch.clear();
        self.rows.begin();
        while batch.trades.len() < self.batch_rows {
            if self.at == self.whole && !self.fill()? {
                break;
            }
            self.take_rows(batch)?;
        }
        Ok(!batch.trades.is_empty())
    }

    /// Bytes taken from the file so far, compressed if it is; for a progress bar.
    pub fn bytes_read(&self) -> u64 {
        self.source.taken.load(Ordering::Relaxed)
    }

    /// The counter behind [`TapeReader::bytes_read`].
    pub(super) fn taken(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.source.taken)
    }

    /// Bytes of the file; `None` for a pipe.
    pub fn total_bytes(&self) -> Option<u64> {
        self.source.total
    }

    /// The line of the next row, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The file, for messages.
    pub fn name(&self) -> &str {
        &self.source.name
    }

    fn start(source: Source) -> Result<Self, TapeError> {
        let mut reader = Self {
            source,
            buffer: vec![0; BUFFER_BYTES],
            at: 0,
            whole: 0,
            filled: 0,
            ended: false,
            line: 1,
            rows: Rows::new(Columns {
                conditions: false,
                count: 4,
            }),
            fields: Fields::default(),
            batch_rows: DEFAULT_BATCH_ROWS,
        };
        reader.header()?;
        Ok(reader)
    }

    fn header(&mut self) -> Result<(), TapeError> {
        let file = || self.source.name.clone();
        let empty = TapeError::Empty { file: file() };
        if !self.fill()? {
            return Err(empty);
        }
        let lines = self.buffer.get(..self.whole).unwrap_or_default();
        let line = lines
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        self.at = line.len() + 1;
        self.line = 2;
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(columns) = Columns::parse(line) {
            self.rows = Rows::new(columns);
            return Ok(());
        }
        let wrong = TapeError::Header {
            file: self.source.name.clone(),
            found: shown(line),
        };
        let is_all = line.is_empty() && self.at == self.whole && !self.fill()?;
        Err(if is_all { empty } else { wrong })
    }

    /// Takes the whole lines of the buffer, as far as the batch has room.
    fn take_rows(&mut self, batch: &mut TradeBatch) -> Result<(), TapeError> {
        while batch.trades.len() < self.batch_rows {
            let rest = self.buffer.get(self.at..self.whole).unwrap_or_default();
            let taken = self.rows.fast(rest, batch).or(match rest {
                [b'\n', ..] => Some(1),
                [b'\r', b'\n', ..] => Some(2),
                _ => None,
            });
            match taken {
                Some(bytes) => {
                    self.at += bytes;
                    self.line += 1;
                }
                None if rest.is_empty() => break,
                None => self.take_unusual(batch)?,
            }
        }
        Ok(())
    }

    fn take_unusual(&mut self, batch: &mut TradeBatch) -> Result<(), TapeError> {
        let mut fields = mem::take(&mut self.fields);
        let (bytes, lines) = loop {
            let rest = self.buffer.get(self.at..self.whole).unwrap_or_default();
            match fields.split(rest) {
                Split::Row { bytes, lines } => break (bytes, lines),
                // The row goes on beyond the whole lines of the buffer.
                Split::OpenQuote if !self.ended => {
                    self.fill()?;
                }
                Split::OpenQuote => return Err(self.problem(RowProblem::OpenQuote)),
                Split::AfterQuote => return Err(self.problem(RowProblem::AfterQuote)),
            }
        };
        let taken = self.rows.slow(&fields, batch);
        self.fields = fields;
        taken.map_err(|problem| self.problem(problem))?;
        self.at += bytes;
        self.line += lines;
        Ok(())
    }

    /// Reads until there are more whole lines; `false` when there are none.
    fn fill(&mut self) -> Result<bool, TapeError> {
        let had = self.whole - self.at;
        self.buffer.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        self.whole = had;
        while !self.ended && self.whole == had {
            if self.filled >= MAX_ROW_BYTES {
                return Err(self.problem(RowProblem::TooLong));
            }
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let count = match self.source.bytes.read(free) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failed(error)),
            };
            if count == 0 {
                self.end();
            }
            let fresh = self.filled..self.filled + count;
            let fresh_bytes = self.buffer.get(fresh.clone()).unwrap_or_default();
            if let Some(last) = memchr::memrchr(b'\n', fresh_bytes) {
                self.whole = fresh.start + last + 1;
            }
            self.filled += count;
        }
        Ok(self.whole > 0)
    }

    /// Gives the last line its end.
    fn end(&mut self) {
        self.ended = true;
        if self.whole < self.filled {
            self.buffer.truncate(self.filled);
            self.buffer.push(b'\n');
            self.filled += 1;
            self.whole = self.filled;
        }
    }

    fn problem(&self, problem: RowProblem) -> TapeError {
        TapeError::Row {
            file: self.source.name.clone(),
            line: self.line,
            problem,
        }
    }

    fn failed(&self, source: io::Error) -> TapeError {
        let (file, line) = (self.source.name.clone(), self.line - 1);
        if source.kind() == io::ErrorKind::UnexpectedEof {
            TapeError::Truncated { file, line }
        } else {
            TapeError::Read { file, line, source }
        }
    }
}

#[cfg(test)]
mod tests;
