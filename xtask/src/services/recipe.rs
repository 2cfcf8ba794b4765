//! How each server is laid out in its folder: the files of `xtask/services/NAME` with their
//! `@words@` filled in, and the environment that leads to it.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::{Context as _, bail};

use super::{Service, influxdb2, install};

/// Ports are chosen below those that the system hands out to clients, so that nobody takes one
/// while its server is stopped for a while.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A file of a recipe: its name and its text.
type Template = (&'static str, &'static str);

const KAFKA: [Template; 3] = [
    ("start", include_str!("../../services/kafka/start")),
    (
        "server.properties",
        include_str!("../../services/kafka/server.properties"),
    ),
    (
        "log4j2.properties",
        include_str!("../../services/kafka/log4j2.properties"),
    ),
];
const RABBITMQ: [Template; 7] = [
    ("start", include_str!("../../services/rabbitmq/start")),
    ("ctl", include_str!("../../services/rabbitmq/ctl")),
    (
        "environment.sh",
        include_str!("../../services/rabbitmq/environment.sh"),
    ),
    (
        "rabbitmq.conf",
        include_str!("../../services/rabbitmq/rabbitmq.conf"),
    ),
    ("advanced.config", "[].\n"),
    ("enabled_plugins", "[rabbitmq_stream].\n"),
    ("empty.conf", ""),
];
const EPMD: [Template; 1] = [("start", include_str!("../../services/rabbitmq/epmd"))];
const INFLUXDB: [Template; 2] = [
    ("start", include_str!("../../services/influxdb/start")),
    (
        "influxdb.conf",
        include_str!("../../services/influxdb/influxdb.conf"),
    ),
];
const ETCD: [Template; 2] = [
    ("start", include_str!("../../services/etcd/start")),
    ("ctl", include_str!("../../services/etcd/ctl")),
];
const REDIS: [Template; 2] = [
    ("start", include_str!("../../services/redis/start")),
    ("ctl", include_str!("../../services/redis/ctl")),
];

const INFLUXDB2: [Template; 2] = [
    ("start", include_str!("../../services/influxdb2/start")),
    (
        "setup.json",
        include_str!("../../services/influxdb2/setup.json"),
    ),
];

/// Writes what `service` needs into `folder`, with free ports; the last file is `environment`.
pub(super) fn write(service: Service, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("`{}` can't be created", folder.display()))?;
    let mut words = Words::new(folder)?;
    let environment = match service {
        Service::Kafka => {
            words.ports(&["port", "controller"])?;
            words.set("jars", install::kafka_jars()?.display().to_string());
            fs::write(folder.join("cluster-id"), cluster_id()?)?;
            words.fill(folder, &KAFKA)?;
            "STOCK_UP_TEST_KAFKA=127.0.0.1:@port@\n"
        }
        Service::RabbitMq => {
            words.ports(&["port", "stream", "dist", "epmd"])?;
            words.set("node", format!("stock-up-{}", random_hex::<4>()?));
            words.set("password", random_hex::<12>()?);
            fs::create_dir_all(folder.join("home"))?;
            words.fill(folder, &RABBITMQ)?;
            fs::create_dir_all(folder.join("epmd"))?;
            words.fill(&folder.join("epmd"), &EPMD)?;
            "STOCK_UP_TEST_RABBITMQ=amqp://stock-query:@password@@127.0.0.1:@port@/stocks\n\
             STOCK_UP_TEST_RABBITMQ_STREAM=127.0.0.1:@stream@\n"
        }
        Service::InfluxDb => {
            words.ports(&["port", "backup"])?;
            words.fill(folder, &INFLUXDB)?;
            "STOCK_UP_TEST_INFLUXDB=http://127.0.0.1:@port@\n"
        }
        Service::Etcd => {
            words.ports(&["port", "peer"])?;
            words.fill(folder, &ETCD)?;
            "STOCK_UP_TEST_ETCD=127.0.0.1:@port@\n"
        }
        Service::Redis => {
            words.ports(&["port"])?;
            words.fill(folder, &REDIS)?;
            "STOCK_UP_TEST_REDIS=redis://127.0.0.1:@port@\n"
        }
        Service::InfluxDb2 => {
            words.ports(&["port"])?;
            words.set("program", influxdb2::program()?.display().to_string());
            words.set("password", random_hex::<12>()?);
            words.set("token", random_hex::<12>()?);
            words.fill(folder, &INFLUXDB2)?;
            "STOCK_UP_TEST_INFLUXDB2=http://127.0.0.1:@port@\n\
             STOCK_UP_TEST_INFLUXDB2_ORG=stock-up\n\
             STOCK_UP_TEST_INFLUXDB2_TOKEN=@token@\n"
        }
    };
    // Order matters: a folder with this file is whole.
    words.fill(folder, &[("environment", environment)])
}

/// The words of one server's templates.
struct Words(BTreeMap<&'static str, String>);

impl Words {
    fn new(folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.to_str().context("the folder's name is not text")?;
        Ok(Self(BTreeMap::from([("dir", folder.to_owned())])))
    }

    fn set(&mut self, name: &'static str, value: String) {
        self.0.insert(name, value);
    }

    /// Gives each name a free port; all are held until the last is found.
    fn ports(&mut self, names: &[&'static str]) -> anyhow::Result<()> {
        let mut held = Vec::new();
        for &name in names {
            let listener = free_port()?;
            self.set(name, listener.local_addr()?.port().to_string());
            held.push(listener);
        }
        Ok(())
    }

    fn fill(&self, folder: &Path, templates: &[Template]) -> anyhow::Result<()> {
        for (name, text) in templates {
            fs::write(folder.join(name), self.filled(text))?;
        }
        Ok(())
    }

    fn filled(&self, text: &str) -> String {
        let replace = |text: String, (name, value): (&&str, &String)| {
            text.replace(&format!("@{name}@"), value)
        };
        self.0.iter().fold(text.to_owned(), replace)
    }
}

pub(super) fn free_port() -> anyhow::Result<TcpListener> {
    for _ in 0..200 {
        let port = PORTS.start + u16::from_le_bytes(random()?) % (PORTS.end - PORTS.start);
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return Ok(listener);
        }
    }
    bail!("no free port in {PORTS:?} on the loopback address")
}

/// Kafka wants 16 bytes in unpadded base64; 22 digits of hex are that too, when the last one leaves
/// no bits over.
fn cluster_id() -> anyhow::Result<String> {
    Ok(format!("{}A", &random_hex::<11>()?[..21]))
}

pub(super) fn random_hex<const N: usize>() -> anyhow::Result<String> {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in random::<N>()? {
        write!(text, "{byte:02x}").expect("a String takes all text");
    }
    Ok(text)
}

fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    use std::io::Read as _;
    let mut bytes = [0; N];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("`/dev/urandom` gives no random bytes")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first `@word@` in `text`.
    fn unfilled(text: &str) -> Option<&str> {
        let is_word =
            |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
        // What lies between two signs; the ends lie beside one only.
        let parts: Vec<&str> = text.split('@').collect();
        let inner = parts.get(1..parts.len().saturating_sub(1))?;
        inner.iter().copied().find(|part| is_word(part))
    }

    #[test]
    fn no_word_is_left_unfilled() {
        assert_eq!(unfilled("a@localhost -p @port@ b"), Some("port"));
        let folder = tempfile::tempdir().expect("a folder");
        // Kafka's needs its jars.
        let others = Service::USUAL
            .into_iter()
            .filter(|&one| one != Service::Kafka);
        for service in others {
            let folder = folder.path().join(service.name());
            write(service, &folder).expect("written");
            let files = fs::read_dir(&folder).expect("it is a folder").flatten();
            for file in files.filter(|file| file.path().is_file()) {
                let text = fs::read_to_string(file.path()).expect("text");
                assert_eq!(unfilled(&text), None, "{}", file.path().display());
            }
        }
    }

    #[test]
    fn ports_of_one_server_differ_and_lie_below_the_clients() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut words = Words::new(folder.path()).expect("its name is text");
        words.ports(&["a", "b", "c"]).expect("ports are free");
        let text = words.filled("@a@ @b@ @c@");
        let mut ports: Vec<u16> = text
            .split(' ')
            .map(|port| port.parse().expect("one"))
            .collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 3, "{text}");
        assert!(ports.iter().all(|port| PORTS.contains(port)), "{text}");
    }
}
