//! Ageing: chunks are packed, thinned and deleted by the log's time, a little at each call.
//!
//! 1. Fresh chunks, one per commit, are merged after some minutes: a hundred rows become one.
//! 2. What is older than `full` is thinned to `coarse_step`, last revisions only.
//! 3. What is older than `coarse` is deleted, and so are gaps that closed before that.
//!
//! One call is one transaction over about 2,000 points or [`MAX_STEP_SERIES`] series, so a commit
//! never waits for long; who has time calls again. It is not synced: what a crash undoes is done
//! again.
//! Freed pages are used again by later commits; the file does not shrink.

use rusqlite::Connection;
use stock_up_core::Span;

use super::age::Work;
use super::error::{Context, StoreError};
use super::retention::RetentionPolicy;
use super::write::Store;

/// Series that one call looks at.
const MAX_STEP_SERIES: usize = 256;

/// How long a finished round rests, in the log's time.
const REST_NS: i64 = 60_000_000_000;

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
