//! How a metric is declared: registered with the Prometheus client and written down, in one step.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use super::contact::Services;
use super::pipeline::{Counts, Pipeline};

/// Upper bounds of latency buckets in seconds: half a millisecond to five seconds.
const LATENCY_BUCKETS: [f64; 11] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0,
];

/// A counter per value of one label.
pub(crate) type CounterBy = Family<[(&'static str, &'static str); 1], Counter>;

/// A declared metric, for the document.
#[derive(Debug)]
pub(super) struct MetricDoc {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    /// Empty for none.
    pub(super) label: &'static str,
    pub(super) help: &'static str,
}

/// Registers a metric and writes it down in one step.
#[derive(Default)]
pub(super) struct Declare {
    pub(super) registry: Registry,
    pub(super) docs: Vec<MetricDoc>,
}

impl Declare {
    pub(super) fn counter(&mut self, name: &'static str, help: &'static str) -> Counter {
        self.add(name, ("counter", ""), help, Counter::default())
    }

    pub(super) fn counter_by(
        &mut self,
        name: &'static str,
        label: &'static str,
        help: &'static str,
    ) -> CounterBy {
        self.add(name, ("counter", label), help, CounterBy::default())
    }

    pub(super) fn gauge(&mut self, name: &'static str, help: &'static str) -> Gauge {
        self.add(name, ("gauge", ""), help, Gauge::default())
    }

    pub(super) fn seconds(&mut self, name: &'static str, help: &'static str) -> Histogram {
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

    /// The services that the program can ask, none of which is asked yet.
    pub(super) fn services(&mut self) -> Services {
        let services = Services::default();
        self.registry.register_collector(Box::new(services.clone()));
        self.docs.extend(Services::docs());
        services
    }

    pub(super) fn pipeline(&mut self, pipeline: &Pipeline) {
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
