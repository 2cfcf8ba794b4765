//! Retention: whole segments are removed, oldest first, by size and by age.

use std::sync::Arc;

use crate::error::{Error, Fault};
use crate::segment::Segment;
use crate::shared::{Shared, State};

/// What may be removed. Either limit suffices for a segment to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// The log may be this large; what is older goes.
    pub max_bytes: Option<u64>,
    /// Segments whose frames are all older than this time go.
    pub min_time: Option<i64>,
}

/// What has been removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// How many segments.
    pub segments: usize,
    /// Their size.
    pub bytes: u64,
    /// The first sequence number that is left.
    pub first_seq: u64,
}

/// Removes what `retention` allows.
///
/// Order matters: one segment at a time, each removal durable before the next begins. Otherwise a
/// crash could keep an older segment and lose a younger one, which is a hole.
pub(crate) fn retain(shared: &Shared, retention: &Retention) -> Result<Removed, Error> {
    let mut removed = Removed::default();
    loop {
        let segment = {
            let mut state = shared.state();
            state.check_writable()?;
            let oldest = take_oldest(&mut state, retention);
            removed.first_seq = state.segments.front().map_or(0, |first| first.first_seq());
            oldest
        };
        let Some(segment) = segment else {
            return Ok(removed);
        };
        if let Err(source) = shared.storage.remove(&segment.name()) {
            let error = Error::io("remove", &segment.path, source);
            shared.state().segments.push_front(segment);
            return Err(error);
        }
        if let Err(cause) = shared.storage.sync_dir() {
            return Err(shared.stop(Fault::new("sync", shared.storage.path(), cause)));
        }
        removed.segments += 1;
        removed.bytes += segment.bytes();
    }
}

/// Takes the oldest segment off the list if it may go.
fn take_oldest(state: &mut State, retention: &Retention) -> Option<Arc<Segment>> {
    let next = state.segments.get(1)?;
    let bytes: u64 = state.segments.iter().map(|segment| segment.bytes()).sum();
    let too_large = retention.max_bytes.is_some_and(|most| bytes > most);
    // The next segment's base time is the greatest time up to its beginning.
    let too_old = retention
        .min_time
        .is_some_and(|time| next.header.base_time < time);
    if too_large || too_old {
        state.segments.pop_front()
    } else {
        None
    }
}
