//! What is written about Kafka in the configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rdkafka::ClientConfig;
use serde::{Deserialize, Deserializer, Serialize};
use stock_up_core::Span;
use thiserror::Error;

use crate::feed::Secret;
use crate::queue::QueueError;

/// Partitions of a topic that is created without another wish: room for so many analyzers.
pub const DEFAULT_PARTITIONS: u32 = 12;

/// Most partitions of a topic.
const MAX_PARTITIONS: u32 = 1_024;

/// Longest name of a topic, as Kafka has it.
const MAX_NAME: usize = 249;

/// Largest file with a password in bytes.
const MAX_PASSWORD_FILE: u64 = 4_096;

/// Longest time that a batch may wait to be filled.
const MAX_LINGER: Span = Span::from_secs(1);

/// Longest time that a point may wait for its transaction.
const MAX_POINTS_WAIT: Span = Span::from_secs(10);

/// Sections that say how topics are created.
const RECORDS_CREATE: &str = "[queue.kafka.create]";
const POINTS_CREATE: &str = "[queue.kafka.points.create]";

/// How Kafka is reached, and what is kept there.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaConfig {
    /// Some of the brokers: `host:port`, comma separated.
    pub brokers: String,
    /// The topic of the records.
    pub topic: String,
    /// The group in which analyzers share the partitions.
    pub group: String,
    /// How long a producer waits for more messages before it sends a batch.
    #[serde(with = "span")]
    pub linger: Span,
    /// How batches are compressed.
    pub compression: Compression,
    /// How long a message may go unconfirmed before its producer is given up.
    #[serde(with = "span")]
    pub confirm_within: Span,
    /// How the topic is created where it does not exist; without it, it must exist.
    pub create: Option<NewTopicConfig>,
    /// Where points are written to as well, in transactions; without it, nowhere.
    pub points: Option<PointsConfig>,
    /// TLS; without it, the connection is plain.
    pub tls: Option<TlsConfig>,
    /// Name and password; without it, we are anonymous.
    pub sasl: Option<SaslConfig>,
    /// The section that says how the topic is created.
    #[serde(skip)]
    pub create_section: &'static str,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topic: "stock-quotes".to_owned(),
            group: "stock-analyzer".to_owned(),
            // Whoever publishes waits for its group to be confirmed, so that nothing more comes:
            // this is the time to hand the group over, and more would be delay alone.
            linger: Span::from_ns(1_000_000),
            compression: Compression::default(),
            confirm_within: Span::from_secs(30),
            create: None,
            points: None,
            tls: None,
            sasl: None,
            create_section: RECORDS_CREATE,
        }
    }
}

/// How batches are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// Fast, and good for records that resemble each other.
    #[default]
    Lz4,
    /// Faster still, and worse.
    Snappy,
    /// For readers that know nothing newer.
    Gzip,
}

impl Compression {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Snappy => "snappy",
            Self::Gzip => "gzip",
        }
    }
}

/// How a topic is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewTopicConfig {
    /// Partitions. It cannot be changed later: where a symbol belongs depends on it.
    pub partitions: u32,
    /// On how many brokers each message is kept; without it, as the brokers have it.
    pub replication: Option<u16>,
    /// How many copies must be written before a message counts; without it, as the brokers have it.
    pub min_in_sync: Option<u16>,
    /// How long messages are kept; without it, as the brokers have it.
    #[serde(with = "optional_span")]
    pub retention: Option<Span>,
    /// How many bytes of each partition are kept; without it, as the brokers have it.
    pub retention_bytes: Option<u64>,
}

impl Default for NewTopicConfig {
    fn default() -> Self {
        Self {
            partitions: DEFAULT_PARTITIONS,
            replication: None,
            min_in_sync: None,
            retention: None,
            retention_bytes: None,
        }
    }
}

/// Points in a topic, each once for who reads committed messages alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PointsConfig {
    /// The topic.
    pub topic: String,
    /// The longest that a point waits for others before a transaction is made of them.
    #[serde(with = "span")]
    pub wait: Span,
    /// How the topic is created where it does not exist; without it, it must exist.
    pub create: Option<NewTopicConfig>,
}

impl Default for PointsConfig {
    fn default() -> Self {
        Self {
            topic: "stock-points".to_owned(),
            // Brokers write several records of their own for each transaction.
            wait: Span::from_ns(100_000_000),
            create: None,
        }
    }
}

/// TLS towards the brokers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// The authorities that may vouch for the brokers, PEM; without it, the system's.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate, PEM, where brokers ask for one.
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM, without a password.
    pub key_file: Option<PathBuf>,
}

/// Who we are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SaslConfig {
    /// How the password is shown.
    pub mechanism: Mechanism,
    /// The name.
    pub user: String,
    /// The password; a file is better.
    #[serde(skip_serializing, deserialize_with = "secret")]
    pub password: Secret,
    /// The file with the password; read again for each connection.
    pub password_file: Option<PathBuf>,
}

/// How a password is shown to a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Mechanism {
    /// As it is: over TLS alone.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Only that we know it, by SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// Only that we know it, by SHA-512.
    #[default]
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl Mechanism {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// A value that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("queue.kafka.{field}: {reason}")]
pub struct ConfigError {
    /// Which one, below `queue.kafka`.
    pub field: &'static str,
    /// What is wrong, and what to write.
    pub reason: String,
}

fn wrong(field: &'static str, reason: impl Into<String>) -> ConfigError {
    let reason = reason.into();
    ConfigError { field, reason }
}

impl KafkaConfig {
    /// Looks at the values without network or files.
    ///
    /// # Errors
    /// The first value that cannot be meant.
    pub fn check(&self) -> Result<(), ConfigError> {
        check_brokers(&self.brokers)?;
        check_name("topic", &self.topic)?;
        check_name("group", &self.group)?;
        if self.linger > MAX_LINGER {
            let reason = format!("{} is too long; up to {MAX_LINGER}", self.linger);
            return Err(wrong("linger", reason));
        }
        if self.confirm_within < Span::from_secs(1) {
            let reason = format!("{} is too short; 1s or more", self.confirm_within);
            return Err(wrong("confirm_within", reason));
        }
        if let Some(create) = &self.create {
            create.check(RECORDS_FIELDS)?;
        }
        if let Some(points) = &self.points {
            points.check(&self.topic)?;
        }
        if let Some(tls) = &self.tls
            && tls.cert_file.is_some() != tls.key_file.is_some()
        {
            return Err(wrong(
                "tls",
                "`cert_file` and `key_file` go together; give both",
            ));
        }
        self.sasl
            .as_ref()
            .map_or(Ok(()), |sasl| self.check_sasl(sasl))
    }

    fn check_sasl(&self, sasl: &SaslConfig) -> Result<(), ConfigError> {
        if sasl.user.is_empty() {
            return Err(wrong("sasl.user", "is empty; give the name"));
        }
        match (sasl.password.is_empty(), &sasl.password_file) {
            (true, None) => {
                return Err(wrong("sasl.password_file", "give the file of the password"));
            }
            (false, Some(_)) => {
                return Err(wrong(
                    "sasl.password",
                    "also `password_file` is given; take one out",
                ));
            }
            _ => {}
        }
        let local = self.hosts().all(is_loopback);
        if sasl.mechanism == Mechanism::Plain && self.tls.is_none() && !local {
            let reason = "PLAIN without TLS shows the password to everybody on the way; \
                          add `[queue.kafka.tls]`, or use SCRAM-SHA-512";
            return Err(wrong("sasl.mechanism", reason));
        }
        Ok(())
    }

    fn hosts(&self) -> impl Iterator<Item = &str> {
        let addresses = self.brokers.split(',').map(str::trim);
        addresses.map(|address| address.rsplit_once(':').map_or(address, |(host, _)| host))
    }

    /// The same brokers with the topic of the points in the place of that of the records; `None`
    /// where points are not written to Kafka.
    pub fn for_points(&self) -> Option<Self> {
        let points = self.points.clone()?;
        Some(Self {
            topic: points.topic,
            create: points.create,
            create_section: POINTS_CREATE,
            ..self.clone()
        })
    }

    /// What errors call this broker: without secrets.
    pub(super) fn broker(&self) -> String {
        format!("Kafka at {}, topic `{}`", self.brokers, self.topic)
    }

    /// How long a message may go unconfirmed.
    pub(super) fn confirm_within(&self) -> Duration {
        duration(self.confirm_within)
    }

    /// The password, where there is one.
    pub(super) fn password(&self) -> Result<Secret, QueueError> {
        let Some(sasl) = &self.sasl else {
            return Ok(Secret::default());
        };
        match &sasl.password_file {
            None => Ok(sasl.password.clone()),
            Some(file) => read_password(file).map_err(|reason| QueueError::Misconfigured {
                broker: self.broker(),
                reason,
            }),
        }
    }

    /// What every client of librdkafka is told.
    pub(super) fn client(&self, password: &Secret) -> ClientConfig {
        let mut client = ClientConfig::new();
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        client
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "stock-up")
            .set("security.protocol", protocol)
            .set("socket.keepalive.enable", "true")
            // Brokers close what is idle; that is no news.
            .set("log.connection.close", "false")
            .set("allow.auto.create.topics", "false");
        let tls = self.tls.clone().unwrap_or_default();
        let files = [
            ("ssl.ca.location", tls.ca_file),
            ("ssl.certificate.location", tls.cert_file),
            ("ssl.key.location", tls.key_file),
        ];
        for (key, file) in files
            .iter()
            .filter_map(|(key, file)| Some((key, file.as_ref()?)))
        {
            client.set(*key, file.to_string_lossy());
        }
        if let Some(sasl) = &self.sasl {
            client
                .set("sasl.mechanism", sasl.mechanism.name())
                .set("sasl.username", &sasl.user)
                .set("sasl.password", password.expose());
        }
        client
    }

    /// What a producer is told on top.
    pub(super) fn batching(&self, client: &mut ClientConfig) {
        client
            .set(
                "linger.ms",
                format!("{:.3}", duration(self.linger).as_secs_f64() * 1e3),
            )
            .set("compression.type", self.compression.name());
    }
}

impl PointsConfig {
    fn check(&self, records: &str) -> Result<(), ConfigError> {
        check_name("points.topic", &self.topic)?;
        if self.topic == records {
            let reason = "it is the topic of the records; points need one of their own";
            return Err(wrong("points.topic", reason));
        }
        if self.wait > MAX_POINTS_WAIT {
            let reason = format!("{} is too long; up to {MAX_POINTS_WAIT}", self.wait);
            return Err(wrong("points.wait", reason));
        }
        self.create
            .as_ref()
            .map_or(Ok(()), |create| create.check(POINTS_FIELDS))
    }

    /// As [`PointsConfig::wait`].
    pub fn wait(&self) -> Duration {
        duration(self.wait)
    }
}

/// How errors call partitions, copies and least copies of a topic that is created.
const RECORDS_FIELDS: [&str; 3] = [
    "create.partitions",
    "create.replication",
    "create.min_in_sync",
];
const POINTS_FIELDS: [&str; 3] = [
    "points.create.partitions",
    "points.create.replication",
    "points.create.min_in_sync",
];

impl NewTopicConfig {
    fn check(&self, fields: [&'static str; 3]) -> Result<(), ConfigError> {
        let [partitions, replication, min_in_sync] = fields;
        if self.partitions == 0 || self.partitions > MAX_PARTITIONS {
            let reason = format!("{} is not 1 to {MAX_PARTITIONS}", self.partitions);
            return Err(wrong(partitions, reason));
        }
        if self.replication == Some(0) {
            return Err(wrong(replication, "0 copies keep nothing; 1 or more"));
        }
        if let (Some(copies), Some(least)) = (self.replication, self.min_in_sync)
            && least > copies
        {
            let reason = format!("{least} copies can never be written of {copies}");
            return Err(wrong(min_in_sync, reason));
        }
        Ok(())
    }
}

fn check_brokers(brokers: &str) -> Result<(), ConfigError> {
    for address in brokers.split(',').map(str::trim) {
        if address.contains("://") || address.contains('@') {
            let reason = "write `host:port`, without protocol and without a name or password";
            return Err(wrong("brokers", reason));
        }
        let port = address
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty());
        if port
            .and_then(|(_, port)| port.parse::<u16>().ok())
            .is_none_or(|port| port == 0)
        {
            let reason = format!("`{address}` has no port; write it like `kafka:9092`");
            return Err(wrong("brokers", reason));
        }
    }
    Ok(())
}

fn check_name(field: &'static str, name: &str) -> Result<(), ConfigError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(legal) {
        let reason = format!(
            "`{}` is no name; 1 to {MAX_NAME} letters, digits, dots, `_` and `-`",
            name.escape_debug()
        );
        return Err(wrong(field, reason));
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

fn read_password(file: &Path) -> Result<Secret, String> {
    let shown = file.display();
    let failed = |error| format!("cannot read the password file `{shown}`: {error}");
    let size = std::fs::metadata(file).map_err(failed)?.len();
    if size > MAX_PASSWORD_FILE {
        return Err(format!(
            "the password file `{shown}` has {size} bytes; it is no password"
        ));
    }
    let password = Secret::new(&std::fs::read_to_string(file).map_err(failed)?);
    if password.is_empty() {
        return Err(format!("the password file `{shown}` is empty"));
    }
    Ok(password)
}

fn duration(span: Span) -> Duration {
    Duration::from_nanos(u64::try_from(span.ns()).unwrap_or(0))
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    String::deserialize(from).map(|text| Secret::new(&text))
}

/// Durations as text.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
mod span {
    use super::{Deserialize, Deserializer, Span};

    pub(super) fn serialize<S: serde::Serializer>(span: &Span, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(span)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        let text = String::deserialize(from)?;
        Span::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The same where there may be none.
#[expect(clippy::ref_option, reason = "serde gives a reference")]
mod optional_span {
    use super::{Deserialize, Deserializer, Span};

    pub(super) fn serialize<S: serde::Serializer>(
        span: &Option<Span>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => to.collect_str(span),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Span>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        let read = |text: String| Span::parse(&text).map_err(serde::de::Error::custom);
        text.map(read).transpose()
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
