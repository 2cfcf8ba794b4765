//! A buffered view of one segment file that moves forward frame by frame.
//!
//! Reading, recovery and verification all look at frames through this window, so there is one place
//! that decides what a sound frame is.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Damage, Error};
use crate::frame::{self, Decoded, FRAME_HEADER_BYTES, FrameHeader};
use crate::segment::{FIRST_FRAME, Segment};
use crate::storage::StorageFile;

/// How much is read at once.
const READ_BYTES: usize = 256 * 1024;

/// No segment takes so many sequence numbers; it tells frames from chance.
const MAX_SEQ_AHEAD: u64 = 1 << 48;

/// What is at the window's position.
#[derive(Debug)]
pub(crate) enum Step {
    /// A sound frame, wholly buffered.
    Frame(FrameHeader),
    /// The limit.
    End,
    /// Not the frame that belongs there.
    Bad(Damage),
}

/// The buffered bytes `start..end` are those of the file from `position` on.
#[derive(Debug)]
pub(crate) struct Window {
    segment: Arc<Segment>,
    file: Arc<dyn StorageFile>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    position: u64,
}

impl Window {
    pub(crate) fn new(segment: Arc<Segment>, file: Arc<dyn StorageFile>, position: u64) -> Self {
        let buffer = vec![0; READ_BYTES];
        Window {
            segment,
            file,
            buffer,
            start: 0,
            end: 0,
            position,
        }
    }

    /// Another window at the same place, to look ahead.
    pub(crate) fn probe(&self) -> Self {
        Window::new(
            Arc::clone(&self.segment),
            Arc::clone(&self.file),
            self.position,
        )
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// The same file as described after the log was re-opened.
    pub(crate) fn set_segment(&mut self, segment: Arc<Segment>) {
        self.segment = segment;
    }

    /// Where in the file the next frame begins.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Looks at the frame at the position, which takes `expected_seq` if it is the right one, in a
    /// file that ends at `limit`.
    pub(crate) fn step(&mut self, expected_seq: u64, limit: u64) -> Result<Step, Error> {
        if self.position >= limit {
            return Ok(Step::End);
        }
        let header = match self.decode(limit)? {
            Ok(header) => header,
            Err(damage) => return Ok(Step::Bad(damage)),
        };
        if header.seq != expected_seq {
            let (found, expected) = (header.seq, expected_seq);
            return Ok(Step::Bad(Damage::Sequence { found, expected }));
        }
        Ok(Step::Frame(header))
    }

    /// The payload of the frame that [`Window::advance`] has just passed: it is still buffered.
    pub(crate) fn payload_before(&self, header: &FrameHeader) -> &[u8] {
        let from = self.start - header.len as usize;
        self.buffer
            .get(from..self.start)
            .expect("step has buffered the frame")
    }

    /// Moves past the frame that [`Window::step`] has found.
    pub(crate) fn advance(&mut self, header: &FrameHeader) {
        self.skip(header.total());
    }

    /// The first sound frame after the position that takes a number from `expected_seq` on and that
    /// `wanted` accepts, given its place. The window ends up in front of it, or at the limit.
    pub(crate) fn find(
        &mut self,
        expected_seq: u64,
        limit: u64,
        wanted: impl Fn(u64, &FrameHeader) -> bool,
    ) -> Result<Option<FrameHeader>, Error> {
        while self.position < limit {
            self.fill(1 + FRAME_HEADER_BYTES, limit)?;
            if self.bytes().is_empty() {
                return Ok(None);
            }
            self.skip(1);
            let header = frame::peek(self.bytes()).map(|(_, header)| header);
            let candidate = header.filter(|header| is_plausible(header, expected_seq));
            if !candidate.is_some_and(|header| wanted(self.position, &header)) {
                continue;
            }
            if let Ok(header) = self.decode(limit)? {
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// The frame at the position whatever its sequence number.
    fn decode(&mut self, limit: u64) -> Result<Result<FrameHeader, Damage>, Error> {
        let left = limit - self.position;
        let mut needed = FRAME_HEADER_BYTES;
        loop {
            if needed as u64 > left {
                return Ok(Err(Damage::CutShort {
                    needed: needed as u64,
                    left,
                }));
            }
            self.fill(needed, limit)?;
            match frame::decode(self.bytes(), self.segment.seed) {
                Decoded::Bad(damage) => return Ok(Err(damage)),
                Decoded::Frame(header) => return Ok(self.check_back(header)),
                // The file is shorter than its limit says: someone else has cut it.
                Decoded::NeedMore(more) if more == needed && self.bytes().len() < needed => {
                    let left = self.bytes().len() as u64;
                    return Ok(Err(Damage::CutShort {
                        needed: needed as u64,
                        left,
                    }));
                }
                Decoded::NeedMore(more) => needed = more,
            }
        }
    }

    fn check_back(&self, header: FrameHeader) -> Result<FrameHeader, Damage> {
        let most = self.position - FIRST_FRAME;
        if u64::from(header.back) > most {
            return Err(Damage::CommitStart {
                found: header.back,
                most,
            });
        }
        Ok(header)
    }

    fn bytes(&self) -> &[u8] {
        self.buffer
            .get(self.start..self.end)
            .expect("start and end lie inside the buffer")
    }

    fn skip(&mut self, bytes: usize) {
        self.start += bytes;
        self.position += bytes as u64;
        debug_assert!(self.start <= self.end, "only what is buffered is skipped");
    }

    /// Buffers `wanted` bytes from the position on, or all there are before `limit`.
    fn fill(&mut self, wanted: usize, limit: u64) -> Result<(), Error> {
        let left = usize::try_from(limit - self.position).unwrap_or(usize::MAX);
        let have = self.end - self.start;
        if have >= wanted.min(left) {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, have);
        let target = wanted.max(READ_BYTES).min(left);
        if self.buffer.len() < target {
            self.buffer.resize(target, 0);
        }
        let into = self
            .buffer
            .get_mut(have..target)
            .expect("the buffer was grown to the target");
        let read = self.file.read_at(self.position + have as u64, into);
        self.end += read.map_err(|source| Error::io("read", self.path(), source))?;
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.segment.path
    }
}

/// Whether it is worth computing a checksum: most bytes that are not a frame fail here.
fn is_plausible(header: &FrameHeader, expected_seq: u64) -> bool {
    let ahead = header.seq.checked_sub(expected_seq);
    ahead.is_some_and(|ahead| ahead < MAX_SEQ_AHEAD) && frame::has_valid_sizes(header)
}
