//! A segment: its file name, its header, and what is known of it in memory.
//!
//! The header is 64 bytes at the start of the file, little-endian.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | 8 bytes | magic | `STKUPLOG` |
//! | 8 | u32 | version | format version of the segment |
//! | 16 | 16 bytes | source | identity of the log, the same in all its segments |
//! | 32 | u64 | first seq | sequence number of the first record, also in the file name |
//! | 40 | i64 | base time | greatest time of any frame before this segment, `i64::MIN` if none |
//! | 60 | u32 | crc | CRC32C of bytes 0..60; it also seeds the checksums of the frames |
//!
//! Bytes 12..16 and 48..60 are zero. Magic, version and checksum keep their place in every version,
//! so that a newer format is told from a damaged header.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Damage, Error};
use crate::frame::{get, put};
use crate::index::SparseIndex;
use crate::log::SourceId;

/// The format version that this release writes, and the newest it reads.
pub const FORMAT_VERSION: u32 = 1;

/// Size of the header.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 64;

/// Where the first frame begins.
pub(crate) const FIRST_FRAME: u64 = SEGMENT_HEADER_BYTES as u64;

const MAGIC: [u8; 8] = *b"STKUPLOG";
const CRC_OFFSET: usize = 60;

/// The file name of the segment that begins at `first_seq`.
pub(crate) fn file_name(first_seq: u64) -> String {
    format!("{first_seq:020}.log")
}

/// The first sequence number in a segment's file name; `None` for any other file.
pub(crate) fn parse_file_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log")?;
    let all_digits = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits {
        digits.parse().ok()
    } else {
        None
    }
}

/// The header's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) source: SourceId,
    pub(crate) first_seq: u64,
    pub(crate) base_time: i64,
}

impl SegmentHeader {
    /// The bytes, and the seed for the frames' checksums.
    pub(crate) fn encode(&self) -> ([u8; SEGMENT_HEADER_BYTES], u32) {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        put(&mut bytes, 0, &MAGIC);
        put(&mut bytes, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut bytes, 16, &self.source);
        put(&mut bytes, 32, &self.first_seq.to_le_bytes());
        put(&mut bytes, 40, &self.base_time.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..CRC_OFFSET]);
        put(&mut bytes, CRC_OFFSET, &crc.to_le_bytes());
        (bytes, crc)
    }

    /// The fields and the seed, from the beginning of the file at `path`.
    pub(crate) fn decode(bytes: &[u8], path: &Path) -> Result<(SegmentHeader, u32), Error> {
        let corrupt = |damage| Error::corrupt(path, 0, damage);
        let Some(header) = bytes.first_chunk::<SEGMENT_HEADER_BYTES>() else {
            let (needed, left) = (SEGMENT_HEADER_BYTES as u64, bytes.len() as u64);
            return Err(corrupt(Damage::CutShort { needed, left }));
        };
        if field::<8>(header, 0) != MAGIC {
            return Err(corrupt(Damage::Magic));
        }
        let expected = u32::from_le_bytes(field(header, CRC_OFFSET));
        let found = crc32c::crc32c(&header[..CRC_OFFSET]);
        if found != expected {
            return Err(corrupt(Damage::Checksum { found, expected }));
        }
        match u32::from_le_bytes(field(header, 8)) {
            1..=FORMAT_VERSION => {}
            0 => return Err(corrupt(Damage::Version { found: 0 })),
            found => {
                let (segment, supported) = (path.to_owned(), FORMAT_VERSION);
                return Err(Error::NewerFormat {
                    segment,
                    found,
                    supported,
                });
            }
        }
        let fields = SegmentHeader {
            source: field(header, 16),
            first_seq: u64::from_le_bytes(field(header, 32)),
            base_time: i64::from_le_bytes(field(header, 40)),
        };
        Ok((fields, expected))
    }
}

fn field<const N: usize>(header: &[u8; SEGMENT_HEADER_BYTES], offset: usize) -> [u8; N] {
    get(header, offset).expect("fields lie inside the header")
}

/// A segment as the log knows it. The last one grows, the others are sealed.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Where the file is, for messages.
    pub(crate) path: PathBuf,
    /// The header's fields.
    pub(crate) header: SegmentHeader,
    /// Seeds the checksums of the frames.
    pub(crate) seed: u32,
    /// Durable length of the file. Invariant: frames end exactly here.
    bytes: AtomicU64,
    /// Places from which a search may begin.
    index: Mutex<SparseIndex>,
}

impl Segment {
    pub(crate) fn new(path: PathBuf, header: SegmentHeader, seed: u32, bytes: u64) -> Self {
        let index = SparseIndex::new(header.first_seq, header.base_time);
        let bytes = AtomicU64::new(bytes);
        Segment {
            path,
            header,
            seed,
            bytes,
            index: Mutex::new(index),
        }
    }

    pub(crate) fn first_seq(&self) -> u64 {
        self.header.first_seq
    }

    pub(crate) fn name(&self) -> String {
        file_name(self.header.first_seq)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    pub(crate) fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Release);
    }

    pub(crate) fn index(&self) -> MutexGuard<'_, SparseIndex> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_round_trip_and_others_are_not_segments() {
        for seq in [0, 42, u64::MAX] {
            assert_eq!(parse_file_name(&file_name(seq)), Some(seq));
        }
        for other in [
            "LOCK",
            ".DS_Store",
            "42.log",
            "0000000000000000004x.log",
            "99999999999999999999.log",
        ] {
            assert_eq!(parse_file_name(other), None, "{other}");
        }
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_refused() {
        let header = SegmentHeader {
            source: [7; 16],
            first_seq: 42,
            base_time: -5,
        };
        let (bytes, seed) = header.encode();
        let path = Path::new("x.log");
        assert_eq!(
            SegmentHeader::decode(&bytes, path).expect("sound"),
            (header, seed)
        );
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = SegmentHeader::decode(&flipped, path).expect_err("refused");
            assert!(error.is_corrupt(), "bit {bit}: {error}");
        }
    }

    #[test]
    fn a_newer_format_is_named_and_not_called_corrupt() {
        let header = SegmentHeader {
            source: [7; 16],
            first_seq: 42,
            base_time: 0,
        };
        let (mut bytes, _) = header.encode();
        put(&mut bytes, 8, &3u32.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..CRC_OFFSET]);
        put(&mut bytes, CRC_OFFSET, &crc.to_le_bytes());
        let error = SegmentHeader::decode(&bytes, Path::new("x.log")).expect_err("refused");
        let text = "segment `x.log`: format 3 is newer than supported 1; upgrade stock-up";
        assert_eq!(error.to_string(), text);
    }
}
