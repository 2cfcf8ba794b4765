//! The work of [`super::maintain`] on one series after the other, within one transaction.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use stock_up_core::{Point, Span};

use super::error::{Context, StoreError};
use super::maintain::Upkeep;
use super::pack::{MAX_CHUNK_NS, Packer, Tier};
use super::read::chunk;
use super::retention::{BLOCK_NS, RetentionPolicy};
use super::thin::{Latest, Thinner};

/// Points that one transaction reads at most, but for the rest of the last block: a commit that
/// comes meanwhile waits for some tens of milliseconds.
const MAX_STEP_POINTS: u64 = 2_000;

/// Points of an hour that is thinned at once: those of a grid of one second and some revisions.
const MAX_HOUR_POINTS: u64 = 5_000;

/// How old a fresh chunk becomes before it is packed.
const PACK_AFTER_NS: i64 = 300_000_000_000;

/// One transaction's work.
pub(super) struct Work<'a> {
    pub(super) conn: &'a Connection,
    pub(super) path: &'a Path,
    pub(super) packer: &'a mut Packer,
    pub(super) upkeep: Upkeep,
}

/// The points of some chunks, in the order of emission.
type Points = Vec<(u64, PointBox)>;

struct PointBox(Point);

impl AsRef<Point> for PointBox {
    fn as_ref(&self) -> &Point {
        &self.0
    }
}

impl Work<'_> {
    /// Works on one series; `false` when the call has done enough before the series is done.
    pub(super) fn series(
        &mut self,
        id: i64,
        window: Span,
        now: i64,
        policy: &RetentionPolicy,
    ) -> Result<bool, StoreError> {
        while self.thin(id, window, now, policy)? {
            if self.is_enough() {
                return Ok(false);
            }
        }
        while self.pack(id, window, now)? {
            if self.is_enough() {
                return Ok(false);
            }
        }
        let deleted = self
            .conn
            .prepare_cached("DELETE FROM chunk WHERE tier = 2 AND series = ?1 AND last_ns < ?2")
            .and_then(|mut delete| delete.execute([id, now.saturating_sub(policy.coarse.ns())]))
            .doing("maintain", self.path)?;
        self.upkeep.deleted += deleted as u64;
        Ok(true)
    }

    fn is_enough(&self) -> bool {
        self.upkeep.packed + self.upkeep.thinned >= MAX_STEP_POINTS
    }

    /// Merges the oldest block of fresh chunks, if it is old enough.
    fn pack(&mut self, series: i64, window: Span, now: i64) -> Result<bool, StoreError> {
        let oldest = self.oldest(series, Tier::Fresh)?;
        let Some(end) = oldest.map(|oldest| block_end(oldest, BLOCK_NS)) else {
            return Ok(false);
        };
        if end > now.saturating_sub(PACK_AFTER_NS) {
            return Ok(false);
        }
        let ids = self.ids(
            "SELECT id, points FROM chunk WHERE tier = 0 AND series = ?1 AND last_ns <= ?2 \
             ORDER BY last_ns",
            &[series, end],
        )?;
        let points = self.load(&ids, window)?;
        self.upkeep.packed += points.len() as u64;
        self.packer.clear();
        self.packer.add(series, Tier::Packed, &points);
        self.replace(&ids)?;
        Ok(true)
    }

    /// Thins the oldest block of the points that are kept in full, if it is old enough.
    fn thin(
        &mut self,
        series: i64,
        window: Span,
        now: i64,
        policy: &RetentionPolicy,
    ) -> Result<bool, StoreError> {
        let fresh = self.oldest(series, Tier::Fresh)?;
        let packed = self.oldest(series, Tier::Packed)?;
        let Some(oldest) = fresh.into_iter().chain(packed).min() else {
            return Ok(false);
        };
        let horizon = now.saturating_sub(policy.full.ns());
        let Some((end, ids)) = self.thin_block(series, oldest, horizon)? else {
            return Ok(false);
        };
        let (mut latest, mut later) = (Latest::default(), Points::new());
        let points = self.load(&ids, window)?;
        self.upkeep.thinned += points.len() as u64;
        for (emission, point) in points {
            if point.0.time <= end {
                latest.put(emission, point.0);
            } else {
                later.push((emission, point));
            }
        }
        let mut thinner = Thinner::new(Some(policy.coarse_step));
        for (emission, point) in latest.take() {
            thinner.put(emission, point);
        }
        let mut kept: Points = thinner
            .finish()
            .into_iter()
            .map(|(emission, point)| (emission, PointBox(point)))
            .collect();
        kept.sort_unstable_by_key(|(emission, _)| *emission);
        self.packer.clear();
        self.packer.add(series, Tier::Coarse, &kept);
        self.packer.add(series, Tier::Packed, &later);
        self.replace(&ids)?;
        Ok(true)
    }

    /// The end of the block to thin and all chunks that reach into it: an hour, or ten minutes
    /// where points are dense.
    fn thin_block(
        &self,
        series: i64,
        oldest: i64,
        horizon: i64,
    ) -> Result<Option<(i64, Vec<i64>)>, StoreError> {
        for length in [MAX_CHUNK_NS, BLOCK_NS] {
            let end = block_end(oldest, length);
            if end > horizon {
                return Ok(None);
            }
            let reach = end.saturating_add(MAX_CHUNK_NS);
            let ids = self.ids(
                "SELECT id, points FROM chunk WHERE tier = 0 AND series = ?1 \
                   AND last_ns <= ?3 AND first_ns <= ?2 \
                 UNION ALL SELECT id, points FROM chunk WHERE tier = 1 AND series = ?1 \
                   AND last_ns <= ?3 AND first_ns <= ?2",
                &[series, end, reach],
            )?;
            if length == BLOCK_NS || self.points(&ids)? <= MAX_HOUR_POINTS {
                return Ok(Some((end, ids)));
            }
        }
        Ok(None)
    }

    fn oldest(&self, series: i64, tier: Tier) -> Result<Option<i64>, StoreError> {
        let sql = match tier {
            Tier::Fresh => "SELECT min(last_ns) FROM chunk WHERE tier = 0 AND series = ?1",
            Tier::Packed => "SELECT min(last_ns) FROM chunk WHERE tier = 1 AND series = ?1",
            Tier::Coarse => "SELECT min(last_ns) FROM chunk WHERE tier = 2 AND series = ?1",
        };
        let read = || {
            self.conn
                .prepare_cached(sql)?
                .query_row([series], |row| row.get::<_, Option<i64>>(0))
                .optional()
        };
        Ok(read().doing("maintain", self.path)?.flatten())
    }

    fn ids(&self, sql: &str, values: &[i64]) -> Result<Vec<i64>, StoreError> {
        let read = || -> rusqlite::Result<Vec<i64>> {
            self.conn
                .prepare_cached(sql)?
                .query_map(rusqlite::params_from_iter(values), |row| row.get(0))?
                .collect()
        };
        read().doing("maintain", self.path)
    }

    fn points(&self, ids: &[i64]) -> Result<u64, StoreError> {
        let count = || -> rusqlite::Result<u64> {
            let mut select = self
                .conn
                .prepare_cached("SELECT points FROM chunk WHERE id = ?1")?;
            let mut points = 0_u64;
            for id in ids {
                points += u64::from(select.query_row([id], |row| row.get::<_, u32>(0))?);
            }
            Ok(points)
        };
        count().doing("maintain", self.path)
    }

    fn load(&self, ids: &[i64], window: Span) -> Result<Points, StoreError> {
        let mut points = Points::new();
        for id in ids {
            let chunk = chunk(self.conn, *id, window).doing("maintain", self.path)?;
            for read in chunk.doing("maintain", self.path)? {
                let (emission, point) = read.doing("maintain", self.path)?;
                points.push((emission, PointBox(point)));
            }
        }
        points.sort_unstable_by_key(|(emission, _)| *emission);
        Ok(points)
    }

    /// Puts the packed chunks in the place of `ids`.
    fn replace(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        let mut work = || -> rusqlite::Result<()> {
            let mut delete = self
                .conn
                .prepare_cached("DELETE FROM chunk WHERE id = ?1")?;
            for id in ids {
                delete.execute([id])?;
            }
            self.packer.insert(self.conn)
        };
        work().doing("maintain", self.path)
    }
}

/// The end of the block `(end - length, end]` that `time` is in.
fn block_end(time: i64, length: i64) -> i64 {
    let blocks = time.saturating_sub(1).div_euclid(length);
    blocks.saturating_add(1).saturating_mul(length)
}
