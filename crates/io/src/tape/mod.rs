//! Trade files ("tapes"): CSV, also gzipped, read into batches and written by `export trades`.
//!
//! `timestamp_ns,symbol,price,size,conditions`, rows in the order of arrival; `conditions` may be
//! absent, and the columns `ts_recv_ns,seq` that export adds are passed over. The reader takes most
//! rows by a fast path that knows how numbers look and what stood in the row before; whatever is
//! unusual (quotes, long numbers, mistakes) goes to a slow one that splits by RFC 4180 and can say
//! what is wrong.

mod ahead;
mod error;
mod header;
mod memo;
pub(crate) mod number;
mod reader;
mod row;
mod source;
mod split;
mod writer;

pub use ahead::ReadAhead;
pub use error::{RowProblem, TapeError};
pub use reader::{DEFAULT_BATCH_ROWS, TapeReader};
pub use writer::{TapeFormat, TapeWriter};
