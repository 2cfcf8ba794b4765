//! What can go wrong with shared checkpoints, by what is done next.

use thiserror::Error;

use super::codec::MAX_STATE_BYTES;

/// Why a checkpoint is not shared.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// A value of the configuration cannot be used.
    #[error("[redis] {0}")]
    Config(String),
    /// Name or password are wrong or missing, or the user may not do what is needed.
    #[error("redis {place} refuses us: {why}; set [redis] password_file, or grant the rights")]
    Login {
        /// Its address.
        place: String,
        /// What it says.
        why: String,
    },
    /// The server may throw checkpoints away.
    #[error(
        "redis {place} may throw checkpoints away: its maxmemory-policy is `{policy}`; set it to \
         `noeviction`"
    )]
    Evicts {
        /// Its address.
        place: String,
        /// What it does when its memory is full.
        policy: String,
    },
    /// Another analyzer has taken over: this one must end.
    #[error("fenced by epoch {epoch}: `{by}` has taken over `{name}`; this analyzer ends")]
    Fenced {
        /// Whose checkpoint it is.
        name: String,
        /// The epoch of the other.
        epoch: u64,
        /// Who it is.
        by: String,
    },
    /// The state is larger than may be shared.
    #[error("a state of {0} bytes is not shared; at most {MAX_STATE_BYTES} are")]
    TooLarge(usize),
    /// Nothing answers, or not in time, or it cannot write now: trying again may work.
    #[error("redis {place} does not answer as it should: {why}")]
    Unavailable {
        /// Its address.
        place: String,
        /// What happened.
        why: String,
    },
}
