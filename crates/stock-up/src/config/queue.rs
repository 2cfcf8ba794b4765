//! `[queue]`: what lies between `collect` and `analyze`.

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use stock_up_core::Span;
#[cfg(feature = "rabbitmq")]
use stock_up_io::feed::Secret;
#[cfg(feature = "kafka")]
use stock_up_io::queue::kafka::KafkaConfig;
#[cfg(feature = "rabbitmq")]
use stock_up_io::queue::rabbitmq::RabbitmqConfig;

use super::form;
use super::seed::variable;

/// The longest that publishing may be asked to wait: analyzers would only see bursts.
const MAX_PUBLISH_LATENCY: Span = Span::from_secs(1);

/// What lies between `collect` and `analyze`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct QueueConfig {
    /// Which queue.
    #[serde(rename = "type")]
    pub(crate) kind: QueueKind,
    /// What to do with messages of other programs.
    pub(crate) foreign: Foreign,
    /// The longest that a durable record waits for company before it is published.
    #[serde(with = "form::span")]
    pub(crate) publish_latency: Span,
    #[cfg(feature = "kafka")]
    pub(crate) kafka: KafkaConfig,
    #[cfg(not(feature = "kafka"))]
    kafka: LeftOut,
    #[cfg(feature = "rabbitmq")]
    pub(crate) rabbitmq: RabbitmqConfig,
    #[cfg(not(feature = "rabbitmq"))]
    #[serde(rename = "rabbitmq")]
    _rabbitmq: LeftOut,
}

/// The section of a broker that this program was built without: a file may have it, as the one with
/// all defaults does.
#[cfg(not(all(feature = "kafka", feature = "rabbitmq")))]
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct LeftOut {
    /// Points are sent there whatever the queue is.
    #[serde(skip_serializing)]
    points: Option<serde::de::IgnoredAny>,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            kind: QueueKind::default(),
            foreign: Foreign::default(),
            publish_latency: Span::from_ns(50_000_000),
            #[cfg(feature = "kafka")]
            kafka: KafkaConfig::default(),
            #[cfg(not(feature = "kafka"))]
            kafka: LeftOut::default(),
            #[cfg(feature = "rabbitmq")]
            rabbitmq: RabbitmqConfig::default(),
            #[cfg(not(feature = "rabbitmq"))]
            _rabbitmq: LeftOut::default(),
        }
    }
}

/// Which queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum QueueKind {
    /// None: the log in this process is enough.
    #[default]
    Embedded,
    Kafka,
    Rabbitmq,
}

impl QueueKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Embedded => "the embedded log",
            Self::Kafka => "Kafka",
            Self::Rabbitmq => "RabbitMQ",
        }
    }
}

/// What to do with messages of other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Foreign {
    /// Stop: what cannot be read may have been ours.
    #[default]
    Stop,
    /// Pass them over and say so.
    Skip,
}

impl QueueConfig {
    /// Takes the seed's variables where the file says nothing else.
    ///
    /// # Errors
    /// A queue that there is not.
    pub(super) fn apply_seed(&mut self, environment: &[(String, String)]) -> anyhow::Result<()> {
        let get = |name| variable(environment, name);
        let named = match get("MESSAGE_QUEUE_TYPE") {
            None | Some("embedded") => QueueKind::Embedded,
            Some("kafka") => QueueKind::Kafka,
            Some("rmq") => QueueKind::Rabbitmq,
            Some(kind) => bail!(
                "environment variable `MESSAGE_QUEUE_TYPE`: `{kind}` is no queue; \
                 it is `kafka`, `rmq` or `embedded`"
            ),
        };
        if self.kind == QueueKind::Embedded {
            self.kind = named;
        }
        #[cfg(feature = "kafka")]
        {
            let (kafka, default) = (&mut self.kafka, KafkaConfig::default());
            fill(&mut kafka.brokers, &default.brokers, get("KAFKA_BROKERS"));
            fill(&mut kafka.topic, &default.topic, get("KAFKA_TOPIC"));
        }
        #[cfg(feature = "rabbitmq")]
        {
            let (rabbitmq, default) = (&mut self.rabbitmq, RabbitmqConfig::default());
            fill(&mut rabbitmq.host, &default.host, get("RMQ_HOST"));
            fill(&mut rabbitmq.vhost, &default.vhost, get("RMQ_VHOST"));
            fill(&mut rabbitmq.user, &default.user, get("RMQ_USER"));
            fill(
                &mut rabbitmq.exchange,
                &default.exchange,
                get("RMQ_EXCHANGE"),
            );
            fill(&mut rabbitmq.queue, &default.queue, get("RMQ_QUEUE_QUOTES"));
            if let Some(password) = get("RMQ_PASSWORD").filter(|_| rabbitmq.password.is_empty()) {
                rabbitmq.password = Secret::new(password);
            }
        }
        Ok(())
    }

    /// Looks at the values of the queue that was chosen.
    ///
    /// # Errors
    /// The first that cannot be meant.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.publish_latency > MAX_PUBLISH_LATENCY {
            let (latency, most) = (self.publish_latency, MAX_PUBLISH_LATENCY);
            bail!("[queue] publish_latency `{latency}` is above {most}");
        }
        #[cfg(feature = "kafka")]
        if self.kafka.points.is_some() {
            self.kafka.check().context("[queue]")?;
        }
        #[cfg(not(feature = "kafka"))]
        if self.kafka.points.is_some() {
            let kafka = QueueKind::Kafka.name();
            return Err(crate::failure::built_without(kafka)).context("[queue.kafka.points]");
        }
        match self.kind {
            QueueKind::Embedded => Ok(()),
            #[cfg(feature = "kafka")]
            QueueKind::Kafka => self.kafka.check().context("[queue]"),
            #[cfg(feature = "rabbitmq")]
            QueueKind::Rabbitmq => {
                if self.rabbitmq.password.is_empty() {
                    bail!("[queue.rabbitmq] password is empty; set it, or `RMQ_PASSWORD`");
                }
                Ok(())
            }
            #[cfg(not(all(feature = "kafka", feature = "rabbitmq")))]
            kind => Err(crate::failure::built_without(kind.name())).context("[queue] type"),
        }
    }
}

/// Takes a variable of the seed where nothing newer is set.
#[cfg(any(feature = "kafka", feature = "rabbitmq"))]
fn fill(place: &mut String, default: &str, variable: Option<&str>) {
    if let Some(value) = variable.filter(|_| place == default) {
        value.clone_into(place);
    }
}
