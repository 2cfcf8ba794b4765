//! What goes from the log to the queue.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::declare::Declare;

/// What goes from the log to the queue.
#[derive(Debug)]
pub(crate) struct PublishMetrics {
    /// Messages that the queue confirmed.
    pub(crate) messages: Counter,
    /// Records of the log that the queue has not confirmed.
    pub(crate) lag: Gauge,
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
        }
    }
}
