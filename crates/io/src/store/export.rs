//! The series as they were emitted: every stored revision, in the order of emission.
//!
//! A chunk's number is that of its first point, and its points ascend, so the chunks are merged: a
//! chunk is opened when its number is reached, and only as many are open as overlap.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, Rows};
use stock_up_core::{Point, Span};

use super::codec::Chunk;
use super::error::{Context, Damage, StoreError};
use super::read::{self, StoreReader};
use super::row::PointRow;

/// Which points to export.
#[derive(Debug, Clone, Copy, Default)]
pub struct SeriesFilter<'a> {
    /// Only this symbol.
    pub symbol: Option<&'a str>,
    /// Only this window.
    pub window: Option<Span>,
    /// Only this time and later ones.
    pub from: Option<i64>,
    /// Only this time and earlier ones.
    pub to: Option<i64>,
}

pub(super) type Names = BTreeMap<i64, (Arc<str>, Span)>;

impl StoreReader {
    /// Calls `each` with the stored points of `filter` in the order of emission, until it breaks.
    ///
    /// What was emitted in the days that are kept in full comes out row for row; of older days, the
    /// points that thinning left. The store is seen as it is at the call; `SQLite` keeps what the
    /// writer changes meanwhile beside it.
    pub fn export_series(
        &self,
        filter: &SeriesFilter<'_>,
        mut each: impl FnMut(PointRow) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let tx = self
            .conn
            .unchecked_transaction()
            .doing("read", &self.path)?;
        let names = names(&tx, filter).doing("read", &self.path)?;
        let (from, to) = (
            filter.from.unwrap_or(i64::MIN),
            filter.to.unwrap_or(i64::MAX),
        );
        let mut bodies = tx
            .prepare_cached(Chunks::sql(filter))
            .doing("read", &self.path)?;
        let mut chunks = Chunks::new(&tx, filter, &names, &mut bodies).doing("read", &self.path)?;
        let mut merge = Merge::default();
        let mut waiting = chunks.next().doing("read", &self.path)?;
        loop {
            while let Some(found) = waiting.take_if(|next| merge.is_due(next.0)) {
                merge.open(found, &names).doing("read", &self.path)?;
                waiting = chunks.next().doing("read", &self.path)?;
            }
            let Some((series, emission, point)) = merge.pop().doing("read", &self.path)? else {
                return Ok(());
            };
            let Some((symbol, _)) = names.get(&series) else {
                continue;
            };
            let symbol = Arc::clone(symbol);
            let row = PointRow {
                emission,
                symbol,
                point,
            };
            if (from..=to).contains(&row.point.time) && each(row).is_break() {
                return Ok(());
            }
        }
    }
}

/// The series of `filter`.
pub(super) fn names(conn: &Connection, filter: &SeriesFilter<'_>) -> rusqlite::Result<Names> {
    let mut select = conn.prepare_cached("SELECT id, symbol, window_ns FROM series")?;
    let mut rows = select.query([])?;
    let (mut names, mut symbols) = (Names::new(), BTreeMap::<String, Arc<str>>::new());
    while let Some(row) = rows.next()? {
        let (symbol, window): (String, Span) = (row.get(1)?, Span::from_ns(row.get(2)?));
        if filter.symbol.is_some_and(|wanted| wanted != symbol)
            || filter.window.is_some_and(|wanted| wanted != window)
        {
            continue;
        }
        let text = Arc::clone(
            symbols
                .entry(symbol)
                .or_insert_with_key(|symbol| Arc::from(symbol.as_str())),
        );
        names.insert(row.get(0)?, (text, window));
    }
    Ok(names)
}

/// The chunks of a filter by their numbers.
enum Chunks<'c, 's> {
    /// All series: the table as it lies.
    Scan(Rows<'s>),
    /// A few series: their numbers from the indexes, each body fetched on its own.
    List(std::vec::IntoIter<i64>, &'s mut CachedStatement<'c>),
}

/// Number, series and body of a chunk.
type Found = (i64, i64, Vec<u8>);

impl<'c, 's> Chunks<'c, 's> {
    fn sql(filter: &SeriesFilter<'_>) -> &'static str {
        if filter.symbol.is_none() {
            "SELECT id, series, body FROM chunk WHERE last_ns >= ?1 AND first_ns <= ?2 ORDER BY id"
        } else {
            "SELECT id, series, body FROM chunk WHERE id = ?1"
        }
    }

    fn new(
        conn: &Connection,
        filter: &SeriesFilter<'_>,
        names: &Names,
        bodies: &'s mut CachedStatement<'c>,
    ) -> rusqlite::Result<Self> {
        let (from, to) = (
            filter.from.unwrap_or(i64::MIN),
            filter.to.unwrap_or(i64::MAX),
        );
        if filter.symbol.is_none() {
            return Ok(Self::Scan(bodies.query([from, to])?));
        }
        let mut ids = Vec::new();
        for series in names.keys() {
            let heads = read::heads(conn, *series, from, to)?;
            ids.extend(heads.into_iter().map(|head| head.id));
        }
        ids.sort_unstable();
        Ok(Self::List(ids.into_iter(), bodies))
    }

    fn next(&mut self) -> rusqlite::Result<Option<Found>> {
        let found = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        match self {
            Self::Scan(rows) => rows.next()?.map(found).transpose(),
            Self::List(ids, bodies) => ids
                .next()
                .map(|id| bodies.query_row([id], found))
                .transpose(),
        }
    }
}

/// Open chunks by the emission number of their next point.
#[derive(Default)]
struct Merge {
    heap: BinaryHeap<Reverse<(u64, usize)>>,
    open: Vec<Option<Open>>,
    free: Vec<usize>,
}

struct Open {
    series: i64,
    next: Point,
    rest: Chunk,
}

impl Merge {
    /// Whether the chunk with this number comes before every open point.
    fn is_due(&self, id: i64) -> bool {
        self.heap
            .peek()
            .is_none_or(|Reverse((emission, _))| id.cast_unsigned() < *emission)
    }

    /// Opens a chunk, if its series is wanted.
    fn open(&mut self, (id, series, body): Found, names: &Names) -> Result<(), Damage> {
        let Some((_, window)) = names.get(&series) else {
            return Ok(());
        };
        let mut rest = Chunk::open(id, *window, body)?;
        let Some((emission, next)) = rest.next().transpose()? else {
            return Ok(());
        };
        let open = Some(Open { series, next, rest });
        let slot = self.free.pop().unwrap_or(self.open.len());
        match self.open.get_mut(slot) {
            Some(place) => *place = open,
            None => self.open.push(open),
        }
        self.heap.push(Reverse((emission, slot)));
        Ok(())
    }

    fn pop(&mut self) -> Result<Option<(i64, u64, Point)>, Damage> {
        let Some(Reverse((emission, slot))) = self.heap.pop() else {
            return Ok(None);
        };
        let place = self.open.get_mut(slot).expect("the heap names open slots");
        let open = place.as_mut().expect("the heap names open slots");
        let series = open.series;
        let point = if let Some((emission, next)) = open.rest.next().transpose()? {
            self.heap.push(Reverse((emission, slot)));
            std::mem::replace(&mut open.next, next)
        } else {
            self.free.push(slot);
            place.take().expect("the heap names open slots").next
        };
        Ok(Some((series, emission, point)))
    }
}
