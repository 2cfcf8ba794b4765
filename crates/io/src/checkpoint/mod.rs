//! Checkpoints of the analyzer that several machines share, in Redis.
//!
//! One hash per name (a source and a partition) holds an epoch, who holds it, and one value with
//! position, next emission, checksum and state: position and state never part. Whoever starts
//! claims the name and raises the epoch; whoever has another epoch is refused with
//! [`CheckpointError::Fenced`] and must end. The bytes are described in
//! `docs/formats/shared-checkpoint.md`.
//!
//! Calls block, for a bounded time: they belong on a thread of their own.
//!
//! Try it: `redis-server & STOCK_UP__REDIS__URL=redis://127.0.0.1 stock-up run`, then
//! `redis-cli --scan --pattern 'stock-up:*'`.

mod codec;
mod error;
#[cfg(feature = "redis")]
mod options;
#[cfg(feature = "redis")]
mod redis;

pub use codec::{Damage, MAX_STATE_BYTES, SHARED_CHECKPOINT_FORMAT, SharedCheckpoint};
pub use error::CheckpointError;
#[cfg(feature = "redis")]
pub use options::RedisOptions;
#[cfg(feature = "redis")]
pub use redis::{Claim, Saved, SharedCheckpoints};
