//! The reading side of the store: any number of connections beside the one writer.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use stock_up_core::{Point, Span};

use super::checkpoint::{self, Checkpoint};
use super::codec::Chunk;
use super::error::{Context, StoreError};
use super::gap::{self, Gap, GapFilter};
use super::pack::MAX_CHUNK_NS;
use super::schema;
use super::thin::{Latest, Thinner};

/// Which part of a series to read.
#[derive(Debug, Clone, Copy)]
pub struct SeriesQuery<'a> {
    /// The symbol.
    pub symbol: &'a str,
    /// Length of the window.
    pub window: Span,
    /// First time.
    pub from: i64,
    /// Last time.
    pub to: i64,
    /// Thins: the last point of each `(k * step, (k + 1) * step]`, with the worst status and the
    /// least coverage of those it stands for.
    pub step: Option<Span>,
    /// Most points to return; the newest are kept.
    pub limit: usize,
}

/// A part of a series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// The last revision of each time, oldest first.
    pub points: Vec<Point>,
    /// There are older points in the interval, which the limit left out.
    pub truncated: bool,
}

/// A symbol and the windows that are stored for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolSeries {
    /// The symbol.
    pub symbol: String,
    /// Its windows, shortest first.
    pub windows: Vec<Span>,
}

/// The store, for a reader. It sees the last commit, also of a writer in another process.
#[derive(Debug)]
pub struct StoreReader {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
}

impl StoreReader {
    /// Opens the store in the data directory `dir`, which must exist.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(schema::FILE_NAME);
        let conn = schema::open_reader(&path)?;
        Ok(Self { conn, path })
    }

    /// Names this store; another file has another name.
    pub fn instance(&self) -> Result<String, StoreError> {
        self.conn
            .query_row("SELECT value FROM meta WHERE key = 'instance'", [], |row| {
                row.get(0)
            })
            .doing("read", &self.path)
    }

    /// The newest whole checkpoint; `None` if none was stored.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        checkpoint::newest(&self.conn, &self.path)
    }

    /// The gaps of `filter`, oldest first; the newest 10,000 of them.
    pub fn gaps(&self, filter: &GapFilter<'_>) -> Result<Vec<Gap>, StoreError> {
        gap::read(&self.conn, &self.path, filter)
    }

    /// All symbols with their windows, by name.
    pub fn symbols(&self) -> Result<Vec<SymbolSeries>, StoreError> {
        symbols(&self.conn).doing("read the symbols of", &self.path)
    }

    /// A part of a series; nothing for a symbol or window that is not stored.
    pub fn series(&self, query: &SeriesQuery<'_>) -> Result<Series, StoreError> {
        let tx = self
            .conn
            .unchecked_transaction()
            .doing("read", &self.path)?;
        let Some(series) = find(&tx, query.symbol, query.window).doing("read", &self.path)? else {
            return Ok(Series::default());
        };
        let mut heads = heads(&tx, series, query.from, query.to).doing("read", &self.path)?;
        heads.sort_unstable_by_key(|head| std::cmp::Reverse(head.last_ns));
        let (mut latest, mut thinner) = (Latest::default(), Thinner::new(query.step));
        // The step of the last point that is kept may go on below it: one more tells it is over.
        let enough = query.limit.saturating_add(1);
        for head in heads {
            // Invariant: chunks come by their last time, so what is after it will not change.
            for (emission, point) in latest.take_after(head.last_ns) {
                thinner.put(emission, point);
            }
            if thinner.len() >= enough {
                break;
            }
            self.put(&tx, head, query, &mut latest)?;
        }
        if thinner.len() < enough {
            for (emission, point) in latest.take() {
                thinner.put(emission, point);
            }
        }
        let mut points = thinner.finish();
        let truncated = points.len() > query.limit;
        points.truncate(query.limit);
        points.reverse();
        Ok(Series {
            points: points.into_iter().map(|(_, point)| point).collect(),
            truncated,
        })
    }

    /// Adds the points of a chunk that are asked for.
    fn put(
        &self,
        conn: &Connection,
        head: ChunkHead,
        query: &SeriesQuery<'_>,
        latest: &mut Latest,
    ) -> Result<(), StoreError> {
        let chunk = chunk(conn, head.id, query.window).doing("read", &self.path)?;
        for read in chunk.doing("read", &self.path)? {
            let (emission, point) = read.doing("read", &self.path)?;
            if (query.from..=query.to).contains(&point.time) {
                latest.put(emission, point);
            }
        }
        Ok(())
    }
}

/// Where a chunk is and what it spans.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChunkHead {
    pub(super) id: i64,
    pub(super) last_ns: i64,
}

fn symbols(conn: &Connection) -> rusqlite::Result<Vec<SymbolSeries>> {
    let mut select =
        conn.prepare_cached("SELECT symbol, window_ns FROM series ORDER BY symbol, window_ns")?;
    let mut rows = select.query([])?;
    let mut symbols: Vec<SymbolSeries> = Vec::new();
    while let Some(row) = rows.next()? {
        let (symbol, window): (String, i64) = (row.get(0)?, row.get(1)?);
        let window = Span::from_ns(window);
        match symbols.last_mut().filter(|last| last.symbol == symbol) {
            Some(last) => last.windows.push(window),
            None => symbols.push(SymbolSeries {
                symbol,
                windows: vec![window],
            }),
        }
    }
    Ok(symbols)
}

fn find(conn: &Connection, symbol: &str, window: Span) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT id FROM series WHERE symbol = ?1 AND window_ns = ?2")?
        .query_row(params![symbol, window.ns()], |row| row.get(0))
        .optional()
}

/// The chunks of a series that overlap an interval. Each tier has an index of its own.
pub(super) fn heads(
    conn: &Connection,
    series: i64,
    from: i64,
    to: i64,
) -> rusqlite::Result<Vec<ChunkHead>> {
    let latest = to.saturating_add(MAX_CHUNK_NS);
    conn.prepare_cached(
        "SELECT id, last_ns FROM chunk WHERE tier = 0 AND series = ?1 \
           AND last_ns BETWEEN ?2 AND ?4 AND first_ns <= ?3 \
         UNION ALL SELECT id, last_ns FROM chunk WHERE tier = 1 AND series = ?1 \
           AND last_ns BETWEEN ?2 AND ?4 AND first_ns <= ?3 \
         UNION ALL SELECT id, last_ns FROM chunk WHERE tier = 2 AND series = ?1 \
           AND last_ns BETWEEN ?2 AND ?4 AND first_ns <= ?3",
    )?
    .query_map([series, from, to, latest], |row| {
        Ok(ChunkHead {
            id: row.get(0)?,
            last_ns: row.get(1)?,
        })
    })?
    .collect()
}

/// Reads a chunk of the table.
pub(super) fn chunk(
    conn: &Connection,
    id: i64,
    window: Span,
) -> rusqlite::Result<Result<Chunk, super::Damage>> {
    conn.prepare_cached("SELECT body FROM chunk WHERE id = ?1")?
        .query_row([id], |row| Ok(Chunk::open(id, window, row.get(0)?)))
}
