//! How a metric is declared: registered with the Prometheus client and written down, in one step.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
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
        for (name, help, reading) in PIPELINE {
            let (kind, label) = reading.kind_and_label();
            self.docs.push(MetricDoc {
                name,
                kind,
                label,
                help,
            });
        }
    }
}

/// How a metric is read from the counters.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Counter(fn(&Counts) -> u64),
    /// One value for each cause.
    CounterByCause(fn(&Counts) -> [(&'static str, u64); 2]),
    Gauge(fn(&Counts) -> u64),
}

impl Reading {
    fn kind_and_label(self) -> (&'static str, &'static str) {
        match self {
            Self::Counter(_) => ("counter", ""),
            Self::CounterByCause(_) => ("counter", CAUSE),
            Self::Gauge(_) => ("gauge", ""),
        }
    }

    fn write(
        self,
        counts: &Counts,
        (name, help): (&str, &str),
        encoder: &mut DescriptorEncoder<'_>,
    ) -> fmt::Result {
        let kind = match self {
            Self::Counter(_) | Self::CounterByCause(_) => MetricType::Counter,
            Self::Gauge(_) => MetricType::Gauge,
        };
        let mut metric = encoder.encode_descriptor(name, help.trim_end_matches('.'), None, kind)?;
        match self {
            Self::Counter(read) => ConstCounter::new(read(counts)).encode(metric),
            Self::CounterByCause(read) => {
                for (cause, value) in read(counts) {
                    ConstCounter::new(value).encode(metric.encode_family(&[(CAUSE, cause)])?)?;
                }
                Ok(())
            }
            Self::Gauge(read) => {
                let value = i64::try_from(read(counts)).unwrap_or(i64::MAX);
                ConstGauge::new(value).encode(metric)
            }
        }
    }
}

/// The label that tells why.
const CAUSE: &str = "cause";

/// The counters of [`Pipeline`], read together so that they agree.
const PIPELINE: [(&str, &str, Reading); 10] = [
    (
        "stock_up_trades_received",
        "Trades that came in.",
        Reading::Counter(|c| c.received),
    ),
    (
        "stock_up_trades_applied",
        "Trades that moved a window.",
        Reading::Counter(|c| c.settled.applied),
    ),
    (
        "stock_up_trades_duplicate",
        "Trades that had been received before.",
        Reading::Counter(|c| c.settled.duplicate),
    ),
    (
        "stock_up_trades_ineligible",
        "Trades whose conditions let them move nothing.",
        Reading::Counter(|c| c.settled.ineligible),
    ),
    (
        "stock_up_trades_late_dropped",
        "Trades that came too late for every window: `delayed` on their way to us, or \
         `out_of_order`, received in time but behind log time.",
        Reading::CounterByCause(|c| c.settled.late_dropped.by_cause()),
    ),
    (
        "stock_up_trades_refused",
        "Trades that could not be held: a value out of range, or no symbol.",
        Reading::Counter(|c| c.settled.refused),
    ),
    (
        "stock_up_trades_in_flight",
        "Trades that came in and are not settled yet.",
        Reading::Gauge(Counts::in_flight),
    ),
    (
        "stock_up_points_emitted",
        "Grid points emitted, revisions included.",
        Reading::Counter(|c| c.points),
    ),
    (
        "stock_up_log_lag_records",
        "Records of the log that are not analysed yet.",
        Reading::Gauge(|c| c.lag_records),
    ),
    (
        "stock_up_log_size_bytes",
        "Size of the log on disk.",
        Reading::Gauge(|c| c.log_bytes),
    ),
];

#[derive(Debug)]
struct PipelineCollector(Pipeline);

impl Collector for PipelineCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.0.counts();
        for (name, help, reading) in PIPELINE {
            reading.write(&counts, (name, help), &mut encoder)?;
        }
        Ok(())
    }
}
