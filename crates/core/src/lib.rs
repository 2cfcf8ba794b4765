//! The pure domain of stock-up: exact decimals, trades, records, sliding windows and the analyzer.
//!
//! No I/O, no clock, no randomness, no async: everything here is a function of its arguments, and
//! the [`Analyzer`] is a function of the log.
//!
//! ```
//! use stock_up_core::{Analyzer, AnalyzerSettings, Decimal, Emission, TradeBatch};
//!
//! let mut batch = TradeBatch::default();
//! let price = Decimal::parse(b"167.42")?;
//! batch.push("SPY", 1_381_219_217_034_000_000, (price, Decimal::parse(b"210")?), "");
//!
//! let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Emission::Trade, 0);
//! let mut points = Vec::new();
//! analyzer.apply_trades(0, &batch, &mut points)?;
//! assert_eq!(points[0].metrics.vwap, Some(167.42));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(missing_docs, clippy::indexing_slicing, clippy::float_arithmetic)]

pub mod analyzer;
pub mod bytes;
pub mod decimal;
pub mod names;
pub mod partition;
pub mod point;
pub mod record;
pub mod settings;
pub mod span;
pub mod trade;

mod book;
mod coverage;
mod eligibility;
mod extreme;
mod metric;
mod moment;
mod prefetch;
mod ring;
mod series;
mod unit;
mod view;

pub use analyzer::{Analyzer, ApplyError, CheckpointError, Counters, Emission, LateDropped};
pub use decimal::{Decimal, DecimalError};
pub use names::{NameId, Names};
pub use point::{Metrics, Point, Status, SymbolId, Volume};
pub use record::{Clock, FeedChange, FeedEvent, GapCause, Record, SettingsEpoch, Tick, Watermark};
pub use settings::{AnalyzerSettings, Conditions, SettingsError};
pub use span::{Span, SpanError};
pub use trade::{Trade, TradeBatch};
