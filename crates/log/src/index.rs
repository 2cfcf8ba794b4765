//! Sparse index of a segment: about one entry for every 256 KiB, in memory only.
//!
//! The writer adds entries as it commits and readers add them as they pass, so a segment is read
//! from its start once at most, and nothing is kept on disk that could disagree with the frames.

/// Distance that entries keep from each other.
pub(crate) const INDEX_BYTES: u64 = 256 * 1024;

/// A frame from which reading may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where in the file the frame begins.
    pub(crate) offset: u64,
    /// Its first sequence number.
    pub(crate) seq: u64,
    /// The greatest time of all frames before it, those of earlier segments included.
    pub(crate) time_before: i64,
}

/// Entries in ascending order. Invariant: the first is the segment's first frame.
#[derive(Debug)]
pub(crate) struct SparseIndex {
    entries: Vec<Entry>,
}

impl SparseIndex {
    pub(crate) fn new(first_seq: u64, base_time: i64) -> Self {
        let offset = crate::segment::FIRST_FRAME;
        SparseIndex {
            entries: vec![Entry {
                offset,
                seq: first_seq,
                time_before: base_time,
            }],
        }
    }

    /// Keeps the entry unless another is near.
    pub(crate) fn note(&mut self, entry: Entry) {
        let place = self
            .entries
            .partition_point(|other| other.offset < entry.offset);
        let before = place
            .checked_sub(1)
            .and_then(|index| self.entries.get(index));
        let far_before = before.is_some_and(|other| entry.offset - other.offset >= INDEX_BYTES);
        let after = self.entries.get(place);
        let far_after = after.is_none_or(|other| other.offset - entry.offset >= INDEX_BYTES);
        if far_before && far_after {
            self.entries.insert(place, entry);
        }
    }

    /// The last entry at or before `seq`.
    pub(crate) fn before_seq(&self, seq: u64) -> Entry {
        self.last_where(|entry| entry.seq <= seq)
    }

    /// The last entry before which no frame reaches `time`.
    pub(crate) fn before_time(&self, time: i64) -> Entry {
        self.last_where(|entry| entry.time_before < time)
    }

    fn last_where(&self, holds: impl Fn(&Entry) -> bool) -> Entry {
        let place = self.entries.partition_point(holds).saturating_sub(1);
        *self
            .entries
            .get(place)
            .expect("the first entry is always there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_distance_and_are_found() {
        let mut index = SparseIndex::new(100, 5);
        let far = 64 + INDEX_BYTES;
        index.note(Entry {
            offset: far,
            seq: 200,
            time_before: 10,
        });
        index.note(Entry {
            offset: far + 1,
            seq: 201,
            time_before: 10,
        });
        index.note(Entry {
            offset: 65,
            seq: 101,
            time_before: 6,
        });
        index.note(Entry {
            offset: far + INDEX_BYTES,
            seq: 300,
            time_before: 20,
        });
        assert_eq!(index.entries.len(), 3);
        assert_eq!(index.before_seq(100).seq, 100);
        assert_eq!(index.before_seq(199).seq, 100);
        assert_eq!(index.before_seq(200).seq, 200);
        assert_eq!(index.before_seq(999).seq, 300);
        assert_eq!(index.before_time(5).seq, 100);
        assert_eq!(index.before_time(10).seq, 100);
        assert_eq!(index.before_time(11).seq, 200);
        assert_eq!(index.before_time(21).seq, 300);
    }
}
