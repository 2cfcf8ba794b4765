//! When the next event of each kind may be sent.
//!
//! The first event after a pause goes at once, the following ones at their distance: what a trader
//! sees is fresh, and ten a second is still the most.

use tokio::time::Instant;

use crate::hub::{Kind, Kinds, PUSH_DISTANCE};

/// When each kind may be sent again; in the order of [`Kind::ALL`].
#[derive(Debug)]
pub(super) struct Pace([Option<Instant>; Kind::ALL.len()]);

impl Pace {
    pub(super) fn new() -> Self {
        Self([None; Kind::ALL.len()])
    }

    /// What may be sent now.
    pub(super) fn due(&mut self, now: Instant) -> Kinds {
        let mut due = Kinds::default();
        for (kind, next) in Kind::ALL.into_iter().zip(&mut self.0) {
            if next.is_some_and(|next| next > now) {
                continue;
            }
            *next = None;
            due.insert(kind);
        }
        due
    }

    /// An event was sent now.
    pub(super) fn sent(&mut self, sent: Kind, now: Instant) {
        for (kind, next) in Kind::ALL.into_iter().zip(&mut self.0) {
            if kind == sent {
                *next = Some(now + PUSH_DISTANCE);
            }
        }
    }

    /// When the next kind becomes due; `None` when all are.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }
}
