//! What is emitted or noted but not saved yet, for those who read up to now.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stock_up_io::store::Gap;

use crate::hub::Row;
use crate::sink::Outlets;

/// Most points that are held; older ones are about to be saved.
const MAX_ROWS: usize = 400_000;

/// The newest points and gaps, and the sinks that are told of them.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    unsaved: Mutex<Unsaved>,
    outlets: Outlets,
}

#[derive(Debug, Default)]
struct Unsaved {
    /// Points with their numbers, in the order of their emission.
    rows: VecDeque<(u64, Arc<Row>)>,
    /// The newest state of gaps that changed, by their number.
    gaps: BTreeMap<u64, Gap>,
}

impl Recent {
    pub(crate) fn new(outlets: Outlets) -> Self {
        Self {
            unsaved: Mutex::default(),
            outlets,
        }
    }

    /// How far the sinks have come, as the store keeps it.
    pub(crate) fn cursors(&self) -> Vec<(&'static str, u64)> {
        self.outlets.cursors()
    }

    /// Adds points; `first` is the number of the first.
    pub(crate) fn push(&self, first: u64, rows: &[Arc<Row>]) {
        self.outlets.push(first, rows);
        let held = &mut self.lock().rows;
        held.extend((first..).zip(rows.iter().cloned()));
        let surplus = held.len().saturating_sub(MAX_ROWS);
        held.drain(..surplus);
    }

    /// A gap opened or closed.
    pub(crate) fn push_gap(&self, gap: Gap) {
        self.lock().gaps.insert(gap.id, gap);
    }

    /// Forgets the points before number `saved`, and `gaps`: they are in the store.
    pub(crate) fn saved(&self, saved: u64, gaps: &[Gap]) {
        self.outlets.saved(saved);
        let mut held = self.lock();
        while held.rows.front().is_some_and(|(number, _)| *number < saved) {
            held.rows.pop_front();
        }
        held.rows.shrink_to(1_024);
        for gap in gaps {
            if held.gaps.get(&gap.id) == Some(gap) {
                held.gaps.remove(&gap.id);
            }
        }
    }

    /// The points for which `wanted` says so, in the order of their emission.
    pub(crate) fn select(&self, wanted: impl Fn(&Row) -> bool) -> Vec<Arc<Row>> {
        let held = self.lock();
        let rows = held.rows.iter().filter(|(_, row)| wanted(row));
        rows.map(|(_, row)| Arc::clone(row)).collect()
    }

    /// The gaps that are not in the store in this state.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        self.lock().gaps.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Unsaved> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
