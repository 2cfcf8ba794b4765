//! Every metric of the program, declared once: name, kind, labels and what it means.
//!
//! Names are `stock_up_<subject>_<unit>`, base units; the encoder adds `_total` to counters. Labels
//! take a handful of values that the code names, never a symbol or an address, so that the number of
//! series is bounded.

use std::fmt::Write as _;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use super::pipeline::{Counts, Pipeline};

/// Upper bounds of latency buckets in seconds: half a millisecond to five seconds.
const LATENCY_BUCKETS: [f64; 11] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0,
];

/// A counter per value of one label.
pub(crate) type CounterBy = Family<[(&'static str, &'static str); 1], Counter>;

/// The metrics of the process. Fields are what the roles count with.
#[derive(Debug)]
pub(crate) struct Telemetry {
    registry: Registry,
    docs: Vec<MetricDoc>,
    /// Where every trade is.
    pub(crate) pipeline: Pipeline,
    /// Frames that the venue sent.
    pub(crate) feed_frames: Counter,
    /// Frames that could not be read, by `reason`.
    pub(crate) feed_bad_frames: CounterBy,
    /// Connections that were lost or refused, by `reason`.
    pub(crate) feed_disconnects: CounterBy,
    /// 1 while the feed is live.
    pub(crate) feed_live: Gauge,
    /// Gaps that are open.
    pub(crate) gaps_open: Gauge,
    /// How long a group commit took.
    pub(crate) log_commit: Histogram,
    /// How long a write to the store took.
    pub(crate) store_write: Histogram,
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

#[derive(Debug)]
struct MetricDoc {
    name: &'static str,
    kind: &'static str,
    label: &'static str,
    help: &'static str,
}

impl Telemetry {
    /// All metrics, at zero.
    pub(crate) fn new() -> Self {
        let mut declare = Declare::default();
        let pipeline = Pipeline::default();
        declare.pipeline(&pipeline);
        let d = &mut declare;
        Self {
            pipeline,
            feed_frames: d.counter("stock_up_feed_frames", "Frames that the venue sent."),
            feed_bad_frames: d.counter_by("stock_up_feed_bad_frames", "reason", "Frames that could not be read; each may have held trades."),
            feed_disconnects: d.counter_by("stock_up_feed_disconnects", "reason", "Connections to the venue that were lost or refused."),
            feed_live: d.gauge("stock_up_feed_live", "1 while the feed is live, otherwise 0."),
            gaps_open: d.gauge("stock_up_gaps_open", "Gaps in the observation that are open."),
            log_commit: d.histogram("stock_up_log_commit_seconds", "Time of a group commit to the log, from write to durable."),
            store_write: d.histogram("stock_up_store_write_seconds", "Time of a write of points to the store."),
            settings_refused: d.counter("stock_up_settings_refused", "Changes of the settings that were refused; the old ones stayed."),
            http_responses: d.counter_by("stock_up_http_responses", "code", "Answers of the HTTP server, by status."),
            http_connections: d.gauge("stock_up_http_connections", "Connections to the HTTP server that are open."),
            http_connections_refused: d.counter_by("stock_up_http_connections_refused", "reason", "Connections that were turned away."),
            live_clients: d.gauge("stock_up_live_clients", "Clients of the live stream."),
            live_clients_dropped: d.counter("stock_up_live_clients_dropped", "Clients of the live stream that were dropped because they did not read."),
            live_points_dropped: d.counter("stock_up_live_points_dropped", "Points that were not pushed to the page because too many waited; the store has them."),
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
        At every moment `received = applied + duplicate + ineligible + late_dropped + refused + in_flight`, counted since the start of the process.\n\n\
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

/// Registers a metric and writes it down in one step.
#[derive(Default)]
struct Declare {
    registry: Registry,
    docs: Vec<MetricDoc>,
}

impl Declare {
    fn counter(&mut self, name: &'static str, help: &'static str) -> Counter {
        self.add(name, ("counter", ""), help, Counter::default())
    }

    fn counter_by(
        &mut self,
        name: &'static str,
        label: &'static str,
        help: &'static str,
    ) -> CounterBy {
        self.add(name, ("counter", label), help, CounterBy::default())
    }

    fn gauge(&mut self, name: &'static str, help: &'static str) -> Gauge {
        self.add(name, ("gauge", ""), help, Gauge::default())
    }

    fn histogram(&mut self, name: &'static str, help: &'static str) -> Histogram {
        let histogram = Histogram::new(LATENCY_BUCKETS);
        self.add(name, ("histogram", ""), help, histogram)
    }

    fn add<M: Metric + Clone>(
        &mut self,
        name: &'static str,
        (kind, label): (&'static str, &'static str),
        help: &'static str,
        metric: M,
    ) -> M {
        // The encoder ends the help text with a full stop of its own.
        self.registry
            .register(name, help.trim_end_matches('.'), metric.clone());
        self.docs.push(MetricDoc {
            name,
            kind,
            label,
            help,
        });
        metric
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        self.registry
            .register_collector(Box::new(PipelineCollector(pipeline.clone())));
        for (name, kind, help, _) in PIPELINE {
            self.docs.push(MetricDoc {
                name,
                kind: kind.name(),
                label: "",
                help,
            });
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

type Reading = fn(&Counts) -> u64;

/// The counters of [`Pipeline`], read together so that they agree.
const PIPELINE: [(&str, Kind, &str, Reading); 10] = [
    (
        "stock_up_trades_received",
        Kind::Counter,
        "Trades that came in.",
        |c| c.received,
    ),
    (
        "stock_up_trades_applied",
        Kind::Counter,
        "Trades that moved a window.",
        |c| c.settled.applied,
    ),
    (
        "stock_up_trades_duplicate",
        Kind::Counter,
        "Trades that had been received before.",
        |c| c.settled.duplicate,
    ),
    (
        "stock_up_trades_ineligible",
        Kind::Counter,
        "Trades whose conditions let them move nothing.",
        |c| c.settled.ineligible,
    ),
    (
        "stock_up_trades_late_dropped",
        Kind::Counter,
        "Trades that came too late for every window.",
        |c| c.settled.late_dropped,
    ),
    (
        "stock_up_trades_refused",
        Kind::Counter,
        "Trades that could not be held: a value out of range, or no symbol.",
        |c| c.settled.refused,
    ),
    (
        "stock_up_trades_in_flight",
        Kind::Gauge,
        "Trades that came in and are not settled yet.",
        Counts::in_flight,
    ),
    (
        "stock_up_points_emitted",
        Kind::Counter,
        "Grid points emitted, revisions included.",
        |c| c.points,
    ),
    (
        "stock_up_log_lag_records",
        Kind::Gauge,
        "Records of the log that are not analysed yet.",
        |c| c.lag_records,
    ),
    (
        "stock_up_log_size_bytes",
        Kind::Gauge,
        "Size of the log on disk.",
        |c| c.log_bytes,
    ),
];

#[derive(Debug)]
struct PipelineCollector(Pipeline);

impl Collector for PipelineCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counts = self.0.counts();
        for (name, kind, help, read) in PIPELINE {
            let value = read(&counts);
            match kind {
                Kind::Counter => {
                    let metric = ConstCounter::new(value);
                    metric.encode(encoder.encode_descriptor(
                        name,
                        help,
                        None,
                        metric.metric_type(),
                    )?)?;
                }
                Kind::Gauge => {
                    let metric = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
                    metric.encode(encoder.encode_descriptor(
                        name,
                        help,
                        None,
                        metric.metric_type(),
                    )?)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settled;
    use super::*;

    #[test]
    fn every_metric_is_in_the_text_and_in_the_page() {
        let telemetry = Telemetry::new();
        let (text, page) = (telemetry.prometheus_text(), metrics_markdown());
        for doc in &telemetry.docs {
            assert!(doc.name.starts_with("stock_up_"), "{}", doc.name);
            assert!(
                text.contains(&format!("# HELP {} ", doc.name)),
                "{}",
                doc.name
            );
            assert!(page.contains(&format!("`{}", doc.name)), "{}", doc.name);
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn the_counters_of_trades_agree_in_the_text() {
        let telemetry = Telemetry::new();
        telemetry.pipeline.received(7);
        let settled = Settled {
            applied: 5,
            refused: 1,
            ..Settled::default()
        };
        telemetry.pipeline.settled(settled, 0);
        let text = telemetry.prometheus_text();
        for line in [
            "stock_up_trades_received_total 7\n",
            "stock_up_trades_applied_total 5\n",
            "stock_up_trades_refused_total 1\n",
            "stock_up_trades_in_flight 1\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
