//! The pure domain of stock-up: exact decimals, trades, records, sliding windows and the analyzer.
//!
//! No I/O, no clock, no randomness, no async: everything here is a function of its arguments, and the
//! analyzer is a function of the log.

#![warn(missing_docs, clippy::indexing_slicing, clippy::float_arithmetic)]

pub mod bytes;
pub mod decimal;
pub mod names;
pub mod point;
pub mod record;
pub mod settings;
pub mod span;
pub mod trade;
mod unit;

pub use decimal::{Decimal, DecimalError};
pub use names::{NameId, Names};
pub use point::{Metrics, Point, Status, SymbolId, Volume};
pub use record::{Clock, FeedChange, FeedEvent, GapCause, Record, SettingsEpoch, Tick};
pub use settings::{AnalyzerSettings, Conditions, SettingsError};
pub use span::{Span, SpanError};
pub use trade::{Trade, TradeBatch};
