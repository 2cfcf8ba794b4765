//! Looking for damage: what `verify` says about a store.

use stock_up_core::Span;

use super::codec::Chunk;
use super::error::{Context, Damage, StoreError};
use super::read::StoreReader;

/// Most problems that are told.
const MAX_PROBLEMS: usize = 100;

/// What is in a store, and what is wrong with it.
#[derive(Debug, Default)]
pub struct StoreReport {
    /// Chunks that were read.
    pub chunks: u64,
    /// Points in them.
    pub points: u64,
    /// What is damaged, at most a hundred of it.
    pub problems: Vec<String>,
}

impl StoreReader {
    /// Reads everything and checks every checksum.
    pub fn verify(&self) -> Result<StoreReport, StoreError> {
        let mut report = StoreReport::default();
        self.structure(&mut report).doing("read", &self.path)?;
        self.chunks(&mut report).doing("read", &self.path)?;
        match self.checkpoint() {
            Err(StoreError::Damaged { source, .. }) => report.add(&source),
            Ok(Some(found)) if found.fell_back => report
                .problems
                .push("the newest checkpoint is damaged; the one before it is whole".to_owned()),
            Ok(_) => {}
            Err(other) => return Err(other),
        }
        match self.gaps(&super::GapFilter::default()) {
            Err(StoreError::Damaged { source, .. }) => report.add(&source),
            Ok(_) => {}
            Err(other) => return Err(other),
        }
        Ok(report)
    }

    fn structure(&self, report: &mut StoreReport) -> rusqlite::Result<()> {
        let mut check = self.conn.prepare("PRAGMA integrity_check(100)")?;
        let mut rows = check.query([])?;
        while let Some(row) = rows.next()? {
            let problem: String = row.get(0)?;
            if problem != "ok" {
                report.problems.push(problem);
            }
        }
        Ok(())
    }

    fn chunks(&self, report: &mut StoreReport) -> rusqlite::Result<()> {
        let mut select = self
            .conn
            .prepare("SELECT id, points, body FROM chunk ORDER BY id")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (id, expected): (i64, u32) = (row.get(0)?, row.get(1)?);
            report.chunks += 1;
            match count(id, row.get(2)?) {
                Ok(points) if points == expected => report.points += u64::from(points),
                Ok(points) => report.problems.push(format!(
                    "chunk {id} holds {points} points, its row says {expected}"
                )),
                Err(damage) => report.add(&damage),
            }
            report.problems.truncate(MAX_PROBLEMS);
        }
        Ok(())
    }
}

impl StoreReport {
    fn add(&mut self, damage: &Damage) {
        self.problems.push(damage.to_string());
    }
}

fn count(id: i64, body: Vec<u8>) -> Result<u32, Damage> {
    let mut points = 0_u32;
    for point in Chunk::open(id, Span::ZERO, body)? {
        point?;
        points += 1;
    }
    Ok(points)
}
