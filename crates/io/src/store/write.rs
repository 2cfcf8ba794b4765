//! The writing side of the store: one connection, one owner.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use stock_up_core::{Point, Span};

use super::checkpoint::{self, Checkpoint};
use super::emitted;
use super::error::{Context, StoreError};
use super::gap::{self, Gap};
use super::maintain::Round;
use super::pack::{Packer, Tier};
use super::row::NewPoint;
use super::schema;

/// What is saved together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Commit<'a> {
    /// Gaps that opened or changed.
    pub gaps: &'a [Gap],
    /// How far the analyzer has come. There are no points without it.
    pub progress: Option<Progress<'a>>,
    /// How far sinks have come, by name: the first point that was not acknowledged. Saved with the
    /// points, so a cursor may lag behind its sink and never leads the store.
    pub cursors: &'a [(&'a str, u64)],
}

/// The analyzer's state and everything it emitted up to it.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The position in the log up to which everything is applied.
    pub position: u64,
    /// The analyzer's own bytes.
    pub state: &'a [u8],
    /// What was emitted since the last commit, in order. Points that are already stored are passed
    /// over: after a fall back to an older checkpoint they are emitted again.
    pub points: &'a [NewPoint<'a>],
    /// The number of the next point to be emitted.
    pub next_emission: u64,
}

/// The store, for its one writer.
#[derive(Debug)]
pub struct Store {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
    pub(super) packer: Packer,
    pub(super) round: Round,
    is_new: bool,
    instance: String,
    series: SeriesIds,
    next_emission: u64,
    /// The newest generation of the checkpoint that is whole.
    whole: Option<i64>,
}

impl Store {
    /// Opens or creates the store in the data directory `dir`, whose lock the caller holds.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(schema::FILE_NAME);
        let (conn, is_new) = schema::open_writer(&path)?;
        let mut store = Self {
            conn,
            path,
            packer: Packer::default(),
            round: Round::default(),
            is_new,
            instance: String::new(),
            series: SeriesIds::default(),
            next_emission: 0,
            whole: None,
        };
        store.reload().doing("read", &store.path.clone())?;
        store.whole = match store.checkpoint() {
            Ok(found) => found.map(|found| found.generation.cast_signed()),
            // Told to whoever asks for the checkpoint.
            Err(StoreError::Damaged { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(store)
    }

    /// Whether [`Store::open`] created it: beside a log that is not empty, it is to be rebuilt.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Names this store; another file has another name.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number that the next new point must have.
    pub fn next_emission(&self) -> u64 {
        self.next_emission
    }

    /// The newest whole checkpoint; `None` if none was stored.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        checkpoint::newest(&self.conn, &self.path)
    }

    /// The first point that the sink of this name has not acknowledged; `None` if it never did.
    pub fn cursor(&self, sink: &str) -> Result<Option<u64>, StoreError> {
        emitted::cursor(&self.conn, sink).doing("read", &self.path)
    }

    /// Saves all of `commit`, or nothing. It is durable when this returns.
    pub fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError> {
        let points = match &commit.progress {
            Some(progress) => self.new_points(progress)?,
            None => &[],
        };
        let written = self.write(commit, points);
        if written.is_err() {
            // Series that were numbered for this commit are not in the file.
            self.reload().doing("read", &self.path.clone())?;
        }
        written.doing("write", &self.path)
    }

    /// Goes on from a state that another machine saved, as if it had been saved here: the next
    /// commit follows it. Gives how many points were emitted elsewhere and are not stored here.
    ///
    /// Sinks go on behind them: a state is shared only when its sinks have what came before it.
    ///
    /// # Errors
    /// [`StoreError::Hole`] if more was emitted here than there: the two have different logs.
    pub fn resume_from_elsewhere(
        &mut self,
        (position, next_emission): (u64, u64),
        state: &[u8],
    ) -> Result<u64, StoreError> {
        let Some(missing) = next_emission.checked_sub(self.next_emission) else {
            return Err(StoreError::Hole {
                path: self.path.clone(),
                expected: self.next_emission,
                found: next_emission,
            });
        };
        let write = || -> rusqlite::Result<i64> {
            let tx = self.conn.unchecked_transaction()?;
            let generation = checkpoint::store(&tx, self.whole, (position, next_emission), state)?;
            tx.prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'next_emission'")?
                .execute([next_emission.cast_signed()])?;
            tx.prepare_cached("UPDATE meta SET value = ?1 WHERE key GLOB 'cursor:*'")?
                .execute([next_emission.cast_signed()])?;
            tx.commit()?;
            Ok(generation)
        };
        self.whole = Some(write().doing("write", &self.path)?);
        self.next_emission = next_emission;
        Ok(missing)
    }

    /// Lets the file grow to so many pages of 4 KiB; beyond, a commit fails as on a full disk.
    pub fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        self.conn
            .pragma_update(None, "max_page_count", pages)
            .doing("limit", &self.path)
    }

    /// Forgets everything, so that the log can be replayed into an empty store.
    pub fn wipe(&mut self) -> Result<(), StoreError> {
        self.conn
            .execute_batch(
                "BEGIN IMMEDIATE;
                 DELETE FROM chunk; DELETE FROM series; DELETE FROM gap; DELETE FROM checkpoint;
                 UPDATE meta SET value = lower(hex(randomblob(16))) WHERE key = 'instance';
                 UPDATE meta SET value = 0 WHERE key = 'next_emission';
                 DELETE FROM meta WHERE key GLOB 'cursor:*';
                 COMMIT;",
            )
            .doing("empty", &self.path)?;
        (self.is_new, self.whole) = (true, None);
        self.round = Round::default();
        self.reload().doing("read", &self.path.clone())
    }

    /// The points that are not stored yet: they follow those that are, and nothing is left out.
    fn new_points<'a>(&self, progress: &Progress<'a>) -> Result<&'a [NewPoint<'a>], StoreError> {
        let points = progress.points;
        let known = points.partition_point(|point| point.emission < self.next_emission);
        let fresh = points.get(known..).unwrap_or_default();
        let next = Some(progress.next_emission)
            .filter(|next| !fresh.is_empty() || *next > self.next_emission);
        let found = fresh.iter().map(|point| point.emission).chain(next);
        for (expected, found) in (self.next_emission..).zip(found) {
            if found != expected {
                return Err(StoreError::Hole {
                    path: self.path.clone(),
                    expected,
                    found,
                });
            }
        }
        Ok(fresh)
    }

    fn write(&mut self, commit: &Commit<'_>, points: &[NewPoint<'_>]) -> rusqlite::Result<()> {
        let tx = self.conn.unchecked_transaction()?;
        gap::store(&tx, commit.gaps)?;
        let (mut next_emission, mut whole) = (self.next_emission, self.whole);
        if let Some(progress) = &commit.progress {
            next_emission = next_emission.max(progress.next_emission);
            let points = group(&tx, &mut self.series, points)?;
            self.packer.clear();
            for run in points.chunk_by(|left, right| left.0 == right.0) {
                let series = run.first().map_or(0, |point| point.0);
                let run: Vec<_> = run.iter().map(|(_, point)| *point).collect();
                self.packer.add(series, Tier::Fresh, &run);
            }
            self.packer.insert(&tx)?;
            let at = (progress.position, progress.next_emission);
            whole = Some(checkpoint::store(&tx, whole, at, progress.state)?);
            tx.prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'next_emission'")?
                .execute([next_emission.cast_signed()])?;
        }
        for (sink, next) in commit.cursors {
            let next = (*next).min(next_emission).cast_signed();
            tx.prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
                .execute(params![schema::cursor_key(sink), next])?;
        }
        tx.commit()?;
        (self.next_emission, self.whole) = (next_emission, whole);
        Ok(())
    }

    /// Reads what is held in memory from the file.
    fn reload(&mut self) -> rusqlite::Result<()> {
        self.series = SeriesIds::load(&self.conn)?;
        self.next_emission = schema::meta_number(&self.conn, "next_emission")?.cast_unsigned();
        self.instance =
            self.conn
                .query_row("SELECT value FROM meta WHERE key = 'instance'", [], |row| {
                    row.get(0)
                })?;
        Ok(())
    }
}

/// A point with its emission number, ready for [`Packer::add`].
type Numbered<'a> = (u64, PointRef<'a>);

/// Lends a point.
#[derive(Debug, Clone, Copy)]
struct PointRef<'a>(&'a Point);

impl AsRef<Point> for PointRef<'_> {
    fn as_ref(&self) -> &Point {
        self.0
    }
}

/// Sorts points by series, in order within each; new series get their numbers.
fn group<'a>(
    conn: &Connection,
    series: &mut SeriesIds,
    points: &[NewPoint<'a>],
) -> rusqlite::Result<Vec<(i64, Numbered<'a>)>> {
    let mut grouped = Vec::with_capacity(points.len());
    for new in points {
        let id = series.id(conn, new.symbol, new.point.window)?;
        grouped.push((id, (new.emission, PointRef(new.point))));
    }
    grouped.sort_by_key(|(id, _)| *id);
    Ok(grouped)
}

/// The numbers of all series, so that a commit does not ask the file for each point.
#[derive(Debug, Default)]
struct SeriesIds(HashMap<String, Vec<(Span, i64)>>);

impl SeriesIds {
    fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let mut ids = Self::default();
        let mut select = conn.prepare_cached("SELECT id, symbol, window_ns FROM series")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let window = Span::from_ns(row.get(2)?);
            ids.0
                .entry(row.get(1)?)
                .or_default()
                .push((window, row.get(0)?));
        }
        Ok(ids)
    }

    fn id(&mut self, conn: &Connection, symbol: &str, window: Span) -> rusqlite::Result<i64> {
        let known = self.0.get(symbol).and_then(|windows| {
            windows
                .iter()
                .find(|(known, _)| *known == window)
                .map(|(_, id)| *id)
        });
        if let Some(id) = known {
            return Ok(id);
        }
        conn.prepare_cached("INSERT INTO series (symbol, window_ns) VALUES (?1, ?2)")?
            .execute(params![symbol, window.ns()])?;
        let id = conn.last_insert_rowid();
        self.0
            .entry(symbol.to_owned())
            .or_default()
            .push((window, id));
        Ok(id)
    }
}
