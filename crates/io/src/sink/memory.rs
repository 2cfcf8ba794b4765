//! A sink in memory: the second implementation of the seam, for tests of what feeds sinks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use stock_up_core::{Point, Span};

use super::{Sink, SinkError, Written};
use crate::store::PointRow;

/// Symbol, window and time: what names a point.
pub type PointName = (Arc<str>, Span, i64);

/// Keeps the last write of every point; a clone is another handle to the same points.
#[derive(Debug, Clone, Default)]
pub struct MemorySink(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    points: BTreeMap<PointName, Point>,
    fails: Option<SinkError>,
}

impl MemorySink {
    /// What is held.
    pub fn points(&self) -> BTreeMap<PointName, Point> {
        self.with(|held| held.points.clone())
    }

    /// Makes all writes fail so, or lets them succeed again.
    pub fn fail(&self, error: Option<SinkError>) {
        self.with(|held| held.fails = error);
    }

    fn with<T>(&self, ask: impl FnOnce(&mut Held) -> T) -> T {
        ask(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, batch: &[PointRow]) -> Result<Written, SinkError> {
        self.with(|held| {
            if let Some(error) = &held.fails {
                return Err(error.clone());
            }
            for row in batch {
                let name = (Arc::clone(&row.symbol), row.point.window, row.point.time);
                held.points.insert(name, row.point.clone());
            }
            Ok(Written {
                written: batch.len() as u64,
                ..Written::default()
            })
        })
    }
}

impl Sink<PointRow> for MemorySink {
    fn write(
        &mut self,
        batch: &[PointRow],
    ) -> impl Future<Output = Result<Written, SinkError>> + Send {
        std::future::ready(self.put(batch))
    }

    fn batch_items(&self) -> usize {
        1_000
    }
}
