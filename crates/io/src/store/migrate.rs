//! From an older format of the store to the one that is written.

use rusqlite::{Connection, params};
use stock_up_core::Span;

use super::codec::Chunk;

/// Format 1 did not say where a chunk ends in the order of emission, which sinks that catch up
/// need. A chunk that is damaged is said to reach to the end, so that whoever reads on is told.
pub(super) fn from_1(conn: &Connection) -> rusqlite::Result<()> {
    let tx = conn.unchecked_transaction()?;
    tx.execute_batch(
        "ALTER TABLE chunk ADD COLUMN last_emission INTEGER NOT NULL DEFAULT 0;
         CREATE INDEX emitted ON chunk (last_emission);",
    )?;
    let ids: Vec<i64> = tx
        .prepare("SELECT id FROM chunk")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut select = tx.prepare("SELECT body FROM chunk WHERE id = ?1")?;
    let mut update = tx.prepare("UPDATE chunk SET last_emission = ?2 WHERE id = ?1")?;
    for id in ids {
        let last = last_emission(id, select.query_row([id], |row| row.get(0))?);
        update.execute(params![id, last.map_or(i64::MAX, u64::cast_signed)])?;
    }
    drop((select, update));
    tx.pragma_update(None, "user_version", 2)?;
    tx.commit()
}

fn last_emission(id: i64, body: Vec<u8>) -> Option<u64> {
    let mut last = None;
    for point in Chunk::open(id, Span::ZERO, body).ok()? {
        last = Some(point.ok()?.0);
    }
    last
}
