//! The log as its users see it, on simulated storage and on a real folder.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic like tests")]

mod rng;
mod sim_file;
mod sim_storage;

mod crash;
mod damage;
mod directory;
mod faults;
mod fixtures;
mod group;
mod reading;
mod retention;
