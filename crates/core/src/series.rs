//! What has been emitted of one window: needed to number revisions.

use std::collections::BTreeMap;

use crate::prefetch::prefetch_item;

/// The emitted grid times of one symbol and window, as far back as they can be revised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Emitted {
    /// Runs of emitted grid times, first to last, both included, in order: nearly always one.
    pub(crate) runs: Vec<(i64, i64)>,
    /// How often a time was emitted again.
    pub(crate) revisions: BTreeMap<i64, u32>,
}

impl Emitted {
    /// Asks for it; see `analyzer/fetch.rs`.
    #[inline]
    pub(crate) fn fetch(&self) {
        prefetch_item(&self.runs, self.runs.len().saturating_sub(1));
    }

    /// Notes that `time` is emitted, and gives the revision that it has.
    #[inline]
    pub(crate) fn note(&mut self, time: i64, grid: i64) -> u32 {
        match self.runs.last_mut() {
            Some((_, last)) if *last + grid == time => {
                *last = time;
                0
            }
            _ => self.note_anywhere(time, grid),
        }
    }

    fn note_anywhere(&mut self, time: i64, grid: i64) -> u32 {
        if self.contains(time) {
            let revision = self.revisions.entry(time).or_insert(0);
            *revision += 1;
            return *revision;
        }
        let place = self.after(time);
        let (before, after) = self.runs.split_at(place);
        let joins_before = before.last().is_some_and(|(_, last)| *last + grid == time);
        let joins_after = after
            .first()
            .is_some_and(|(first, _)| time + grid == *first);
        let first = before
            .last()
            .filter(|_| joins_before)
            .map_or(time, |run| run.0);
        let last = after
            .first()
            .filter(|_| joins_after)
            .map_or(time, |run| run.1);
        let joined = place - usize::from(joins_before)..place + usize::from(joins_after);
        self.runs.splice(joined, [(first, last)]);
        0
    }

    pub(crate) fn contains(&self, time: i64) -> bool {
        let before = self.after(time).checked_sub(1);
        let run = before.and_then(|place| self.runs.get(place));
        run.is_some_and(|(_, last)| *last >= time)
    }

    /// How many runs begin at `time` or before.
    fn after(&self, time: i64) -> usize {
        self.runs.partition_point(|(first, _)| *first <= time)
    }

    /// Forgets what is before `horizon`.
    #[inline]
    pub(crate) fn forget(&mut self, horizon: i64, grid: i64) {
        while self
            .revisions
            .first_key_value()
            .is_some_and(|(time, _)| *time < horizon)
        {
            self.revisions.pop_first();
        }
        if self.runs.first().is_some_and(|(_, last)| *last < horizon) {
            self.runs.retain(|(_, last)| *last >= horizon);
        }
        if let Some((first, _)) = self.runs.first_mut().filter(|run| run.0 < horizon) {
            // Grid times are multiples of the grid: the run goes on at the first one kept.
            *first += (horizon - *first + grid - 1) / grid * grid;
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
        assert_eq!(emitted.runs, [(10, 30)]);
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
        assert_eq!(emitted.runs, [(50, 100)]);
        assert!(emitted.revisions.is_empty());
        emitted.forget(101, 10);
        assert!(emitted.runs.is_empty());
    }
}
