//! What can go wrong with a queue, by what to do next.

use thiserror::Error;

/// Why a producer or consumer has ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueueError {
    /// The broker is away, or the connection is: make a new one after a while.
    #[error("{broker}: {reason}; trying again")]
    Lost {
        /// Which broker, with its address and without secrets.
        broker: String,
        /// What happened.
        reason: String,
    },
    /// The broker refuses us: name, password or rights are wrong. Trying again soon is no use.
    #[error("{broker} refuses us: {reason}; check user, password and rights")]
    Refused {
        /// Which broker.
        broker: String,
        /// What it said.
        reason: String,
    },
    /// The broker holds something else than what is configured; a person has to decide.
    #[error("{broker}: {reason}")]
    Misconfigured {
        /// Which broker.
        broker: String,
        /// What is there, what was expected, and how to mend it.
        reason: String,
    },
    /// The broker no longer holds what comes next.
    #[error(
        "{broker}: partition {partition} is needed from {wanted} on, but begins at {first}; \
         what lies between is gone from the broker"
    )]
    Overtaken {
        /// Which broker, with topic or stream.
        broker: String,
        /// Which partition.
        partition: u32,
        /// The position that was asked for.
        wanted: u64,
        /// The first position that there is.
        first: u64,
    },
}

impl QueueError {
    /// Whether another try can help without a person doing something first.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }
}
