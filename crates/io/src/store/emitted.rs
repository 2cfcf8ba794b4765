//! The store by emission number: what a sink reads to catch up.
//!
//! A page is an interval of numbers, so that a hole in it is what retention removed, and reading
//! may stop and go on at any page. A chunk tells its first and last number; one that reaches into
//! the interval from before is found by the index on the last.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::SeriesFilter;
use super::codec::Chunk;
use super::error::{Context, StoreError};
use super::export::{Names, names};
use super::read::StoreReader;
use super::row::PointRow;
use super::schema;

/// Points by their numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmittedPage {
    /// The points that are there, in the order of emission.
    pub rows: Vec<PointRow>,
    /// The first number that the page does not cover; where the next one begins.
    pub next: u64,
}

impl StoreReader {
    /// The points with numbers from `from` on, as far as they are saved; at most `most` numbers
    /// are looked at, so there may be fewer points, and none before a long hole.
    ///
    /// A page whose `next` is `from` covers nothing: no point with that number is saved yet.
    pub fn emitted(&self, from: u64, most: u64) -> Result<EmittedPage, StoreError> {
        let tx = self
            .conn
            .unchecked_transaction()
            .doing("read", &self.path)?;
        let end = schema::meta_number(&tx, "next_emission")
            .doing("read", &self.path)?
            .cast_unsigned();
        if from >= end || most == 0 {
            return Ok(EmittedPage {
                rows: Vec::new(),
                next: from,
            });
        }
        let to = from.saturating_add(most).min(end);
        let ids = ids(&tx, from, to).doing("read", &self.path)?;
        if ids.is_empty() {
            let next = next_chunk(&tx, to).doing("read", &self.path)?;
            return Ok(EmittedPage {
                rows: Vec::new(),
                next: next.map_or(end, |next| next.min(end)),
            });
        }
        let names = names(&tx, &SeriesFilter::default()).doing("read", &self.path)?;
        let mut rows = Vec::new();
        for id in ids {
            let (series, body) = body(&tx, id).doing("read", &self.path)?;
            take(id, (series, body), &names, (from, to), &mut rows).doing("read", &self.path)?;
        }
        rows.sort_unstable_by_key(|row| row.emission);
        Ok(EmittedPage { rows, next: to })
    }

    /// The number of the first point that the sink of this name has not acknowledged; `None` if it
    /// never did.
    pub fn cursor(&self, sink: &str) -> Result<Option<u64>, StoreError> {
        cursor(&self.conn, sink).doing("read", &self.path)
    }
}

/// A cursor never leads what is stored.
pub(super) fn cursor(conn: &Connection, sink: &str) -> rusqlite::Result<Option<u64>> {
    let found: Option<i64> = conn
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([schema::cursor_key(sink)], |row| row.get(0))
        .optional()?;
    let end = schema::meta_number(conn, "next_emission")?;
    Ok(found.map(|found| found.min(end).cast_unsigned()))
}

/// The chunks that may hold numbers in `[from, to)`.
fn ids(conn: &Connection, from: u64, to: u64) -> rusqlite::Result<Vec<i64>> {
    conn.prepare_cached(
        "SELECT id FROM chunk WHERE id >= ?1 AND id < ?2 \
         UNION ALL SELECT id FROM chunk INDEXED BY emitted WHERE last_emission >= ?1 AND id < ?1",
    )?
    .query_map([from.cast_signed(), to.cast_signed()], |row| row.get(0))?
    .collect()
}

/// The first chunk from this number on.
fn next_chunk(conn: &Connection, from: u64) -> rusqlite::Result<Option<u64>> {
    let least: Option<i64> = conn
        .prepare_cached("SELECT min(id) FROM chunk WHERE id >= ?1")?
        .query_row([from.cast_signed()], |row| row.get(0))?;
    Ok(least.map(i64::cast_unsigned))
}

fn body(conn: &Connection, id: i64) -> rusqlite::Result<(i64, Vec<u8>)> {
    conn.prepare_cached("SELECT series, body FROM chunk WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Adds the points of a chunk whose numbers are in `[from, to)`.
fn take(
    id: i64,
    (series, body): (i64, Vec<u8>),
    names: &Names,
    (from, to): (u64, u64),
    rows: &mut Vec<PointRow>,
) -> Result<(), super::Damage> {
    let Some((symbol, window)) = names.get(&series) else {
        return Ok(());
    };
    for read in Chunk::open(id, *window, body)? {
        let (emission, point) = read?;
        if emission >= to {
            return Ok(());
        }
        if emission >= from {
            rows.push(PointRow {
                emission,
                symbol: Arc::clone(symbol),
                point,
            });
        }
    }
    Ok(())
}
