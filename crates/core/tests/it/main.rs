//! The analyzer against a naive model, over inputs that markets and faults produce.

mod analyzer;
mod feed;
mod model;
