//! What lies between collect and analyze, and how a role is told of it.

use anyhow::Context as _;

/// Partitions of a topic: with so many, and with no fewer, each symbol of the day has its own.
const PARTITIONS: &str = "7";

/// A way from collect to analyze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Kafka,
    Quorum,
    Classic,
    Stream,
}

/// Variables of a process.
pub(super) type Variables = Vec<(String, String)>;

impl Transport {
    pub(super) const ALL: [Self; 4] = [Self::Kafka, Self::Quorum, Self::Classic, Self::Stream];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Quorum => "quorum",
            Self::Classic => "classic",
            Self::Stream => "stream",
        }
    }

    /// The variables of a role, with topic, queue and group called `name`.
    pub(super) fn variables(self, servers: &Variables, name: &str) -> anyhow::Result<Variables> {
        if self == Self::Kafka {
            return Ok(owned(&[
                ("MESSAGE_QUEUE_TYPE", "kafka"),
                ("KAFKA_BROKERS", found(servers, "STOCK_UP_TEST_KAFKA")?),
                ("KAFKA_TOPIC", name),
                ("STOCK_UP__QUEUE__KAFKA__GROUP", name),
                ("STOCK_UP__QUEUE__KAFKA__CREATE__PARTITIONS", PARTITIONS),
            ]));
        }
        let url = found(servers, "STOCK_UP_TEST_RABBITMQ")?;
        let stream = found(servers, "STOCK_UP_TEST_RABBITMQ_STREAM")?;
        let parts = parts(url).with_context(|| "`STOCK_UP_TEST_RABBITMQ` is no URL of ours")?;
        let stream_port = stream.rsplit(':').next().unwrap_or_default();
        Ok(owned(&[
            ("MESSAGE_QUEUE_TYPE", "rmq"),
            ("RMQ_USER", parts.user),
            ("RMQ_PASSWORD", parts.password),
            ("RMQ_HOST", parts.host),
            ("STOCK_UP__QUEUE__RABBITMQ__PORT", parts.port),
            ("STOCK_UP__QUEUE__RABBITMQ__STREAM_PORT", stream_port),
            ("RMQ_VHOST", parts.vhost),
            ("RMQ_EXCHANGE", name),
            ("RMQ_QUEUE_QUOTES", name),
            ("STOCK_UP__QUEUE__RABBITMQ__QUEUE_TYPE", self.name()),
        ]))
    }
}

/// The variable of a server.
pub(super) fn found<'a>(servers: &'a Variables, name: &str) -> anyhow::Result<&'a str> {
    let found = servers.iter().find(|(key, _)| key == name);
    let (_, value) = found.with_context(|| format!("the servers do not say `{name}`"))?;
    Ok(value)
}

pub(super) fn owned(variables: &[(&str, &str)]) -> Variables {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    variables.iter().map(owned).collect()
}

/// What `amqp://user:password@host:port/vhost` is made of.
struct Parts<'a> {
    user: &'a str,
    password: &'a str,
    host: &'a str,
    port: &'a str,
    vhost: &'a str,
}

fn parts(url: &str) -> Option<Parts<'_>> {
    let (login, place) = url.strip_prefix("amqp://")?.split_once('@')?;
    let (user, password) = login.split_once(':')?;
    let (address, vhost) = place.split_once('/')?;
    let (host, port) = address.split_once(':')?;
    Some(Parts {
        user,
        password,
        host,
        port,
        vhost,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_symbol_has_a_partition_of_its_own() {
        let count = PARTITIONS.parse().expect("a number");
        let of = |symbol| stock_up_core::partition::partition_of(symbol, count);
        let mut partitions = ["BAC", "IBM", "SPY"].map(of);
        partitions.sort_unstable();
        assert!(
            partitions.windows(2).all(|two| two[0] < two[1]),
            "{partitions:?}"
        );
    }

    #[test]
    fn a_role_is_told_where_its_broker_is() {
        let servers = owned(&[
            ("STOCK_UP_TEST_KAFKA", "127.0.0.1:1"),
            (
                "STOCK_UP_TEST_RABBITMQ",
                "amqp://me:secret@127.0.0.1:2/stocks",
            ),
            ("STOCK_UP_TEST_RABBITMQ_STREAM", "127.0.0.1:3"),
        ]);
        let kafka = Transport::Kafka
            .variables(&servers, "x")
            .expect("all is there");
        assert_eq!(found(&kafka, "KAFKA_BROKERS").expect("told"), "127.0.0.1:1");
        let stream = Transport::Stream
            .variables(&servers, "x")
            .expect("all is there");
        for (name, value) in [
            ("RMQ_USER", "me"),
            ("RMQ_PASSWORD", "secret"),
            ("RMQ_VHOST", "stocks"),
            ("STOCK_UP__QUEUE__RABBITMQ__PORT", "2"),
            ("STOCK_UP__QUEUE__RABBITMQ__STREAM_PORT", "3"),
            ("STOCK_UP__QUEUE__RABBITMQ__QUEUE_TYPE", "stream"),
        ] {
            assert_eq!(found(&stream, name).expect("told"), value);
        }
        assert!(
            Transport::Classic
                .variables(&Variables::new(), "x")
                .is_err()
        );
    }
}
