//! Points gathered into chunks, and chunks put into the table.

use rusqlite::{Connection, params};
use stock_up_core::Point;

use super::codec::{self, MAX_CHUNK_POINTS};

/// Longest time that one chunk spans; readers rely on it to find what overlaps an interval.
pub(crate) const MAX_CHUNK_NS: i64 = 3_600_000_000_000;

/// How a chunk is kept. Persisted: these numbers stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    /// As it was committed.
    Fresh = 0,
    /// Merged with its neighbours; every revision is there.
    Packed = 1,
    /// Thinned: the last point of each step.
    Coarse = 2,
}

/// Chunks on their way into the table.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    heads: Vec<Head>,
    bodies: Vec<u8>,
}

#[derive(Debug)]
struct Head {
    id: i64,
    series: i64,
    tier: Tier,
    first_ns: i64,
    last_ns: i64,
    points: usize,
    body: (usize, usize),
    last_emission: i64,
}

impl Packer {
    pub(crate) fn clear(&mut self) {
        self.heads.clear();
        self.bodies.clear();
    }

    /// Adds points of one series, in the order of emission, as chunks within the limits.
    pub(crate) fn add<P: AsRef<Point>>(&mut self, series: i64, tier: Tier, points: &[(u64, P)]) {
        let (mut start, mut first_ns, mut last_ns) = (0, i64::MAX, i64::MIN);
        for (index, (_, point)) in points.iter().enumerate() {
            let time = point.as_ref().time;
            let (low, high) = (first_ns.min(time), last_ns.max(time));
            let full = index - start >= MAX_CHUNK_POINTS;
            if full || high.saturating_sub(low) > MAX_CHUNK_NS {
                self.close(series, tier, points.get(start..index).unwrap_or_default());
                (start, first_ns, last_ns) = (index, time, time);
            } else {
                (first_ns, last_ns) = (low, high);
            }
        }
        self.close(series, tier, points.get(start..).unwrap_or_default());
    }

    fn close<P: AsRef<Point>>(&mut self, series: i64, tier: Tier, points: &[(u64, P)]) {
        let (Some((emission, _)), Some((last_emission, _))) = (points.first(), points.last())
        else {
            return;
        };
        let start = self.bodies.len();
        let points_of = points
            .iter()
            .map(|(emission, point)| (*emission, point.as_ref()));
        let times = points_of.clone().map(|(_, point)| point.time);
        self.heads.push(Head {
            id: emission.cast_signed(),
            series,
            tier,
            first_ns: times.clone().min().unwrap_or_default(),
            last_ns: times.max().unwrap_or_default(),
            points: points.len(),
            body: (start, start),
            last_emission: last_emission.cast_signed(),
        });
        codec::encode(points_of, &mut self.bodies);
        if let Some(head) = self.heads.last_mut() {
            head.body.1 = self.bodies.len();
        }
    }

    /// Puts the chunks into the table, in the order of their numbers: appending is what a tree does
    /// best.
    pub(crate) fn insert(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        self.heads.sort_unstable_by_key(|head| head.id);
        let mut insert =
            conn.prepare_cached("INSERT INTO chunk VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
        for head in &self.heads {
            let body = self
                .bodies
                .get(head.body.0..head.body.1)
                .unwrap_or_default();
            insert.execute(params![
                head.id,
                head.series,
                head.tier as i64,
                head.first_ns,
                head.last_ns,
                i64::try_from(head.points).unwrap_or(i64::MAX),
                body,
                head.last_emission
            ])?;
        }
        Ok(())
    }
}
