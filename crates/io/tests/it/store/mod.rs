//! The store: what is saved together, what survives a crash, what is read back.

mod commits;
mod crash;
mod open;
mod reading;
mod retention;
mod run;
