//! The adapters against files, sockets and recorded tapes.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic like tests")]

mod feed;
mod grafana;
mod python;
mod servers;
mod settings;
mod sink;
mod store;
mod tape;
mod tapes;
