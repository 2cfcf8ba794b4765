//! Frame codec: bytes to frames and back, pure.
//!
//! A frame is 32 bytes of header and a payload. All numbers are little-endian.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u32 | crc | CRC32C of all that follows, seeded with the segment header's checksum |
//! | 4 | u32 | len | payload bytes, `1..=MAX_PAYLOAD_BYTES`; zero is never valid |
//! | 8 | u64 | seq | the first sequence number that the frame takes |
//! | 16 | i64 | time | the caller's time of the frame |
//! | 24 | u32 | count | how many sequence numbers it takes, `1..=MAX_COUNT` |
//! | 28 | u32 | back | bytes from the start of its commit to the start of the frame |
//! | 32 | | payload | the caller's bytes |
//!
//! Seed and `back` are what recovery rests on: the seed makes a frame valid in its own segment
//! only, and `back` tells which bytes were durable before the frame was written
//! (`docs/formats/log.md`).

use crate::error::{Damage, Error};

/// The largest payload of a frame.
pub const MAX_PAYLOAD_BYTES: u32 = 16 * 1024 * 1024;

/// The most sequence numbers that one frame may take.
pub const MAX_COUNT: u32 = 1 << 24;

/// Size of a frame without its payload.
pub(crate) const FRAME_HEADER_BYTES: usize = 32;

/// A frame as a reader hands it out. The payload lives until the reader moves on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The first sequence number of the frame.
    pub seq: u64,
    /// How many sequence numbers the frame takes: the next frame begins at `seq + count`.
    pub count: u32,
    /// The caller's time.
    pub time: i64,
    /// The caller's bytes.
    pub payload: &'a [u8],
}

/// The fields of a frame whose checksum has been verified, or which is about to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) len: u32,
    pub(crate) seq: u64,
    pub(crate) time: i64,
    pub(crate) count: u32,
    pub(crate) back: u32,
}

impl FrameHeader {
    /// Bytes that the frame takes on disk.
    pub(crate) fn total(&self) -> usize {
        FRAME_HEADER_BYTES + self.len as usize
    }

    /// The sequence number after the frame.
    pub(crate) fn end_seq(&self) -> u64 {
        self.seq.saturating_add(u64::from(self.count))
    }
}

/// What the bytes at a place are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// A sound frame.
    Frame(FrameHeader),
    /// The beginning of something that may be a frame of this many bytes in all.
    NeedMore(usize),
    /// Not a frame.
    Bad(Damage),
}

/// Refuses what cannot become a frame.
pub(crate) fn check(count: u32, payload_bytes: usize) -> Result<u32, Error> {
    if !(1..=MAX_COUNT).contains(&count) {
        return Err(Error::FrameCount { count });
    }
    match u32::try_from(payload_bytes) {
        Ok(len @ 1..=MAX_PAYLOAD_BYTES) => Ok(len),
        _ => Err(Error::PayloadSize {
            bytes: payload_bytes,
        }),
    }
}

/// Appends the frame to `out`. `header.len` is the length of `payload`.
pub(crate) fn encode(header: &FrameHeader, payload: &[u8], seed: u32, out: &mut Vec<u8>) {
    debug_assert_eq!(header.len as usize, payload.len(), "len is the payload's");
    let mut fields = [0; FRAME_HEADER_BYTES];
    put(&mut fields, 4, &header.len.to_le_bytes());
    put(&mut fields, 8, &header.seq.to_le_bytes());
    put(&mut fields, 16, &header.time.to_le_bytes());
    put(&mut fields, 24, &header.count.to_le_bytes());
    put(&mut fields, 28, &header.back.to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c_append(seed, &fields[4..]), payload);
    put(&mut fields, 0, &crc.to_le_bytes());
    out.extend_from_slice(&fields);
    out.extend_from_slice(payload);
}

/// Looks at the beginning of `bytes`. Nothing is allocated and no length is trusted.
pub(crate) fn decode(bytes: &[u8], seed: u32) -> Decoded {
    let Some((crc, header)) = peek(bytes) else {
        return Decoded::NeedMore(FRAME_HEADER_BYTES);
    };
    if !(1..=MAX_PAYLOAD_BYTES).contains(&header.len) {
        return Decoded::Bad(Damage::Length { found: header.len });
    }
    let Some(covered) = bytes.get(4..header.total()) else {
        return Decoded::NeedMore(header.total());
    };
    let found = crc32c::crc32c_append(seed, covered);
    if found != crc {
        return Decoded::Bad(Damage::Checksum {
            found,
            expected: crc,
        });
    }
    if !(1..=MAX_COUNT).contains(&header.count) {
        return Decoded::Bad(Damage::Count {
            found: header.count,
        });
    }
    Decoded::Frame(header)
}

/// The checksum and fields as they stand there, unverified.
pub(crate) fn peek(bytes: &[u8]) -> Option<(u32, FrameHeader)> {
    let fields: &[u8; FRAME_HEADER_BYTES] = bytes.first_chunk()?;
    let header = FrameHeader {
        len: u32::from_le_bytes(get(fields, 4)?),
        seq: u64::from_le_bytes(get(fields, 8)?),
        time: i64::from_le_bytes(get(fields, 16)?),
        count: u32::from_le_bytes(get(fields, 24)?),
        back: u32::from_le_bytes(get(fields, 28)?),
    };
    Some((u32::from_le_bytes(get(fields, 0)?), header))
}

/// Whether length and count are such as a frame can have.
pub(crate) fn has_valid_sizes(header: &FrameHeader) -> bool {
    (1..=MAX_PAYLOAD_BYTES).contains(&header.len) && (1..=MAX_COUNT).contains(&header.count)
}

/// `N` bytes at `offset`.
pub(crate) fn get<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

/// Writes `value` at `offset`, which lies inside `bytes` by construction.
pub(crate) fn put(bytes: &mut [u8], offset: usize, value: &[u8]) {
    let place = bytes.get_mut(offset..offset + value.len());
    place
        .expect("fields lie inside their array")
        .copy_from_slice(value);
}

#[cfg(test)]
mod tests;
