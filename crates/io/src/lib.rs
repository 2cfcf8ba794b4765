//! Every adapter of stock-up: what touches a socket, a file or a clock.
//!
//! Adapters are thin and know only the domain of `stock-up-core`; the binary chooses among them
//! once, at wiring.

mod backoff;
mod chance;
pub mod checkpoint;
pub mod clock;
pub mod feed;
pub mod form;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod queue;
pub mod settings;
pub mod sink;
pub mod store;
pub mod tape;
pub mod text;
