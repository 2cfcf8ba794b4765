//! What a message holds: `docs/formats/queue.md`, version 1.
//!
//! Protobuf, so that programs in other languages can read the trades; the records are those of the
//! log, one partition of it.

mod read;
mod wire;
mod write;

use stock_up_core::Record;
use thiserror::Error;

pub use read::decode;
pub use write::encode;

/// Version of the messages that this code writes, and the newest it reads.
pub const QUEUE_FORMAT: u32 = 1;

/// Longest message in bytes that is read; a writer stays far below.
pub const MAX_MESSAGE_BYTES: usize = 8 << 20;

/// Where the records of a message stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Identity of the log that they come from.
    pub source: [u8; 16],
    /// Which partition of it.
    pub partition: u32,
    /// Into how many it is split.
    pub partitions: u32,
    /// Sequence number of the first record, in the partition.
    pub first_seq: u64,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Where its records stand.
    pub header: Header,
    /// The records, without a hole.
    pub records: Vec<Record>,
}

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// No byte at all: a tombstone, or a foreign producer.
    #[error("the message is empty")]
    Empty,
    /// More bytes than any of ours.
    #[error("the message has {0} bytes, more than the 8 MiB that one may have")]
    TooLong(usize),
    /// Written by a newer program.
    #[error("message format {0} is newer than supported {QUEUE_FORMAT}; upgrade stock-up")]
    Newer(u32),
    /// A Python pickle, as the seed system put on its topic.
    #[error("looks like a Python pickle; refusing it, because unpickling runs code")]
    Pickle,
    /// Text where Protobuf should be.
    #[error("looks like JSON; another program writes here")]
    Json,
    /// Not the Protobuf of `queue.proto`.
    #[error("the message is damaged or not ours: {0}")]
    Foreign(String),
    /// A field has a value that no message of ours has.
    #[error("record {record} of the message: {what}")]
    Invalid {
        /// Its place in the message, from 0.
        record: usize,
        /// What is wrong with which field.
        what: &'static str,
    },
}

#[cfg(test)]
mod tests;
