//! A batch of points as line protocol, cut into lines that can be sent in any parts.

use std::collections::HashSet;
use std::sync::Arc;

use stock_up_core::Span;

use crate::store::PointRow;
use crate::text::influx::{write_seed, write_seed_without_volume, write_wide};

use super::super::DropCause;
use super::dead_letters::DeadLetter;
use super::settings::Layout;

/// The lines of a batch.
#[derive(Debug, Default)]
pub(super) struct Lines {
    text: Vec<u8>,
    /// Where each line ends, its line end included.
    ends: Vec<usize>,
    /// What the layout cannot say.
    unwritable: Vec<(String, String)>,
}

impl Lines {
    /// The lines of `batch`, and how many of its points they say.
    pub(super) fn of(batch: &[PointRow], layout: Layout) -> (Self, u64) {
        let mut lines = Self::default();
        let mut written = 0;
        let superseded = superseded(batch);
        for (index, row) in batch.iter().enumerate() {
            if let Layout::Seed { window, .. } = layout
                && window != row.point.window
            {
                continue;
            }
            written += 1;
            if !superseded.contains(&index) {
                lines.add(row, layout);
            }
        }
        (lines, written)
    }

    fn add(&mut self, row: &PointRow, layout: Layout) {
        let (point, symbol) = (&row.point, &*row.symbol);
        let start = self.text.len();
        match layout {
            Layout::Wide => write_wide(point, symbol, &mut self.text),
            Layout::Seed { volume, .. } => {
                if let Err(error) = write_seed(point, symbol, volume, &mut self.text) {
                    write_seed_without_volume(point, symbol, &mut self.text);
                    let what = format!("volume of `{symbol}` at {} ns", point.time);
                    self.unwritable.push((what, error.to_string()));
                }
            }
        }
        let added = self.text.get(start..).unwrap_or_default();
        let ends = memchr::memchr_iter(b'\n', added).map(|end| start + end + 1);
        self.ends.extend(ends);
    }

    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// All lines in parts of at most `most`, the first part last.
    pub(super) fn ranges(&self, most: usize) -> Vec<(usize, usize)> {
        let count = self.count();
        let parts = (0..count).step_by(most.max(1));
        parts
            .map(|from| (from, (from + most).min(count)))
            .rev()
            .collect()
    }

    /// The text of lines `from` to `to`.
    pub(super) fn text(&self, from: usize, to: usize) -> &[u8] {
        self.text
            .get(self.start(from)..self.start(to))
            .unwrap_or_default()
    }

    /// One line without its line end.
    pub(super) fn line(&self, index: usize) -> String {
        let line = self.text(index, index + 1);
        String::from_utf8_lossy(line)
            .trim_end_matches('\n')
            .to_owned()
    }

    /// What the layout cannot say, as it is kept.
    pub(super) fn unwritable(&self) -> Vec<DeadLetter> {
        let letter = |(line, reason): &(String, String)| DeadLetter {
            cause: DropCause::Refused,
            reason: reason.clone(),
            line: line.clone(),
        };
        self.unwritable.iter().map(letter).collect()
    }

    /// Brings the lines of each measurement together; those of one series stay in order.
    pub(super) fn sort_by_measurement(&mut self) {
        let mut order: Vec<usize> = (0..self.count()).collect();
        order.sort_by_key(|index| measurement(self.text(*index, index + 1)));
        let mut sorted = Self {
            unwritable: std::mem::take(&mut self.unwritable),
            ..Self::default()
        };
        for index in order {
            sorted.text.extend_from_slice(self.text(index, index + 1));
            sorted.ends.push(sorted.text.len());
        }
        *self = sorted;
    }

    fn start(&self, index: usize) -> usize {
        match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(self.text.len()),
            None => 0,
        }
    }
}

/// The name before the tags.
pub(super) fn measurement(line: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b',', b' ', line).unwrap_or(line.len());
    line.get(..end).unwrap_or_default()
}

/// Places of points that come again later in the batch: which of two lines for one point wins
/// within a request is not said by every version of the server.
fn superseded(batch: &[PointRow]) -> HashSet<usize> {
    let mut found = HashSet::new();
    if batch.iter().all(|row| row.point.revision == 0) {
        return found;
    }
    let mut seen: HashSet<(Arc<str>, Span, i64)> = HashSet::with_capacity(batch.len());
    for (index, row) in batch.iter().enumerate().rev() {
        let name = (Arc::clone(&row.symbol), row.point.window, row.point.time);
        if !seen.insert(name) {
            found.insert(index);
        }
    }
    found
}
