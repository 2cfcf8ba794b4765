//! Ageing: chunks are packed, thinned and deleted by the log's time, a little at each call.
//!
//! 1. Fresh chunks, one per commit, are merged after some minutes: a hundred rows become one.
//! 2. What is older than `full` is thinned to `coarse_step`, last revisions only.
//! 3. What is older than `coarse` is deleted, and so are gaps that closed before that.
//!
//! One call is one transaction over at most [`MAX_STEP_POINTS`] points or [`MAX_STEP_SERIES`]
//! series, so a commit never waits for long. It is not synced: what a crash undoes is done again.
//! Freed pages are used again by later commits; the file does not shrink.

use rusqlite::{Connection, OptionalExtension};
use stock_up_core::{Point, Span};
use thiserror::Error;

use super::error::{Context, StoreError};
use super::pack::{MAX_CHUNK_NS, Packer, Tier};
use super::read::chunk;
use super::thin::{Latest, Thinner};
use super::write::Store;

/// Points that one call reads at most, but for the rest of the last chunk.
const MAX_STEP_POINTS: u64 = 20_000;

/// Series that one call looks at.
const MAX_STEP_SERIES: usize = 256;

/// How old a fresh chunk becomes before it is packed.
const PACK_AFTER_NS: i64 = 300_000_000_000;

/// What is packed together, and what is thinned at once where points are dense.
const BLOCK_NS: i64 = 600_000_000_000;

/// How long a finished round rests, in the log's time.
const REST_NS: i64 = 60_000_000_000;

/// How long points are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Every point with every revision.
    pub full: Span,
    /// The distance of the points that are kept after that.
    pub coarse_step: Span,
    /// How long those are kept.
    pub coarse: Span,
}

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RetentionError {
    /// Late trades must still find the points that they revise.
    #[error("retention full = `{0}` is below 1h")]
    Full(Span),
    /// The order of the tiers.
    #[error("retention coarse = `{coarse}` is shorter than full = `{full}`")]
    Coarse {
        /// As set.
        coarse: Span,
        /// As set.
        full: Span,
    },
    /// Steps must fit the blocks that are thinned.
    #[error("retention coarse_step = `{0}` does not divide 10m")]
    Step(Span),
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self {
            full: Span::from_secs(7 * 86_400),
            coarse_step: Span::from_secs(60),
            coarse: Span::from_secs(90 * 86_400),
        }
    }
}

impl RetentionPolicy {
    /// The same policy, once its values go together.
    pub fn validated(self) -> Result<Self, RetentionError> {
        if self.full < Span::from_secs(3_600) {
            return Err(RetentionError::Full(self.full));
        }
        if self.coarse < self.full {
            return Err(RetentionError::Coarse {
                coarse: self.coarse,
                full: self.full,
            });
        }
        if self.coarse_step == Span::ZERO || BLOCK_NS % self.coarse_step.ns() != 0 {
            return Err(RetentionError::Step(self.coarse_step));
        }
        Ok(self)
    }
}

/// What one call did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Points that were packed.
    pub packed: u64,
    /// Points that were thinned away or kept by thinning.
    pub thinned: u64,
    /// Coarse chunks that were deleted.
    pub deleted: u64,
    /// There is more to do now: call again soon.
    pub more: bool,
}

/// Where the current round over all series is.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// The last series that is done.
    done: i64,
    /// The log's time before which nothing is to do.
    rest_until: Option<i64>,
}

impl Store {
    /// Does a bounded part of the work that `policy` asks for at the log's time `now`.
    pub fn maintain(&mut self, now: i64, policy: &RetentionPolicy) -> Result<Upkeep, StoreError> {
        if self.round.rest_until.is_some_and(|until| now < until) {
            return Ok(Upkeep::default());
        }
        let path = self.path.clone();
        self.conn
            .pragma_update(None, "synchronous", "NORMAL")
            .doing("maintain", &path)?;
        let worked = self.step(now, policy);
        self.conn
            .pragma_update(None, "synchronous", "FULL")
            .doing("maintain", &path)?;
        worked
    }

    fn step(&mut self, now: i64, policy: &RetentionPolicy) -> Result<Upkeep, StoreError> {
        let tx = self
            .conn
            .unchecked_transaction()
            .doing("maintain", &self.path)?;
        let series = next_series(&tx, self.round.done).doing("maintain", &self.path)?;
        let mut work = Work {
            conn: &tx,
            path: &self.path,
            packer: &mut self.packer,
            upkeep: Upkeep::default(),
        };
        let mut done = self.round.done;
        for (id, window) in &series {
            let room = work.series(*id, *window, now, policy)?;
            if !room {
                work.upkeep.more = true;
                break;
            }
            done = *id;
        }
        let mut upkeep = work.upkeep;
        let over = series.len() < MAX_STEP_SERIES && !upkeep.more;
        if over {
            delete_gaps(&tx, now.saturating_sub(policy.coarse.ns()))
                .doing("maintain", &self.path)?;
        }
        tx.commit().doing("maintain", &self.path)?;
        upkeep.more = !over;
        self.round = Round {
            done: if over { 0 } else { done },
            rest_until: over.then(|| now.saturating_add(REST_NS)),
        };
        Ok(upkeep)
    }
}

fn next_series(conn: &Connection, after: i64) -> rusqlite::Result<Vec<(i64, Span)>> {
    let limit = i64::try_from(MAX_STEP_SERIES).unwrap_or(i64::MAX);
    conn.prepare_cached("SELECT id, window_ns FROM series WHERE id > ?1 ORDER BY id LIMIT ?2")?
        .query_map([after, limit], |row| {
            Ok((row.get(0)?, Span::from_ns(row.get(1)?)))
        })?
        .collect()
}

fn delete_gaps(conn: &Connection, before: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM gap WHERE to_ns < ?1")?
        .execute([before])?;
    Ok(())
}

/// One transaction's work.
struct Work<'a> {
    conn: &'a Connection,
    path: &'a std::path::Path,
    packer: &'a mut Packer,
    upkeep: Upkeep,
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
    fn series(
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
            if length == BLOCK_NS || self.points(&ids)? <= MAX_STEP_POINTS {
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
