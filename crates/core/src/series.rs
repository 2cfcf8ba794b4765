//! What has been emitted of one window: needed to number revisions.

use std::collections::BTreeMap;

/// The emitted grid times of one symbol and window, as far back as they can be revised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Emitted {
    /// Runs of emitted grid times, first to last, both included.
    pub(crate) runs: BTreeMap<i64, i64>,
    /// How often a time was emitted again.
    pub(crate) revisions: BTreeMap<i64, u32>,
}

impl Emitted {
    /// Notes that `time` is emitted, and gives the revision that it has.
    pub(crate) fn note(&mut self, time: i64, grid: i64) -> u32 {
        if self.contains(time) {
            let revision = self.revisions.entry(time).or_insert(0);
            *revision += 1;
            return *revision;
        }
        let first = match self.runs.range(..time).next_back() {
            Some((first, last)) if *last + grid == time => *first,
            _ => time,
        };
        let last = self.runs.remove(&(time + grid)).unwrap_or(time);
        self.runs.insert(first, last);
        0
    }

    pub(crate) fn contains(&self, time: i64) -> bool {
        self.runs
            .range(..=time)
            .next_back()
            .is_some_and(|(_, last)| *last >= time)
    }

    /// Forgets what is before `horizon`.
    pub(crate) fn forget(&mut self, horizon: i64, grid: i64) {
        while self
            .revisions
            .first_key_value()
            .is_some_and(|(time, _)| *time < horizon)
        {
            self.revisions.pop_first();
        }
        while let Some((first, last)) = self.runs.first_key_value().map(|(a, b)| (*a, *b)) {
            if first >= horizon {
                break;
            }
            self.runs.remove(&first);
            if last >= horizon {
                // Grid times are multiples of the grid: the run goes on at the first one kept.
                let kept = first + (horizon - first + grid - 1) / grid * grid;
                self.runs.insert(kept, last);
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_its_revisions_and_neighbours_join() {
        let mut emitted = Emitted::default();
        assert_eq!(emitted.note(10, 10), 0);
        assert_eq!(emitted.note(30, 10), 0);
        assert_eq!(emitted.note(20, 10), 0);
        assert_eq!(emitted.runs, BTreeMap::from([(10, 30)]));
        assert_eq!(emitted.note(20, 10), 1);
        assert_eq!(emitted.note(20, 10), 2);
        assert!(!emitted.contains(40));
    }

    #[test]
    fn what_is_too_old_to_revise_is_forgotten() {
        let mut emitted = Emitted::default();
        for time in (10..=100).step_by(10) {
            emitted.note(time, 10);
        }
        emitted.note(20, 10);
        emitted.forget(45, 10);
        assert_eq!(emitted.runs, BTreeMap::from([(50, 100)]));
        assert!(emitted.revisions.is_empty());
        emitted.forget(101, 10);
        assert!(emitted.runs.is_empty());
    }
}
