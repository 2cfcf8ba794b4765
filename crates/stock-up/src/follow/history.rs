//! The stored series of several partitions, as one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use stock_up_core::partition::partition_of;
use stock_up_io::store::Gap;

use super::origin::Origin;
use crate::run::history::Stored;
use crate::serve::{GapQuery, History, SeriesPage, SeriesQuery};

/// What the partitions of this process have stored; a clone is another handle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Partitioned(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    /// Into how many the log is split.
    partitions: u32,
    parts: BTreeMap<u32, Arc<Stored>>,
    /// The one that tells of gaps, which all of them see.
    teller: Option<u32>,
}

impl Partitioned {
    /// Adds a partition; the answer is whether it tells of gaps.
    pub(super) fn add(&self, origin: &Origin, stored: Stored) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.partitions = origin.partitions;
        held.parts.insert(origin.partition, Arc::new(stored));
        *held.teller.get_or_insert(origin.partition) == origin.partition
    }

    /// Forgets a partition that went to somebody else.
    pub(super) fn remove(&self, partition: u32) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.parts.remove(&partition);
        if held.teller == Some(partition) {
            held.teller = None;
        }
    }

    fn of(&self, symbol: &str) -> Option<Arc<Stored>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let partition = partition_of(symbol, held.partitions);
        held.parts.get(&partition).cloned()
    }

    fn teller(&self) -> Option<Arc<Stored>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let partition = held.teller.or(held.parts.keys().next().copied());
        partition.and_then(|partition| held.parts.get(&partition).cloned())
    }
}

impl History for Partitioned {
    fn series(&self, query: &SeriesQuery) -> anyhow::Result<SeriesPage> {
        self.of(&query.symbol)
            .map_or_else(|| Ok(SeriesPage::default()), |part| part.series(query))
    }

    fn gaps(&self, query: &GapQuery) -> anyhow::Result<Vec<Gap>> {
        self.teller()
            .map_or_else(|| Ok(Vec::new()), |part| part.gaps(query))
    }

    fn knows(&self, symbol: &str) -> anyhow::Result<bool> {
        self.of(symbol).map_or(Ok(false), |part| part.knows(symbol))
    }
}
