//! The analyzer's state with its position, two generations of it.
//!
//! The newest generation whose checksum is right is the state; an older one is as good, only
//! further back, because the log replays what came after it and points that are already stored are
//! known by their emission numbers.

use std::path::Path;

use rusqlite::{Connection, params};

use super::error::{Context, Damage, StoreError};

/// A stored state of the analyzer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Counts the checkpoints of this store, from 1.
    pub generation: u64,
    /// The position in the log up to which everything is applied.
    pub position: u64,
    /// The number of the next point that is emitted after it.
    pub next_emission: u64,
    /// The analyzer's own bytes.
    pub state: Vec<u8>,
    /// A newer generation is damaged; this is an older one.
    pub fell_back: bool,
}

/// The newest whole checkpoint; `None` if none was ever stored.
pub(crate) fn newest(conn: &Connection, path: &Path) -> Result<Option<Checkpoint>, StoreError> {
    let read = || -> rusqlite::Result<Vec<Option<Checkpoint>>> {
        conn.prepare_cached(
            "SELECT generation, position, next_emission, crc, body FROM checkpoint \
             ORDER BY generation DESC",
        )?
        .query_map([], whole)?
        .collect()
    };
    let generations = read().doing("read the checkpoint of", path)?;
    let count = generations.len();
    let Some(fell_back) = generations.iter().position(Option::is_some) else {
        let damage = Damage::Checkpoints { generations: count };
        return if count == 0 {
            Ok(None)
        } else {
            Err(damage).doing("", path)
        };
    };
    Ok(generations
        .into_iter()
        .flatten()
        .next()
        .map(|found| Checkpoint {
            fell_back: fell_back > 0,
            ..found
        }))
}

/// The checkpoint of a row, if its checksum is right.
fn whole(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Checkpoint>> {
    let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let (position, next_emission) = (number(1)?, number(2)?);
    let (crc, state): (i64, Vec<u8>) = (row.get(3)?, row.get(4)?);
    Ok(
        (i64::from(checksum(position, next_emission, &state)) == crc).then_some(Checkpoint {
            generation: number(0)?,
            position,
            next_emission,
            state,
            fell_back: false,
        }),
    )
}

/// Stores a new generation and keeps, of those before, only `whole`, the newest that is. Gives the
/// number of the new one.
pub(crate) fn store(
    conn: &Connection,
    whole: Option<i64>,
    (position, next_emission): (u64, u64),
    state: &[u8],
) -> rusqlite::Result<i64> {
    let generation: i64 = conn.query_row(
        "SELECT coalesce(max(generation), 0) + 1 FROM checkpoint",
        [],
        |row| row.get(0),
    )?;
    conn.prepare_cached("INSERT INTO checkpoint VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            generation,
            position.cast_signed(),
            next_emission.cast_signed(),
            i64::from(checksum(position, next_emission, state)),
            state,
        ])?;
    conn.prepare_cached("DELETE FROM checkpoint WHERE generation NOT IN (?1, ?2)")?
        .execute([generation, whole.unwrap_or(generation)])?;
    Ok(generation)
}

fn checksum(position: u64, next_emission: u64, state: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&position.to_le_bytes());
    let crc = crc32c::crc32c_append(crc, &next_emission.to_le_bytes());
    crc32c::crc32c_append(crc, state)
}
