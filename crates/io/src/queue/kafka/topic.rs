//! The topic: whether it is there, with how many partitions, and how it comes to be.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;

use super::config::{KafkaConfig, NewTopicConfig};
use super::watch::Watch;
use crate::clock::Stopwatch;
use crate::queue::QueueError;

/// How long a broker may take to answer, connection included.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// How long one try waits, so that a refusal is heard soon.
const TRY_FOR: Duration = Duration::from_millis(500);

/// A client that only asks needs nothing of a consumer.
impl ConsumerContext for Watch {}

/// What a broker says of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Topic {
    /// None where the topic is not there.
    pub(super) partitions: Option<u32>,
    /// Partitions without a leader: they can neither be written nor read now.
    pub(super) leaderless: usize,
    /// Brokers of the cluster.
    pub(super) brokers: usize,
}

/// How many partitions the topic has; creates it where the configuration says so.
pub(super) async fn partitions(config: &KafkaConfig) -> Result<u32, QueueError> {
    let watch = Watch::new(config, config.password()?);
    if let Some(partitions) = inspect(config).await?.partitions {
        return Ok(partitions);
    }
    let Some(create) = &config.create else {
        return Err(watch.misconfigured(format!(
            "the topic does not exist; create it, or let it be created: `{}`",
            config.create_section
        )));
    };
    self::create(config, create, &watch).await?;
    let waiting = Stopwatch::start();
    while waiting.elapsed() < ANSWER_WITHIN {
        let topic = inspect(config).await?;
        if let (Some(partitions), 0) = (topic.partitions, topic.leaderless) {
            return Ok(partitions);
        }
        tokio::time::sleep(TRY_FOR / 10).await;
    }
    Err(watch.lost("the topic was created, but is still not there"))
}

/// Asks a broker about the topic. Asking creates nothing.
pub(super) async fn inspect(config: &KafkaConfig) -> Result<Topic, QueueError> {
    let password = config.password()?;
    let watch = Watch::new(config, password.clone());
    let (client, topic, asking) = (
        config.client(&password),
        config.topic.clone(),
        watch.clone(),
    );
    tokio::task::spawn_blocking(move || ask(&client, &topic, &asking))
        .await
        .unwrap_or_else(|_| Err(watch.lost("asking for the topic was cut off")))
}

fn ask(client: &ClientConfig, topic: &str, watch: &Watch) -> Result<Topic, QueueError> {
    // A producer that asks for a topic creates it, with whatever the broker thinks right.
    let mut client = client.clone();
    client.set_log_level(RDKafkaLogLevel::Error);
    let asking: BaseConsumer<Watch> = client
        .create_with_context(watch.clone())
        .map_err(|error| watch.judge(&error))?;
    let waiting = Stopwatch::start();
    loop {
        let answer = asking.fetch_metadata(Some(topic), TRY_FOR);
        // Errors are heard when someone listens.
        while asking.poll(Duration::ZERO).is_some() {}
        if let Some(verdict) = watch.verdict() {
            return Err(verdict);
        }
        let failure = match answer {
            Ok(metadata) => {
                let brokers = metadata.brokers().len();
                match metadata.topics().first() {
                    Some(found) => match read(found, brokers) {
                        Ok(topic) => return Ok(topic),
                        Err(code) => watch.judge(&rdkafka::error::KafkaError::MetadataFetch(code)),
                    },
                    None => watch.lost("the answer names no topic"),
                }
            }
            Err(error) => watch.judge(&error),
        };
        if !failure.is_passing() || waiting.elapsed() >= ANSWER_WITHIN {
            return Err(failure);
        }
    }
}

fn read(
    found: &rdkafka::metadata::MetadataTopic,
    brokers: usize,
) -> Result<Topic, RDKafkaErrorCode> {
    let absent = Topic {
        partitions: None,
        leaderless: 0,
        brokers,
    };
    match found.error() {
        None | Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR) => {}
        Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => return Ok(absent),
        Some(error) => return Err(error.into()),
    }
    let leaderless = found.partitions().iter().filter(|p| p.leader() < 0).count();
    Ok(Topic {
        partitions: u32::try_from(found.partitions().len())
            .ok()
            .filter(|n| *n > 0),
        leaderless,
        brokers,
    })
}

async fn create(
    config: &KafkaConfig,
    create: &NewTopicConfig,
    watch: &Watch,
) -> Result<(), QueueError> {
    let client = config.client(&config.password()?);
    let admin: AdminClient<Watch> = client
        .create_with_context(watch.clone())
        .map_err(|error| watch.judge(&error))?;
    let settings = settings(create);
    let topic = NewTopic {
        name: &config.topic,
        num_partitions: i32::try_from(create.partitions).unwrap_or(i32::MAX),
        // -1 is what the brokers have as their default.
        replication: TopicReplication::Fixed(create.replication.map_or(-1, i32::from)),
        config: settings
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect(),
    };
    let options = AdminOptions::new()
        .request_timeout(Some(ANSWER_WITHIN))
        .operation_timeout(Some(ANSWER_WITHIN));
    let asked = tokio::select! {
        asked = admin.create_topics([&topic], &options) => asked,
        verdict = watch.wait() => return Err(verdict),
    };
    // Its end waits for its thread.
    drop(tokio::task::spawn_blocking(move || drop(admin)));
    for answer in asked.map_err(|error| watch.judge(&error))? {
        match answer {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(not_created(code, create, watch)),
        }
    }
    Ok(())
}

fn settings(create: &NewTopicConfig) -> Vec<(&'static str, String)> {
    let retention = create
        .retention
        .map(|span| (span.ns() / 1_000_000).to_string());
    [
        // A record that is gone cannot be missed quietly: nothing is ever compacted away.
        ("cleanup.policy", Some("delete".to_owned())),
        (
            "min.insync.replicas",
            create.min_in_sync.map(|n| n.to_string()),
        ),
        ("retention.ms", retention),
        (
            "retention.bytes",
            create.retention_bytes.map(|n| n.to_string()),
        ),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?)))
    .collect()
}

fn not_created(code: RDKafkaErrorCode, create: &NewTopicConfig, watch: &Watch) -> QueueError {
    match code {
        RDKafkaErrorCode::InvalidReplicationFactor => watch.misconfigured(format!(
            "the topic cannot be created: {} copies, but fewer brokers; \
             lower `create.replication`",
            create.replication.unwrap_or(1)
        )),
        RDKafkaErrorCode::InvalidPartitions | RDKafkaErrorCode::InvalidConfig => {
            watch.misconfigured(format!("the topic cannot be created: {code}"))
        }
        code => watch.judge(&rdkafka::error::KafkaError::AdminOp(code)),
    }
}
