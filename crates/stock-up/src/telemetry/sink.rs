//! What goes to a sink, and what does not.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::declare::{CounterBy, Declare};

/// The metrics of a sink; a clone counts in the same place.
#[derive(Debug, Clone)]
pub(crate) struct SinkMetrics {
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

impl SinkMetrics {
    pub(super) fn influxdb(d: &mut Declare) -> Self {
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

    pub(super) fn kafka(d: &mut Declare) -> Self {
        Self {
            points: d.counter(
                "stock_up_kafka_points",
                "Points that are in the topic of points.",
            ),
            dropped: d.counter_by(
                "stock_up_kafka_points_dropped",
                "reason",
                "Points that will never be in the topic of points.",
            ),
            failures: d.counter_by(
                "stock_up_kafka_points_failures",
                "reason",
                "Transactions of points that failed and are tried again.",
            ),
            lag: d.gauge(
                "stock_up_kafka_points_lag_points",
                "Points that were emitted and are not in the topic of points yet.",
            ),
            write: d.seconds(
                "stock_up_kafka_points_write_seconds",
                "Time of a transaction of points.",
            ),
        }
    }
}
