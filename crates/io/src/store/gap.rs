//! Gaps: intervals in which trades may have been missed.

use std::path::Path;

use rusqlite::{Connection, params};
use stock_up_core::GapCause;

use super::error::{Context, Damage, StoreError};

/// Most gaps that one question answers; the newest are kept.
const MAX_GAPS: usize = 10_000;

/// An interval in which trades may have been missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The position of the record that opened it: the same gap has the same number, whoever tells
    /// it.
    pub id: u64,
    /// The last moment at which the feed was provably live.
    pub from: i64,
    /// When it was observed again; `None` while it is not.
    pub to: Option<i64>,
    /// Whose trades; empty for every symbol.
    pub symbols: Vec<String>,
    /// Why.
    pub cause: GapCause,
    /// What became of it.
    pub state: GapState,
}

/// What became of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapState {
    /// The feed is not observed yet.
    Open,
    /// Observed again; what was missed stays missed.
    GivenUp,
    /// Observed again, and what was missed was fetched.
    Filled,
}

impl GapState {
    const ALL: [Self; 3] = [Self::Open, Self::GivenUp, Self::Filled];

    /// The state as one word for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::GivenUp => "given_up",
            Self::Filled => "filled",
        }
    }
}

/// Which gaps to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct GapFilter<'a> {
    /// Only those that touch this symbol.
    pub symbol: Option<&'a str>,
    /// Only those that end at or after this time, or not at all.
    pub from: Option<i64>,
    /// Only those that begin at or before this time.
    pub to: Option<i64>,
}

const CAUSES: [GapCause; 5] = [
    GapCause::Disconnected,
    GapCause::Silent,
    GapCause::Stopped,
    GapCause::Overload,
    GapCause::BadFrames,
];

/// Stores the newest state of `gaps`.
pub(crate) fn store(conn: &Connection, gaps: &[Gap]) -> rusqlite::Result<()> {
    let mut insert =
        conn.prepare_cached("INSERT OR REPLACE INTO gap VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for gap in gaps {
        insert.execute(params![
            gap.id.cast_signed(),
            gap.from,
            gap.to,
            // Symbols hold neither commas nor line ends.
            gap.symbols.join(","),
            gap.cause.name(),
            gap.state.name(),
        ])?;
    }
    Ok(())
}

/// The gaps of `filter`, oldest first.
pub(crate) fn read(
    conn: &Connection,
    path: &Path,
    filter: &GapFilter<'_>,
) -> Result<Vec<Gap>, StoreError> {
    let select = || -> rusqlite::Result<Vec<Result<Gap, Damage>>> {
        conn.prepare_cached(
            "SELECT id, from_ns, to_ns, symbols, cause, state FROM gap \
             WHERE from_ns <= ?2 AND (to_ns IS NULL OR to_ns >= ?1) ORDER BY from_ns DESC, id DESC",
        )?
        .query_map(
            [
                filter.from.unwrap_or(i64::MIN),
                filter.to.unwrap_or(i64::MAX),
            ],
            decode,
        )?
        .filter(|gap| match gap {
            Ok(Ok(gap)) => touches(gap, filter.symbol),
            _ => true,
        })
        .take(MAX_GAPS)
        .collect()
    };
    let gaps = select().doing("read the gaps of", path)?;
    let mut gaps: Vec<Gap> = gaps
        .into_iter()
        .collect::<Result<_, _>>()
        .doing("read the gaps of", path)?;
    gaps.reverse();
    Ok(gaps)
}

fn touches(gap: &Gap, symbol: Option<&str>) -> bool {
    gap.symbols.is_empty() || symbol.is_none_or(|symbol| gap.symbols.iter().any(|s| s == symbol))
}

fn decode(row: &rusqlite::Row<'_>) -> rusqlite::Result<Result<Gap, Damage>> {
    let id: i64 = row.get(0)?;
    let (symbols, cause, state): (String, String, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let (from, to) = (row.get(1)?, row.get(2)?);
    let unknown = |what, found| Damage::Gap { id, what, found };
    let named = || {
        Ok(Gap {
            id: id.cast_unsigned(),
            from,
            to,
            symbols: symbols
                .split(',')
                .filter(|symbol| !symbol.is_empty())
                .map(str::to_owned)
                .collect(),
            cause: CAUSES
                .into_iter()
                .find(|known| known.name() == cause)
                .ok_or_else(|| unknown("cause", cause))?,
            state: GapState::ALL
                .into_iter()
                .find(|known| known.name() == state)
                .ok_or_else(|| unknown("state", state))?,
        })
    };
    Ok(named())
}
