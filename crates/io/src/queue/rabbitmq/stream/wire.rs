//! The primitives of RabbitMQ's stream protocol: big-endian integers, strings, lists.
//!
//! Invariant: a length that was read is compared with what is there before it is used, so nothing
//! is allocated and nothing is indexed on the word of the other side.

use thiserror::Error;

/// Bytes that are not what the protocol says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("malformed {0}")]
pub(super) struct Malformed(pub(super) &'static str);

/// What is still to be read of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    left: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, which should be `what`.
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { left: bytes, what }
    }

    fn malformed(self) -> Malformed {
        Malformed(self.what)
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let split = self.left.split_at_checked(count);
        let (taken, left) = split.ok_or_else(|| self.malformed())?;
        self.left = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let malformed = self.malformed();
        self.take(N)?.try_into().map_err(|_| malformed)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    /// A length of 32 bits and so many bytes.
    pub(super) fn block(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u32()?;
        self.take(usize::try_from(length).map_err(|_| self.malformed())?)
    }

    /// A text of at most 32 KiB; none counts as empty.
    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = self.u16()?;
        if length == u16::MAX {
            return Ok("");
        }
        let bytes = self.take(usize::from(length))?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed())
    }

    /// How many items follow, each of `size` bytes or more.
    pub(super) fn count(&mut self, size: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.u32()?).map_err(|_| self.malformed())?;
        if count > self.left.len() / size.max(1) {
            return Err(self.malformed());
        }
        Ok(count)
    }

    /// Everything that is left.
    pub(super) fn rest(self) -> &'a [u8] {
        self.left
    }
}

/// Appends to a frame.
pub(super) trait Put {
    fn put_u16(&mut self, value: u16);
    fn put_u32(&mut self, value: u32);
    fn put_u64(&mut self, value: u64);
    /// A text; one that is too long for the protocol is cut.
    fn put_text(&mut self, text: &str);
    fn put_block(&mut self, bytes: &[u8]);
}

impl Put for Vec<u8> {
    fn put_u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_text(&mut self, text: &str) {
        let length = text.floor_char_boundary(usize::from(i16::MAX.unsigned_abs()));
        self.put_u16(u16::try_from(length).unwrap_or_default());
        self.extend_from_slice(&text.as_bytes()[..length]);
    }

    fn put_block(&mut self, bytes: &[u8]) {
        self.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.extend_from_slice(bytes);
    }
}
