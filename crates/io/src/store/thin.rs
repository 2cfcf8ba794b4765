//! Thinning: the last point of each step stands for those before it.
//!
//! A step is `(k * step, (k + 1) * step]`, so that the point of a round time stands for what led to
//! it. What is left of those it stands for is the worst status and the least coverage: thinning
//! hides no gap.

use std::collections::BTreeMap;

use stock_up_core::{Point, Span};

/// Keeps the last revision of each time; a point with a greater emission number is later.
#[derive(Debug, Default)]
pub(crate) struct Latest(BTreeMap<i64, (u64, Point)>);

impl Latest {
    pub(crate) fn put(&mut self, emission: u64, point: Point) {
        match self.0.get(&point.time) {
            Some((held, _)) if *held > emission => {}
            _ => {
                self.0.insert(point.time, (emission, point));
            }
        }
    }

    /// Takes the points after `time`, newest first.
    pub(crate) fn take_after(&mut self, time: i64) -> impl Iterator<Item = (u64, Point)> + use<> {
        let taken = match time.checked_add(1) {
            Some(first) => self.0.split_off(&first),
            None => BTreeMap::new(),
        };
        taken.into_values().rev()
    }

    /// Takes all points, newest first.
    pub(crate) fn take(self) -> impl Iterator<Item = (u64, Point)> {
        self.0.into_values().rev()
    }
}

/// Thins points that come newest first, each time once.
#[derive(Debug)]
pub(crate) struct Thinner {
    step: Option<Span>,
    kept: Vec<(u64, Point)>,
}

impl Thinner {
    pub(crate) fn new(step: Option<Span>) -> Self {
        Self {
            step: step.filter(|step| *step > Span::ZERO),
            kept: Vec::new(),
        }
    }

    pub(crate) fn put(&mut self, emission: u64, point: Point) {
        if let (Some(step), Some((_, last))) = (self.step, self.kept.last_mut())
            && step_of(last.time, step) == step_of(point.time, step)
        {
            last.status = last.status.max(point.status);
            last.coverage = last.coverage.min(point.coverage);
            return;
        }
        self.kept.push((emission, point));
    }

    /// How many points are kept.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// What is kept, newest first.
    pub(crate) fn finish(self) -> Vec<(u64, Point)> {
        self.kept
    }
}

fn step_of(time: i64, step: Span) -> i64 {
    time.saturating_sub(1).div_euclid(step.ns())
}
