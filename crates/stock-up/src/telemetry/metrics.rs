//! Every metric of the program, declared once: name, kind, labels and what it means.
//!
//! Names are `stock_up_<subject>_<unit>`, base units; the encoder adds `_total` to counters. Labels
//! take a handful of values that the code names, never a symbol or an address, so that the number
//! of series is bounded.

use std::fmt::Write as _;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::commits::Commits;
use super::contact::Services;
use super::declare::{CounterBy, Declare, MetricDoc};
use super::pipeline::Pipeline;
use super::publish::PublishMetrics;
use super::sink::SinkMetrics;

/// The metrics of the process. Fields are what the roles count with.
#[derive(Debug)]
pub(crate) struct Telemetry {
    registry: Registry,
    docs: Vec<MetricDoc>,
    /// Where every trade is.
    pub(crate) pipeline: Pipeline,
    /// How long records wait for the disk.
    pub(crate) log_commits: Commits,
    /// Frames that the venue sent.
    pub(crate) feed_frames: Counter,
    /// Frames that could not be read, by `reason`.
    pub(crate) feed_bad_frames: CounterBy,
    /// Connections that were lost or refused, by `cause`.
    pub(crate) feed_disconnects: CounterBy,
    /// 1 while the feed is live.
    pub(crate) feed_live: Gauge,
    /// Gaps that are open.
    pub(crate) gaps_open: Gauge,
    /// How long a write to the store took.
    pub(crate) store_write: Histogram,
    /// What goes to `InfluxDB`.
    pub(crate) influxdb: SinkMetrics,
    /// What goes to the topic of points.
    #[cfg_attr(
        not(feature = "kafka"),
        expect(dead_code, reason = "only Kafka counts")
    )]
    pub(crate) kafka_points: SinkMetrics,
    /// What goes to the queue and comes from it.
    pub(crate) publish: PublishMetrics,
    /// Whether etcd, Redis and the queue answer.
    pub(crate) services: Services,
    /// Changes of the settings that were refused.
    pub(crate) settings_refused: Counter,
    /// Answers, by `code`.
    pub(crate) http_responses: CounterBy,
    /// Connections that are open.
    pub(crate) http_connections: Gauge,
    /// Connections that were turned away, by `reason`.
    pub(crate) http_connections_refused: CounterBy,
    /// Clients of the live stream.
    pub(crate) live_clients: Gauge,
    /// Clients of the live stream that were dropped because they did not read.
    pub(crate) live_clients_dropped: Counter,
    /// Points that were not pushed because too many waited.
    pub(crate) live_points_dropped: Counter,
}

impl Telemetry {
    /// All metrics, at zero.
    pub(crate) fn new() -> Self {
        let pipeline = Pipeline::default();
        let mut declare = Declare::default();
        let d = &mut declare;
        d.pipeline(&pipeline);
        Self {
            pipeline,
            log_commits: Commits::new(d.seconds(
                "stock_up_log_commit_seconds",
                "Time from a record's append until it is durable and can be read.",
            )),
            feed_frames: d.counter("stock_up_feed_frames", "Frames that the venue sent."),
            feed_bad_frames: d.counter_by(
                "stock_up_feed_bad_frames",
                "reason",
                "Frames that could not be read; each may have held trades.",
            ),
            feed_disconnects: d.counter_by(
                "stock_up_feed_disconnects",
                "cause",
                "Connections to the venue that were lost or refused.",
            ),
            feed_live: d.gauge(
                "stock_up_feed_live",
                "1 while the feed is live, otherwise 0.",
            ),
            gaps_open: d.gauge(
                "stock_up_gaps_open",
                "Gaps in the observation that are open.",
            ),
            store_write: d.seconds(
                "stock_up_store_write_seconds",
                "Time of a write of points to the store.",
            ),
            influxdb: SinkMetrics::influxdb(d),
            kafka_points: SinkMetrics::kafka(d),
            publish: PublishMetrics::declare(d),
            services: d.services(),
            settings_refused: d.counter(
                "stock_up_settings_refused",
                "Changes of the settings that were refused; the old ones stayed.",
            ),
            http_responses: d.counter_by(
                "stock_up_http_responses",
                "code",
                "Answers of the HTTP server, by status.",
            ),
            http_connections: d.gauge(
                "stock_up_http_connections",
                "Connections to the HTTP server that are open.",
            ),
            http_connections_refused: d.counter_by(
                "stock_up_http_connections_refused",
                "reason",
                "Connections that were turned away.",
            ),
            live_clients: d.gauge("stock_up_live_clients", "Clients of the live stream."),
            live_clients_dropped: d.counter(
                "stock_up_live_clients_dropped",
                "Clients of the live stream that were dropped: they did not read.",
            ),
            live_points_dropped: d.counter(
                "stock_up_live_points_dropped",
                "Points that were not pushed, as too many waited; the store has them.",
            ),
            registry: declare.registry,
            docs: declare.docs,
        }
    }

    /// The text for Prometheus (`OpenMetrics` 1.0).
    pub(crate) fn prometheus_text(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)
            .expect("writing to a String does not fail");
        text
    }
}

/// `docs/metrics.md`, made from the declarations.
pub(crate) fn metrics_markdown() -> String {
    let mut text = "# Metrics\n\n\
        What `GET /metrics` tells Prometheus about the program itself.\n\
        This page is generated by `cargo xtask docs`; the declarations are in `crates/stock-up/src/telemetry/metrics.rs`.\n\n\
        At every moment `received = applied + duplicate + ineligible + late_dropped + refused + in_flight`, counted since the start of the process; `late_dropped` is the sum over its causes.\n\n\
        | metric | kind | label | meaning |\n|---|---|---|---|\n"
        .to_owned();
    for doc in Telemetry::new().docs {
        let suffix = if doc.kind == "counter" { "_total" } else { "" };
        let label = match doc.label {
            "" => "–".to_owned(),
            label => format!("`{label}`"),
        };
        writeln!(
            text,
            "| `{}{suffix}` | {} | {label} | {} |",
            doc.name, doc.kind, doc.help
        )
        .expect("writing to a String does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use stock_up_core::LateDropped;

    use super::*;
    use crate::telemetry::Settled;

    #[test]
    fn every_metric_is_in_the_text_and_in_the_page() {
        let telemetry = Telemetry::new();
        let (text, page) = (telemetry.prometheus_text(), metrics_markdown());
        for doc in &telemetry.docs {
            assert!(doc.name.starts_with("stock_up_"), "{}", doc.name);
            // A labelled metric is written once it has a value.
            let help = format!("# HELP {} ", doc.name);
            assert!(!doc.label.is_empty() || text.contains(&help), "{help}");
            assert!(page.contains(&format!("`{}", doc.name)), "{}", doc.name);
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn the_counters_of_trades_agree_in_the_text() {
        let telemetry = Telemetry::new();
        telemetry.pipeline.received(7);
        let settled = Settled {
            applied: 2,
            late_dropped: LateDropped {
                delayed: 1,
                out_of_order: 2,
            },
            refused: 1,
            ..Settled::default()
        };
        telemetry.pipeline.settled(settled, 0);
        let text = telemetry.prometheus_text();
        for line in [
            "stock_up_trades_received_total 7\n",
            "stock_up_trades_applied_total 2\n",
            "stock_up_trades_late_dropped_total{cause=\"delayed\"} 1\n",
            "stock_up_trades_late_dropped_total{cause=\"out_of_order\"} 2\n",
            "stock_up_trades_refused_total 1\n",
            "stock_up_trades_in_flight 1\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
