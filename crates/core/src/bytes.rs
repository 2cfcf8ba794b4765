//! Bytes in and out: the few primitives of which records and checkpoints are made.
//!
//! Unsigned numbers are LEB128 varints, signed ones zigzag first. Reading never panics and never
//! allocates by a length that the remaining input cannot hold.

use thiserror::Error;

/// Why bytes cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BytesError {
    /// The input ends within a value.
    #[error("input ends at byte {at} within {what}")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Position in the input.
        at: usize,
    },
    /// A value that cannot stand there.
    #[error("bad {what} at byte {at}")]
    Invalid {
        /// What was being read.
        what: &'static str,
        /// Position in the input.
        at: usize,
    },
    /// Bytes are left where the input should end.
    #[error("{0} bytes are left after the end")]
    Trailing(usize),
}

/// Appends values to a buffer.
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Encoder<'a> {
    /// Appends to `out`.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// One byte.
    pub fn byte(&mut self, value: u8) {
        self.out.push(value);
    }

    /// An unsigned number.
    pub fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.out.push(value.to_le_bytes()[0]);
    }

    /// A signed number.
    pub fn signed(&mut self, value: i64) {
        self.unsigned((value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
    }

    /// A length or count.
    pub fn count(&mut self, value: usize) {
        self.unsigned(value as u64);
    }

    /// A text with its length.
    pub fn text(&mut self, value: &str) {
        self.count(value.len());
        self.out.extend_from_slice(value.as_bytes());
    }
}

/// Reads values from a slice.
#[derive(Debug, Clone, Copy)]
pub struct Decoder<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    /// Reads from the start of `input`.
    pub fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0 }
    }

    /// The position that is read next.
    pub fn position(&self) -> usize {
        self.at
    }

    /// An error for the value just read.
    pub fn invalid(&self, what: &'static str) -> BytesError {
        BytesError::Invalid { what, at: self.at }
    }

    /// One byte.
    ///
    /// # Errors
    /// At the end of the input.
    pub fn byte(&mut self, what: &'static str) -> Result<u8, BytesError> {
        let byte = self
            .input
            .get(self.at)
            .ok_or(BytesError::Truncated { what, at: self.at })?;
        self.at += 1;
        Ok(*byte)
    }

    /// An unsigned number.
    ///
    /// # Errors
    /// At the end of the input, and for more than 64 bits.
    pub fn unsigned(&mut self, what: &'static str) -> Result<u64, BytesError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(what)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(self.invalid(what));
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.invalid(what))
    }

    /// A signed number.
    ///
    /// # Errors
    /// As [`Decoder::unsigned`].
    pub fn signed(&mut self, what: &'static str) -> Result<i64, BytesError> {
        let raw = self.unsigned(what)?;
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    /// How many items follow, each of at least `item_bytes` bytes, at most `limit`.
    ///
    /// # Errors
    /// If the rest of the input cannot hold so many, or it is above the limit.
    pub fn count(
        &mut self,
        what: &'static str,
        item_bytes: usize,
        limit: usize,
    ) -> Result<usize, BytesError> {
        let value = usize::try_from(self.unsigned(what)?).map_err(|_| self.invalid(what))?;
        let room = (self.input.len() - self.at) / item_bytes.max(1);
        if value > limit || value > room {
            return Err(self.invalid(what));
        }
        Ok(value)
    }

    /// A text of at most `limit` bytes.
    ///
    /// # Errors
    /// If it is longer, cut off, or not UTF-8.
    pub fn text(&mut self, what: &'static str, limit: usize) -> Result<&'a str, BytesError> {
        let length = self.count(what, 1, limit)?;
        let bytes = self
            .input
            .get(self.at..self.at + length)
            .ok_or(self.invalid(what))?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.invalid(what))?;
        self.at += length;
        Ok(text)
    }

    /// A flag.
    ///
    /// # Errors
    /// For anything but 0 and 1.
    pub fn flag(&mut self, what: &'static str) -> Result<bool, BytesError> {
        match self.byte(what)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.invalid(what)),
        }
    }

    /// Says that the input ends here.
    ///
    /// # Errors
    /// If it does not.
    pub fn finish(self) -> Result<(), BytesError> {
        match self.input.len() - self.at {
            0 => Ok(()),
            left => Err(BytesError::Trailing(left)),
        }
    }
}
