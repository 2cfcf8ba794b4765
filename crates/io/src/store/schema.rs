//! The tables, and how a file is recognised, created and opened.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{Context, StoreError};
use super::migrate;

/// The file of the store in a data directory.
pub const FILE_NAME: &str = "store.sqlite";

/// `SuSt`: marks the file as a store of stock-up.
pub const APPLICATION_ID: i64 = 0x5375_5374;

/// The format that is written; described in `docs/formats/store.md`.
pub const STORE_FORMAT: i64 = 2;

/// How long a writer or reader waits for a lock that another process holds for a moment.
const BUSY_MS: u64 = 5_000;

const TABLES: &str = "
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    symbol TEXT NOT NULL,
    window_ns INTEGER NOT NULL,
    UNIQUE (symbol, window_ns)
) STRICT;
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL,
    points INTEGER NOT NULL,
    body BLOB NOT NULL,
    last_emission INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX fresh ON chunk (series, last_ns, first_ns) WHERE tier = 0;
CREATE INDEX packed ON chunk (series, last_ns, first_ns) WHERE tier = 1;
CREATE INDEX coarse ON chunk (series, last_ns, first_ns) WHERE tier = 2;
CREATE INDEX emitted ON chunk (last_emission);
CREATE TABLE gap (
    id INTEGER PRIMARY KEY,
    from_ns INTEGER NOT NULL,
    to_ns INTEGER,
    symbols TEXT NOT NULL,
    cause TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE TABLE checkpoint (
    generation INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    next_emission INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
";

/// Opens or creates the file for writing; says whether it is new.
pub(crate) fn open_writer(path: &Path) -> Result<(Connection, bool), StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
        Ok(conn)
    };
    let conn = open().doing("open", path)?;
    let found = check_format(&conn, path)?;
    prepare(&conn).doing("open", path)?;
    match found {
        None => create(&conn).doing("create", path)?,
        Some(1) => migrate::from_1(&conn).doing("bring to the new format", path)?,
        Some(_) => {}
    }
    Ok((conn, found.is_none()))
}

/// Opens the file for reading, beside a writer.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
        conn.set_prepared_statement_cache_capacity(32);
        // Without it SQLite plans a statement anew whenever a bound value changes.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(conn)
    };
    let conn = open().doing("open", path)?;
    if check_format(&conn, path)?.is_none() {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
        });
    }
    Ok(conn)
}

fn prepare(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
    conn.set_prepared_statement_cache_capacity(32);
    Ok(())
}

fn create(conn: &Connection) -> rusqlite::Result<()> {
    let tx = conn.unchecked_transaction()?;
    tx.execute_batch(TABLES)?;
    tx.execute_batch(
        "INSERT INTO meta VALUES ('instance', lower(hex(randomblob(16)))), ('next_emission', 0)",
    )?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", STORE_FORMAT)?;
    tx.commit()
}

/// The format of the file, `None` if it is empty; an error if it is no store that is known.
fn check_format(conn: &Connection, path: &Path) -> Result<Option<i64>, StoreError> {
    let read = || -> rusqlite::Result<(i64, i64, i64)> {
        Ok((
            conn.pragma_query_value(None, "application_id", |row| row.get(0))?,
            conn.pragma_query_value(None, "user_version", |row| row.get(0))?,
            conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?,
        ))
    };
    let (application, version, tables) = read().doing("read", path)?;
    if (application, version, tables) == (0, 0, 0) {
        return Ok(None);
    }
    if application != APPLICATION_ID {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
        });
    }
    if version > STORE_FORMAT {
        return Err(StoreError::TooNew {
            path: path.to_owned(),
            found: version,
            known: STORE_FORMAT,
        });
    }
    Ok(Some(version))
}

/// How the cursor of a sink is called in `meta`.
pub(crate) fn cursor_key(sink: &str) -> String {
    format!("cursor:{sink}")
}

/// Reads a number of `meta`.
pub(crate) fn meta_number(conn: &Connection, key: &str) -> rusqlite::Result<i64> {
    conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
}
