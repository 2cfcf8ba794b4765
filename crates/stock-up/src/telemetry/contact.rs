//! Services that the program asks: whether they answer, and since when they do not.
//!
//! A part of the program that asks a service has a [`Contact`]. Several may ask one: it counts as
//! connected while none of them is cut off. What nobody asks has no metrics.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use stock_up_io::clock::Stopwatch;

use super::declare::MetricDoc;

/// The label of all of them.
const LABEL: &str = "service";

const CONNECTED: (&str, &str) = (
    "stock_up_service_connected",
    "1 while the service answered when it was last asked, otherwise 0.",
);
const AGE: (&str, &str) = (
    "stock_up_service_contact_age_seconds",
    "Time since the service last answered; 0 while a connection to it stands.",
);
const ERRORS: (&str, &str) = (
    "stock_up_service_errors",
    "Times that the service did not answer, or refused.",
);

/// A service, and all who ask it; a clone is the same one.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    name: &'static str,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Those who ask, by number.
    asking: BTreeMap<u64, Asking>,
    next: u64,
    errors: u64,
}

/// How it stands with one that asks.
#[derive(Debug, Default)]
struct Asking {
    /// None before the first answer.
    answered: Option<Stopwatch>,
    is_cut_off: bool,
    /// The last answer holds on.
    stands: bool,
}

/// One that asks a service, from its first try to its end.
#[derive(Debug)]
pub(crate) struct Contact {
    service: Service,
    number: u64,
}

impl Service {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            state: Arc::default(),
        }
    }

    /// Somebody begins to ask it.
    pub(crate) fn contact(&self) -> Contact {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.asking.insert(number, Asking::default());
        Contact {
            service: self.clone(),
            number,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// `None` while nobody asks.
    fn is_connected(&self) -> Option<bool> {
        let mut asking = self.asking.values().peekable();
        asking.peek()?;
        Some(asking.all(|one| one.answered.is_some() && !one.is_cut_off))
    }

    /// That of the one whose last answer is the oldest.
    fn age(&self) -> Option<f64> {
        let ages = self.asking.values().filter_map(|one| {
            let answered = one.answered?;
            let age = answered.elapsed().as_secs_f64();
            Some(if one.stands { 0.0 } else { age })
        });
        ages.reduce(f64::max)
    }
}

impl Contact {
    /// It has answered.
    pub(crate) fn answered(&self) {
        self.note(|asking| {
            asking.answered = Some(Stopwatch::start());
            (asking.is_cut_off, asking.stands) = (false, false);
        });
    }

    /// It has answered, and the connection stands.
    pub(crate) fn stands(&self) {
        self.answered();
        self.note(|asking| asking.stands = true);
    }

    /// It does not answer, or refuses.
    pub(crate) fn failed(&self) {
        self.note(|asking| {
            if std::mem::take(&mut asking.stands) {
                // Until now it did.
                asking.answered = Some(Stopwatch::start());
            }
            asking.is_cut_off = true;
        });
        self.service.lock().errors += 1;
    }

    fn note(&self, note: impl FnOnce(&mut Asking)) {
        let mut state = self.service.lock();
        note(state.asking.entry(self.number).or_default());
    }
}

impl Drop for Contact {
    fn drop(&mut self) {
        self.service.lock().asking.remove(&self.number);
    }
}

/// The services that the program can ask.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    /// Where settings come from.
    pub(crate) etcd: Service,
    /// Where checkpoints are shared.
    pub(crate) redis: Service,
    /// Kafka or RabbitMQ.
    pub(crate) queue: Service,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            etcd: Service::new("etcd"),
            redis: Service::new("redis"),
            queue: Service::new("queue"),
        }
    }
}

impl Services {
    /// What is told of each, for the document.
    pub(super) fn docs() -> impl Iterator<Item = MetricDoc> {
        let doc = |(kind, (name, help))| MetricDoc {
            name,
            kind,
            label: LABEL,
            help,
        };
        [("gauge", CONNECTED), ("gauge", AGE), ("counter", ERRORS)]
            .into_iter()
            .map(doc)
    }

    fn all(&self) -> [&Service; 3] {
        [&self.etcd, &self.redis, &self.queue]
    }

    /// One metric of every service that has a value.
    fn write<M: EncodeMetric>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        value: impl Fn(&State) -> Option<M>,
    ) -> fmt::Result {
        let values = self.all().map(|service| {
            let value = value(&service.lock());
            value.map(|value| (service.name, value))
        });
        let mut values = values.into_iter().flatten().peekable();
        let Some((_, first)) = values.peek() else {
            return Ok(());
        };
        let kind = first.metric_type();
        let mut metric = encoder.encode_descriptor(name, help.trim_end_matches('.'), None, kind)?;
        for (service, value) in values {
            value.encode(metric.encode_family(&[(LABEL, service)])?)?;
        }
        Ok(())
    }
}

impl Collector for Services {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let e = &mut encoder;
        let connected = |state: &State| state.is_connected();
        self.write(e, CONNECTED, |state| {
            connected(state).map(|is| ConstGauge::new(i64::from(is)))
        })?;
        self.write(e, AGE, |state| state.age().map(ConstGauge::new))?;
        // What has been asked once is counted on.
        self.write(e, ERRORS, |state| {
            (state.next > 0).then(|| ConstCounter::new(state.errors))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::telemetry::Telemetry;

    #[test]
    fn a_service_is_connected_while_nobody_is_cut_off_from_it() {
        let telemetry = Telemetry::new();
        let redis = &telemetry.services.redis;
        let says = |line: &str| telemetry.prometheus_text().contains(line);
        assert!(!says("stock_up_service"), "nobody asks anything");
        let (one, two) = (redis.contact(), redis.contact());
        assert!(says("stock_up_service_connected{service=\"redis\"} 0\n"));
        one.answered();
        two.stands();
        assert!(says("stock_up_service_connected{service=\"redis\"} 1\n"));
        two.failed();
        assert!(says("stock_up_service_connected{service=\"redis\"} 0\n"));
        assert!(says("stock_up_service_errors_total{service=\"redis\"} 1\n"));
        drop(two);
        assert!(says("stock_up_service_connected{service=\"redis\"} 1\n"));
        assert!(says(
            "stock_up_service_contact_age_seconds{service=\"redis\"} "
        ));
        drop(one);
        assert!(!says("stock_up_service_connected"), "nobody asks any more");
        assert!(says("stock_up_service_errors_total{service=\"redis\"} 1\n"));
    }
}
