//! Points that are emitted but not saved yet, for those who read a series up to now.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::hub::Row;

/// Most points that are held; older ones are about to be saved.
const MAX_ROWS: usize = 400_000;

/// The newest points, in the order of their emission.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<VecDeque<(u64, Arc<Row>)>>);

impl Recent {
    /// Adds points; `first` is the number of the first.
    pub(crate) fn push(&self, first: u64, rows: &[Arc<Row>]) {
        let mut held = self.lock();
        held.extend((first..).zip(rows.iter().cloned()));
        let surplus = held.len().saturating_sub(MAX_ROWS);
        held.drain(..surplus);
    }

    /// Forgets the points before number `saved`: they are in the store.
    pub(crate) fn saved(&self, saved: u64) {
        let mut held = self.lock();
        while held.front().is_some_and(|(number, _)| *number < saved) {
            held.pop_front();
        }
        held.shrink_to(1_024);
    }

    /// The points for which `wanted` says so, in the order of their emission.
    pub(crate) fn select(&self, wanted: impl Fn(&Row) -> bool) -> Vec<Arc<Row>> {
        self.lock()
            .iter()
            .filter(|(_, row)| wanted(row))
            .map(|(_, row)| Arc::clone(row))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, Arc<Row>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
