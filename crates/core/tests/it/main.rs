//! The analyzer against a naive model, over inputs that markets and faults produce.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod analyzer;
mod due;
mod feed;
mod late;
mod many;
mod model;
mod partition;
