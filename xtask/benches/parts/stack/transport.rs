//! The ways from collect to analyze, and how the processes are told of them.

use std::env;

use anyhow::{Context as _, bail};

/// Where the real servers are, as `cargo xtask services up` prints it.
const KAFKA: &str = "STOCK_UP_TEST_KAFKA";
const RABBITMQ: &str = "STOCK_UP_TEST_RABBITMQ";
const STREAM: &str = "STOCK_UP_TEST_RABBITMQ_STREAM";
const INFLUXDB: &str = "STOCK_UP_TEST_INFLUXDB";

/// Trades a second that each must carry.
const KAFKA_RATE_MIN: f64 = 200_000.0;
const RABBITMQ_RATE_MIN: f64 = 100_000.0;

/// Partitions of the topic: more than one, as a team has them.
const PARTITIONS: &str = "4";

/// A broker, and what it must reach.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) name: &'static str,
    pub(super) rate_min: f64,
    /// The environment of both roles, but for names.
    variables: Vec<(&'static str, String)>,
    /// The variables that take a name which no other run has.
    names: &'static [&'static str],
    /// `host:port` of the database.
    pub(super) influxdb: String,
}

impl Transport {
    /// All of them; `None`, said loudly, where the servers are missing.
    pub(super) fn all() -> anyhow::Result<Option<Vec<Self>>> {
        let found = |variable| env::var(variable).ok().filter(|value| !value.is_empty());
        let [Some(kafka), Some(rabbitmq), Some(stream), Some(influxdb)] =
            [KAFKA, RABBITMQ, STREAM, INFLUXDB].map(found)
        else {
            eprintln!("SKIPPED stack: `cargo xtask services up` starts the servers and prints");
            eprintln!("    the environment that leads to them");
            return Ok(None);
        };
        let influxdb = influxdb
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        let rabbitmq = |name, kind| Self::rabbitmq((name, kind), (&rabbitmq, &stream), &influxdb);
        Ok(Some(vec![
            Self {
                name: "kafka",
                rate_min: KAFKA_RATE_MIN,
                variables: vec![
                    ("MESSAGE_QUEUE_TYPE", "kafka".to_owned()),
                    ("KAFKA_BROKERS", kafka),
                    (
                        "STOCK_UP__QUEUE__KAFKA__CREATE__PARTITIONS",
                        PARTITIONS.to_owned(),
                    ),
                ],
                names: &["KAFKA_TOPIC", "STOCK_UP__QUEUE__KAFKA__GROUP"],
                influxdb: influxdb.clone(),
            },
            rabbitmq("quorum queue", "quorum")?,
            rabbitmq("stream", "stream")?,
        ]))
    }

    fn rabbitmq(
        (name, kind): (&'static str, &str),
        (url, streams): (&str, &str),
        influxdb: &str,
    ) -> anyhow::Result<Self> {
        let rest = url.strip_prefix("amqp://").context("an amqp:// address")?;
        let parts = || {
            let (login, place) = rest.split_once('@')?;
            let (user, password) = login.split_once(':')?;
            let (host, vhost) = place.split_once('/')?;
            let (host, port) = host.split_once(':')?;
            Some([
                ("RMQ_HOST", host),
                ("RMQ_VHOST", vhost),
                ("RMQ_USER", user),
                ("RMQ_PASSWORD", password),
                ("STOCK_UP__QUEUE__RABBITMQ__PORT", port),
                (
                    "STOCK_UP__QUEUE__RABBITMQ__STREAM_PORT",
                    streams.rsplit(':').next()?,
                ),
                ("STOCK_UP__QUEUE__RABBITMQ__QUEUE_TYPE", kind),
                ("MESSAGE_QUEUE_TYPE", "rmq"),
            ])
        };
        let Some(parts) = parts() else {
            bail!("{RABBITMQ} is no `amqp://USER:PASSWORD@HOST:PORT/VHOST`");
        };
        Ok(Self {
            name,
            rate_min: RABBITMQ_RATE_MIN,
            variables: parts.map(|(key, value)| (key, value.to_owned())).to_vec(),
            names: &["RMQ_EXCHANGE", "RMQ_QUEUE_QUOTES"],
            influxdb: influxdb.to_owned(),
        })
    }

    /// The environment of a run called `run`.
    pub(super) fn environment(&self, run: &str) -> Vec<(&'static str, String)> {
        let names = self.names.iter().map(|key| (*key, run.to_owned()));
        self.variables.iter().cloned().chain(names).collect()
    }
}
