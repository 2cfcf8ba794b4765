//! The embedded store: series, gaps and checkpoints in one `SQLite` file.
//!
//! One transaction saves the analyzer's state, its position in the log and the points it emitted up
//! to there, so a crash leaves all of them or none: whoever reads the store sees what an
//! uninterrupted run would have written up to that position. Points are held in chunks, one per
//! series and commit, packed by [`codec`]; `maintain` packs, thins and deletes them as they age
//! by the log's time. Readers have connections of their own, in this process or another, and never
//! wait for the writer. The file is described in `docs/formats/store.md`.
//!
//! Try it: `sqlite3 DIR/store.sqlite 'select symbol, count(*) from series join chunk on series.id =
//! series'`.

mod age;
pub mod checkpoint;
pub mod codec;
mod emitted;
mod error;
mod export;
mod gap;
mod maintain;
mod migrate;
mod pack;
mod pool;
mod read;
mod retention;
mod row;
mod schema;
mod thin;
mod verify;
mod write;

pub use checkpoint::Checkpoint;
pub use emitted::EmittedPage;
pub use error::{Damage, StoreError};
pub use export::SeriesFilter;
pub use gap::{Gap, GapFilter, GapState};
pub use maintain::Upkeep;
pub use pool::ReaderPool;
pub use read::{Series, SeriesQuery, StoreReader, SymbolSeries};
pub use retention::{RetentionError, RetentionPolicy};
pub use row::{NewPoint, PointRow};
pub use schema::{APPLICATION_ID, FILE_NAME, STORE_FORMAT};
pub use verify::StoreReport;
pub use write::{Commit, Progress, Store};
