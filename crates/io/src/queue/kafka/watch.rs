//! What librdkafka says beside its answers, and what errors mean for us.
//!
//! It reports a wrong password, a wrong certificate or the loss of all brokers by a callback while
//! the call that suffers from it just takes longer. So every client has a [`Watch`], which keeps
//! what was said last and tells whoever waits when waiting is no use.

use std::sync::{Arc, Mutex, MutexGuard};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::Notify;

use super::config::KafkaConfig;
use crate::feed::Secret;
use crate::queue::QueueError;

/// Longest text of librdkafka that is passed on, in characters.
const MAX_REASON: usize = 300;

/// Watches one client; its clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Watch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    broker: String,
    password: Secret,
    said: Mutex<Said>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Said {
    last: Option<String>,
    verdict: Option<QueueError>,
}

impl Watch {
    pub(super) fn new(config: &KafkaConfig, password: Secret) -> Self {
        Self(Arc::new(Inner {
            broker: config.broker(),
            password,
            said: Mutex::default(),
            changed: Notify::new(),
        }))
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        let said = self.0.said.lock();
        said.expect("nothing panics while it holds the lock")
    }

    /// What makes waiting useless, where something does.
    pub(super) fn verdict(&self) -> Option<QueueError> {
        self.said().verdict.clone()
    }

    /// Waits until there is a verdict.
    pub(super) async fn wait(&self) -> QueueError {
        loop {
            // Order matters: who listens before looking misses nothing.
            let changed = self.0.changed.notified();
            if let Some(verdict) = self.verdict() {
                return verdict;
            }
            changed.await;
        }
    }

    /// The connection is no good any more; with what was said last, as it may be the cause.
    pub(super) fn lost(&self, what: &str) -> QueueError {
        let last = self.said().last.clone();
        QueueError::Lost {
            broker: self.0.broker.clone(),
            reason: match last {
                Some(last) if last != what => format!("{what} (it said: {last})"),
                _ => what.to_owned(),
            },
        }
    }

    /// A person has to decide.
    pub(super) fn misconfigured(&self, reason: impl Into<String>) -> QueueError {
        QueueError::Misconfigured {
            broker: self.0.broker.clone(),
            reason: reason.into(),
        }
    }

    /// The broker no longer holds what comes next.
    pub(super) fn overtaken(&self, partition: u32, wanted: u64, first: u64) -> QueueError {
        QueueError::Overtaken {
            broker: self.0.broker.clone(),
            partition,
            wanted,
            first,
        }
    }

    /// What an error means for us.
    pub(super) fn judge(&self, error: &KafkaError) -> QueueError {
        // The text of this one repeats the value, which may be the password.
        if let KafkaError::ClientConfig(_, what, key, _) = error {
            return self.misconfigured(format!("librdkafka refuses `{key}`: {what}"));
        }
        let text = error.to_string();
        match error.rdkafka_error_code() {
            Some(code) => self.judge_code(code, &text),
            None if matches!(error, KafkaError::ClientCreation(_)) => {
                self.misconfigured(self.clean(&text))
            }
            None => self.lost(&self.clean(&text)),
        }
    }

    /// What the end of a producer means. Its text ends with what the broker said, whose code is
    /// not told.
    pub(super) fn judge_fatal(&self, text: &str) -> QueueError {
        use RDKafkaErrorCode as Code;
        let lasting = [
            Code::MessageSizeTooLarge,
            Code::TopicAuthorizationFailed,
            Code::ClusterAuthorizationFailed,
            Code::InvalidTopic,
            Code::InvalidRecord,
            Code::PolicyViolation,
        ];
        // `MessageSizeTooLarge (Broker: Message size too large)`
        let said = |code: &Code| {
            let shown = code.to_string();
            let words = shown
                .split_once('(')
                .and_then(|(_, rest)| rest.strip_suffix(')'));
            words.is_some_and(|words| text.contains(words))
        };
        match lasting.into_iter().find(said) {
            Some(code) => self.judge_code(code, text),
            None => self.lost(&self.clean(text)),
        }
    }

    fn judge_code(&self, code: RDKafkaErrorCode, text: &str) -> QueueError {
        use RDKafkaErrorCode as Code;
        let (broker, reason) = (self.0.broker.clone(), self.clean(text));
        match code {
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed => QueueError::Refused { broker, reason },
            // A connection that ends in the middle of the handshake is no certificate.
            Code::SSL if text.contains("certificate") || text.contains("alert") => {
                self.misconfigured(format!("TLS: {reason}; check `tls.ca_file` and the host"))
            }
            // librdkafka says so of a topic that is there too, while the only broker shuts down.
            // Connecting anew finds out, and says it where it is true.
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => self
                .lost(
                    "the topic, or a partition of it, is not known (any more); \
                     if it is not there, create it",
                ),
            Code::MessageSizeTooLarge => self.misconfigured(
                "a message is larger than the topic takes; raise its `max.message.bytes`",
            ),
            Code::InvalidTopic | Code::InvalidRecord | Code::PolicyViolation => {
                self.misconfigured(reason)
            }
            _ => self.lost(&reason),
        }
    }

    /// A text that came from outside, without what must not be seen.
    pub(super) fn clean(&self, text: &str) -> String {
        let text = self.0.password.scrub(text);
        let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        printable.take(MAX_REASON).collect()
    }
}

impl ClientContext for Watch {
    /// What matters comes as an error; the lines of its log would only say it again.
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        let judged = match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => self.lost("no broker can be reached"),
            // The client is dead, maybe by what happened in another partition than is waited for.
            Some(RDKafkaErrorCode::Fatal) => self.judge_fatal(reason),
            Some(code) => {
                let judged = self.judge_code(code, reason);
                self.said().last = Some(self.clean(reason));
                // One broker of several may be away: that is librdkafka's to mend.
                if judged.is_passing() {
                    return;
                }
                judged
            }
            None => return,
        };
        self.said().verdict.get_or_insert(judged);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> Watch {
        Watch::new(&KafkaConfig::default(), Secret::default())
    }

    #[test]
    fn a_dead_client_is_told_whoever_waits_for_another_partition() {
        let watch = watch();
        let fatal = KafkaError::Global(RDKafkaErrorCode::Fatal);
        let reason = "Fatal error: Local: Gap-less ordering would not be guaranteed if proceeding: \
                      Failed to reconstruct MessageSet: Broker: Message size too large";
        watch.error(fatal.clone(), reason);
        let verdict = watch.verdict();
        assert!(
            matches!(&verdict, Some(QueueError::Misconfigured { reason, .. })
                if reason.contains("max.message.bytes")),
            "{verdict:?}"
        );
        // What came first is the cause.
        watch.error(fatal, "Fatal error: Local: Inconsistent state: later");
        assert_eq!(
            watch.verdict().map(|error| error.to_string()),
            verdict.map(|error| error.to_string())
        );
    }

    #[test]
    fn a_dead_client_is_given_up_where_connecting_anew_may_help() {
        let watch = watch();
        let reason = "Fatal error: Broker: Producer attempted an operation with an old epoch";
        watch.error(KafkaError::Global(RDKafkaErrorCode::Fatal), reason);
        let verdict = watch.verdict();
        assert!(
            matches!(&verdict, Some(QueueError::Lost { reason, .. }) if reason.contains("old epoch")),
            "{verdict:?}"
        );
    }

    #[test]
    fn one_broker_that_is_away_ends_nothing() {
        let watch = watch();
        let error = KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure);
        watch.error(error, "localhost:9092: connect failed");
        assert!(watch.verdict().is_none());
    }
}
