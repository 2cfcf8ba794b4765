//! A reader follows the log from a position, below the durable end.

use std::io;
use std::sync::Arc;

use crate::error::{Damage, Error};
use crate::frame::{Frame, FrameHeader};
use crate::index::{Entry, INDEX_BYTES};
use crate::segment::Segment;
use crate::shared::Shared;
use crate::storage::Access;
use crate::window::{Step, Window};

/// Hands out frames in order. Dropping it has no effect on the log.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    /// Frames that end at or before this are passed over.
    seq: u64,
    cursor: Option<Cursor>,
}

/// A place in a segment.
#[derive(Debug)]
struct Cursor {
    window: Window,
    /// Sequence number of the frame at the window's position.
    frame_seq: u64,
    /// Greatest time of all frames before that position.
    time_before: i64,
    /// Durable length of the segment as last looked up.
    limit: u64,
    /// From here on the next frame goes into the segment's index.
    note_from: u64,
}

impl Reader {
    pub(crate) fn at_seq(shared: Arc<Shared>, seq: u64) -> Result<Self, Error> {
        shared.state().segment_of(seq)?;
        Ok(Reader {
            shared,
            seq,
            cursor: None,
        })
    }

    pub(crate) fn at_time(shared: Arc<Shared>, time: i64) -> Result<Self, Error> {
        let entry = {
            let state = shared.state();
            // The first segment whose successor begins with that time reached.
            let later = state.segments.iter().skip(1);
            let index = later
                .take_while(|next| next.header.base_time < time)
                .count();
            state
                .segments
                .get(index)
                .map(|segment| segment.index().before_time(time))
        };
        let seq = entry.map_or(shared.durable(), |entry| entry.seq);
        let mut reader = Reader {
            shared,
            seq,
            cursor: None,
        };
        while let Some(header) = reader.load()? {
            if header.time >= time {
                break;
            }
            reader.pass(&header);
        }
        Ok(reader)
    }

    /// The next frame, or `None` if nothing more is durable yet. Its payload is read in place and
    /// checked.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Error> {
        let Some(header) = self.load()? else {
            return Ok(None);
        };
        self.pass(&header);
        let cursor = self
            .cursor
            .as_ref()
            .expect("load leaves a cursor with a frame");
        let payload = cursor.window.payload_before(&header);
        let FrameHeader {
            seq, count, time, ..
        } = header;
        Ok(Some(Frame {
            seq,
            count,
            time,
            payload,
        }))
    }

    /// The sequence number from which reading goes on.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Finds and checks the frame that holds `self.seq`, and leaves the window in front of it.
    fn load(&mut self) -> Result<Option<FrameHeader>, Error> {
        loop {
            let Some(cursor) = &mut self.cursor else {
                match self.locate()? {
                    Some(cursor) => self.cursor = Some(cursor),
                    None => return Ok(None),
                }
                continue;
            };
            match cursor.window.step(cursor.frame_seq, cursor.limit)? {
                Step::Frame(header) if header.end_seq() > self.seq => return Ok(Some(header)),
                Step::Frame(header) => cursor.pass(&header),
                Step::Bad(damage) => {
                    let offset = cursor.window.position();
                    return Err(Error::corrupt(cursor.window.path(), offset, damage));
                }
                Step::End if self.extend()? => {}
                Step::End => return Ok(None),
            }
        }
    }

    fn pass(&mut self, header: &FrameHeader) {
        self.seq = header.end_seq();
        self.cursor
            .as_mut()
            .expect("a frame was found through it")
            .pass(header);
    }

    /// At the known end of the segment: more of it, the next segment, or `false` at the end of the
    /// log.
    fn extend(&mut self) -> Result<bool, Error> {
        let Some(cursor) = &mut self.cursor else {
            return Ok(true);
        };
        let bytes = cursor.window.segment().bytes();
        if bytes > cursor.limit {
            cursor.limit = bytes;
            return Ok(true);
        }
        if self.seq >= self.shared.durable() {
            return Ok(false);
        }
        // There is more, so it is here by now or in a later segment.
        let segment = match self.shared.state().segment_of(self.seq)? {
            Some(segment) => Arc::clone(segment),
            None => return Ok(false),
        };
        if segment.first_seq() != cursor.window.segment().first_seq() {
            self.cursor = None;
        } else if segment.bytes() > cursor.limit {
            cursor.limit = segment.bytes();
            // Re-opening the log has put a new description of the same file in place.
            cursor.window.set_segment(segment);
        } else {
            let damage = Damage::Hole {
                ends: cursor.frame_seq,
                next: self.seq + 1,
            };
            return Err(Error::corrupt(cursor.window.path(), cursor.limit, damage));
        }
        Ok(true)
    }

    /// A cursor at or before `self.seq`; `None` if that is not durable yet.
    fn locate(&self) -> Result<Option<Cursor>, Error> {
        loop {
            if self.seq >= self.shared.durable() {
                return Ok(None);
            }
            let segment = match self.shared.state().segment_of(self.seq)? {
                Some(segment) => Arc::clone(segment),
                None => return Ok(None),
            };
            match self.shared.storage.open(&segment.name(), Access::Read) {
                Ok(file) => {
                    let entry = segment.index().before_seq(self.seq);
                    let window = Window::new(Arc::clone(&segment), file, entry.offset);
                    return Ok(Some(Cursor::new(window, entry)));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.check_removed(&segment, error)?;
                }
                Err(error) => return Err(Error::io("open", &segment.path, error)),
            }
        }
    }

    /// A file that is not there is fine if retention has just removed it.
    fn check_removed(&self, missing: &Arc<Segment>, error: io::Error) -> Result<(), Error> {
        match self.shared.state().segment_of(self.seq)? {
            Some(segment) if Arc::ptr_eq(segment, missing) => {
                Err(Error::io("open", &missing.path, error))
            }
            _ => Ok(()),
        }
    }
}

impl Cursor {
    fn new(window: Window, entry: Entry) -> Self {
        Cursor {
            limit: window.segment().bytes(),
            window,
            frame_seq: entry.seq,
            time_before: entry.time_before,
            note_from: entry.offset + INDEX_BYTES,
        }
    }

    fn pass(&mut self, header: &FrameHeader) {
        let offset = self.window.position();
        if offset >= self.note_from {
            let (seq, time_before) = (self.frame_seq, self.time_before);
            self.window.segment().index().note(Entry {
                offset,
                seq,
                time_before,
            });
            self.note_from = offset + INDEX_BYTES;
        }
        self.window.advance(header);
        self.frame_seq = header.end_seq();
        self.time_before = self.time_before.max(header.time);
    }
}
