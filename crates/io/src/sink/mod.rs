//! Sinks: where points go besides the embedded store.
//!
//! A [`Sink`] has one idempotent `write`. [`Delivery`] owns one, hands it points in the order of
//! emission, live from a [`Tail`] or from the store where the tail does not reach back, and tries
//! again for ever; so a sink may be slow or away for hours and ends up with what an uninterrupted
//! run would have given it. [`influx`] writes to `InfluxDB`, [`memory`] keeps points for tests.

pub mod delivery;
pub mod influx;
pub mod memory;
mod tail;

use std::time::Duration;

use thiserror::Error;

pub use delivery::{Delivery, DeliverySettings, Left, Watch};
pub use influx::{InfluxSettings, InfluxSink};
pub use memory::MemorySink;
pub use tail::Tail;

/// Takes batches of `T`. Writing an item again, or with a higher revision, replaces it.
pub trait Sink<T>: Send {
    /// Writes `batch`, which is in the order of emission. An error means that any part of it may
    /// have been written, and that all of it must be written again.
    fn write(&mut self, batch: &[T]) -> impl Future<Output = Result<Written, SinkError>> + Send;

    /// How many items one write takes at best, at least 1; it may change with the answers.
    fn batch_items(&self) -> usize;
}

/// What became of a batch that was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Items that were written, at least in part.
    pub written: u64,
    /// Items that are not meant for this sink.
    pub skipped: u64,
    /// What the sink's server will never take.
    pub dropped: Vec<Dropped>,
}

/// Some of a batch that the server will never take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Why, for counting.
    pub cause: DropCause,
    /// How much: lines of text for `InfluxDB`, items elsewhere.
    pub lines: u64,
    /// Why, for people: with what to do about it, and without secrets.
    pub reason: String,
}

/// Why something is not in a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropCause {
    /// The server keeps nothing so old.
    BeyondRetention,
    /// A field holds another type already.
    TypeConflict,
    /// The server cannot read the line.
    Unparsable,
    /// A limit of the server, or a value that the layout cannot hold.
    Refused,
    /// Our own store had let go of it before it could be sent.
    StoreRetention,
}

impl DropCause {
    /// The word of the metrics and of the dead-letter file.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeyondRetention => "beyond_retention",
            Self::TypeConflict => "type_conflict",
            Self::Unparsable => "unparsable",
            Self::Refused => "refused",
            Self::StoreRetention => "store_retention",
        }
    }
}

/// Why a batch was not taken, by what to do next. Nothing is dropped for any of them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SinkError {
    /// Time may mend it: nobody listens, too slow, overloaded. Try again soon.
    #[error("{reason}")]
    Unavailable {
        /// What happened, without secrets.
        reason: String,
        /// How long the server asks us to wait.
        retry_after: Option<Duration>,
    },
    /// Something is missing or wrong on either side, which people mend. Try again with patience.
    #[error("{reason}")]
    Misconfigured {
        /// What is wrong, where, and what to do.
        reason: String,
    },
    /// The key is wrong, or lacks a right. Try again rarely.
    #[error("{reason}")]
    Refused {
        /// What is wrong, where, and what to do.
        reason: String,
    },
}

impl SinkError {
    /// The word of the metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::Misconfigured { .. } => "misconfigured",
            Self::Refused { .. } => "refused",
        }
    }
}
