//! What the program says about itself: its own metrics, as numbers and as a document.
//!
//! [`metrics`] declares every metric once, with its help text; the text for Prometheus and
//! `docs/metrics.md` are both made from that. [`pipeline`] holds the counters whose sum must agree
//! at every moment.

mod commits;
mod contact;
mod declare;
mod metrics;
mod pipeline;
mod publish;
mod sink;

pub(crate) use contact::Contact;
pub(crate) use metrics::{Telemetry, metrics_markdown};
pub(crate) use pipeline::{Counts, Settled};
pub(crate) use sink::SinkMetrics;
