//! A commit to come: its frames, encoded as they will stand in the file.

use crate::frame::{self, FRAME_HEADER_BYTES, FrameHeader, MAX_PAYLOAD_BYTES};
use crate::index::Entry;
use crate::segment::{FIRST_FRAME, Segment, SegmentHeader};

/// Most bytes of a commit: those of the largest frame.
pub(crate) const MAX_COMMIT_BYTES: usize = FRAME_HEADER_BYTES + MAX_PAYLOAD_BYTES as usize;

/// The frames of one commit, which are written at once.
///
/// Where they will stand is known when the batch is begun, because it depends on what comes before
/// them alone; so they can be encoded while the commit before is on its way to the device.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The segment that takes the frames. If it is not there yet, it is made for them.
    segment: SegmentHeader,
    /// Seeds the checksums of that segment's frames.
    seed: u32,
    /// Where in the segment the first frame begins.
    offset: u64,
    bytes: Vec<u8>,
    first_seq: u64,
    next_seq: u64,
    /// Greatest time of all frames before these.
    time_before: i64,
    /// Greatest time of all frames, these included.
    last_time: i64,
}

impl Batch {
    /// An empty one behind all that the last segment holds.
    pub(crate) fn at_end(segment: &Segment, end_seq: u64, last_time: i64) -> Self {
        Batch {
            segment: segment.header,
            seed: segment.seed,
            offset: segment.bytes(),
            bytes: Vec::new(),
            first_seq: end_seq,
            next_seq: end_seq,
            time_before: last_time,
            last_time,
        }
    }

    /// An empty one behind this, whose frames are collected in `memory`. A segment that has reached
    /// `segment_bytes` takes no more commits.
    pub(crate) fn following(&self, segment_bytes: u64, mut memory: Vec<u8>) -> Self {
        memory.clear();
        let mut next = Batch {
            bytes: memory,
            offset: self.end(),
            first_seq: self.next_seq,
            time_before: self.last_time,
            ..*self
        };
        if next.offset > FIRST_FRAME && next.offset >= segment_bytes {
            next.segment = SegmentHeader {
                first_seq: next.first_seq,
                base_time: next.time_before,
                ..next.segment
            };
            (_, next.seed) = next.segment.encode();
            next.offset = FIRST_FRAME;
        }
        next
    }

    /// Adds a frame of `count` records and returns its first sequence number. `len` is the length
    /// of `payload`, which was found valid, see [`frame::check`].
    pub(crate) fn append(&mut self, time: i64, (count, len): (u32, u32), payload: &[u8]) -> u64 {
        let header = FrameHeader {
            len,
            seq: self.next_seq,
            time,
            count,
            back: u32::try_from(self.bytes.len()).expect("a commit is below 4 GiB"),
        };
        frame::encode(&header, payload, self.seed, &mut self.bytes);
        self.next_seq = header.end_seq();
        self.last_time = self.last_time.max(time);
        header.seq
    }

    /// Whether a payload of so many bytes fits into a commit of `most` bytes. One always fits.
    pub(crate) fn has_room(&self, payload_bytes: usize, most: usize) -> bool {
        let bytes = self.bytes.len() + FRAME_HEADER_BYTES + payload_bytes;
        self.bytes.is_empty() || bytes <= most.min(MAX_COMMIT_BYTES)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The memory, to be used again.
    pub(crate) fn into_memory(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn segment(&self) -> SegmentHeader {
        self.segment
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Where in the segment the last frame ends.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    pub(crate) fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// The sequence number after the last frame.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Where a search may begin that looks for these frames.
    pub(crate) fn entry(&self) -> Entry {
        Entry {
            offset: self.offset,
            seq: self.first_seq,
            time_before: self.time_before,
        }
    }
}
