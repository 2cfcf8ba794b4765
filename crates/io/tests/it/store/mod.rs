//! The store: what is saved together, what survives a crash, what is read back.

mod commits;
mod crash;
mod emitted;
mod open;
mod reading;
mod retention;
pub(crate) mod run;
