//! The tail rule: how a torn tail is told from corruption.
//!
//! At the first bad frame of the last segment:
//!
//! - if a sound frame further on belongs to a commit that began after the bad frame, the bad frame
//!   had been committed. That is corruption and is refused;
//! - otherwise everything from there on belongs to a commit that never finished: a torn tail.

use std::sync::Arc;

use crate::error::{Damage, Error};
use crate::frame::FrameHeader;
use crate::index::Entry;
use crate::segment::{FIRST_FRAME, Segment};
use crate::storage::{Access, Storage};
use crate::window::{Step, Window};

/// Where the sound frames of the last segment end.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Where in the file they end.
    pub(crate) end: u64,
    /// The sequence number after them.
    pub(crate) end_seq: u64,
    /// Greatest time of all frames up to there.
    pub(crate) last_time: i64,
    /// Where in the file the last commit begins; 0 if there are no frames.
    pub(crate) last_commit: u64,
}

/// Reads the last segment from its first frame on.
pub(crate) fn scan(storage: &Arc<dyn Storage>, last: &Arc<Segment>) -> Result<Tail, Error> {
    let file = storage.open(&last.name(), Access::Read);
    let file = file.map_err(|source| Error::io("open", &last.path, source))?;
    let limit = last.bytes();
    let mut window = Window::new(Arc::clone(last), file, FIRST_FRAME);
    let mut tail = Tail {
        end: FIRST_FRAME,
        end_seq: last.first_seq(),
        last_time: last.header.base_time,
        last_commit: 0,
    };
    loop {
        let offset = window.position();
        tail.end = offset;
        match window.step(tail.end_seq, limit)? {
            Step::Frame(header) => {
                let (seq, time_before) = (tail.end_seq, tail.last_time);
                last.index().note(Entry {
                    offset,
                    seq,
                    time_before,
                });
                tail.end_seq = header.end_seq();
                tail.last_time = tail.last_time.max(header.time);
                tail.last_commit = offset - u64::from(header.back);
                window.advance(&header);
            }
            Step::End => return Ok(tail),
            Step::Bad(damage) => {
                refuse_corruption(&mut window, tail.end_seq, limit, damage)?;
                return Ok(tail);
            }
        }
    }
}

/// Tells damage to committed bytes from an unfinished commit at the end. The window is at the bad
/// frame, which should have taken `expected_seq`.
pub(crate) fn refuse_corruption(
    window: &mut Window,
    expected_seq: u64,
    limit: u64,
    damage: Damage,
) -> Result<(), Error> {
    let bad = window.position();
    let error = Error::corrupt(window.path(), bad, damage);
    // A whole frame that has another number was put there by something else.
    if matches!(damage, Damage::Sequence { .. } | Damage::CommitStart { .. }) {
        return Err(error);
    }
    let committed_later =
        |offset: u64, header: &FrameHeader| offset.saturating_sub(u64::from(header.back)) > bad;
    match window.find(expected_seq, limit, committed_later)? {
        Some(_) => Err(error),
        None => Ok(()),
    }
}
