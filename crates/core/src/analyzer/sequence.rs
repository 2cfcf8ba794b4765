//! Which record comes next: none is missed, none counts twice.

use thiserror::Error;

use super::Analyzer;

/// Why a record cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// Records are missing; going on would lose trades silently.
    #[error("the log has a hole: expected sequence number {expected}, found {found}")]
    Hole {
        /// The number that comes next.
        expected: u64,
        /// The number of the record at hand.
        found: u64,
    },
    /// A record overlaps what was applied without being a repetition.
    #[error("record {first}..{end} overlaps what was applied up to {position}")]
    Overlap {
        /// First sequence number of the record.
        first: u64,
        /// The number after its last.
        end: u64,
        /// The number that comes next.
        position: u64,
    },
}

impl Analyzer {
    /// Whether a record is the next one; false for one that was applied before.
    pub(super) fn accept(&mut self, first: u64, count: u64) -> Result<bool, ApplyError> {
        let (end, position) = (first.saturating_add(count), self.position);
        if first == position {
            self.position = end;
            return Ok(true);
        }
        if end <= position {
            return Ok(false);
        }
        Err(match first {
            found if found > position => ApplyError::Hole {
                expected: position,
                found,
            },
            _ => ApplyError::Overlap {
                first,
                end,
                position,
            },
        })
    }
}
