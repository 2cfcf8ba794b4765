//! What goes to `InfluxDB`, and what does not.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::declare::{CounterBy, Declare};

/// The metrics of the sink for `InfluxDB`.
#[derive(Debug)]
pub(crate) struct InfluxdbMetrics {
    /// Points that it took.
    pub(crate) points: Counter,
    /// What will never be in it, by `reason`.
    pub(crate) dropped: CounterBy,
    /// Writes that are tried again, by `reason`.
    pub(crate) failures: CounterBy,
    /// Points that were emitted and are not acknowledged.
    pub(crate) lag: Gauge,
    /// How long a write of a batch took.
    pub(crate) write: Histogram,
}

impl InfluxdbMetrics {
    pub(super) fn declare(d: &mut Declare) -> Self {
        Self {
            points: d.counter(
                "stock_up_influxdb_points",
                "Points that InfluxDB took, at least in part.",
            ),
            dropped: d.counter_by(
                "stock_up_influxdb_dropped",
                "reason",
                "Lines that InfluxDB will never take, and points that the store had let go of.",
            ),
            failures: d.counter_by(
                "stock_up_influxdb_failures",
                "reason",
                "Writes to InfluxDB that failed and are tried again.",
            ),
            lag: d.gauge(
                "stock_up_influxdb_lag_points",
                "Points that were emitted and are not acknowledged by InfluxDB.",
            ),
            write: d.seconds(
                "stock_up_influxdb_write_seconds",
                "Time of a write of a batch to InfluxDB.",
            ),
        }
    }
}
