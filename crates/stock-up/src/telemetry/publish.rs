//! What goes from the log to the queue, and comes from there.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::declare::Declare;

/// What goes from the log to the queue, and comes from there.
#[derive(Debug)]
pub(crate) struct PublishMetrics {
    /// Messages that the queue confirmed.
    pub(crate) messages: Counter,
    /// Records of the log that the queue has not confirmed.
    pub(crate) lag: Gauge,
    /// Partitions of the queue that are analysed here.
    pub(crate) partitions: Gauge,
}

impl PublishMetrics {
    pub(super) fn declare(d: &mut Declare) -> Self {
        Self {
            messages: d.counter(
                "stock_up_published_messages",
                "Messages that the queue has confirmed.",
            ),
            lag: d.gauge(
                "stock_up_publish_lag_records",
                "Records of the log that the queue has not confirmed yet.",
            ),
            partitions: d.gauge(
                "stock_up_queue_partitions",
                "Partitions of the queue that are analysed here.",
            ),
        }
    }
}
