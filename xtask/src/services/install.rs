//! The servers' programs: Debian's packages, and Kafka's jars from Maven.
//!
//! Packages start their servers when they are installed.
//! Ours must not: those would take the usual ports, run at every boot, and not be the ones that
//! tests use.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Service, influxdb2};
use crate::{setup, shell, workspace};

const POM: &str = include_str!("../../services/kafka/pom.xml");
/// What Debian asks before it starts a service; 101 means no.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const POLICY_NO: &str =
    "#!/bin/sh\n# For the moment of an installation: start nothing.\nexit 101\n";

/// Installs what `services` run on, when it is missing.
pub(crate) fn install(services: &[Service]) -> anyhow::Result<()> {
    let missing: Vec<&str> = services
        .iter()
        .flat_map(|service| needs(*service))
        .filter(|(_, program)| !present(program))
        .map(|(package, _)| *package)
        .collect();
    if !missing.is_empty() {
        packages(&missing).context("the tests with real servers run on these")?;
    }
    if services.contains(&Service::Kafka) {
        kafka_jars()?;
    }
    if services.contains(&Service::InfluxDb2) {
        influxdb2::program()?;
    }
    Ok(())
}

/// Where Debian puts packages of Python.
const KAFKA_PY: &str = "/usr/lib/python3/dist-packages/kafka/__init__.py";
const PROTOBUF_PY: &str = "/usr/lib/python3/dist-packages/google/protobuf/__init__.py";

/// Packages, each with a program or file that shows that it is there.
fn needs(service: Service) -> &'static [(&'static str, &'static str)] {
    match service {
        Service::Kafka => &[
            ("default-jre-headless", "java"),
            ("maven", "mvn"),
            // For the example in `examples/`, which a test runs.
            ("python3-kafka", KAFKA_PY),
            ("python3-protobuf", PROTOBUF_PY),
        ],
        Service::RabbitMq => &[("rabbitmq-server", "/usr/lib/rabbitmq/bin/rabbitmq-server")],
        Service::InfluxDb => &[("influxdb", "influxd")],
        Service::Etcd => &[("etcd-server", "etcd"), ("etcd-client", "etcdctl")],
        Service::Redis => &[("redis-server", "redis-server")],
        // It has no package.
        Service::InfluxDb2 => &[],
    }
}

fn present(program: &str) -> bool {
    Path::new(program).is_file() || setup::find(program).is_some()
}

/// Installs packages without starting what they bring, now or at the next boot.
fn packages(missing: &[&str]) -> anyhow::Result<()> {
    let prefix = setup::root_prefix();
    let forbid = prefix.is_some() && !Path::new(POLICY).exists();
    if forbid {
        let script = format!("printf '%s' '{POLICY_NO}' > {POLICY} && chmod 755 {POLICY}");
        shell::run_aside(as_root("sh", &["-c", &script]))?;
    }
    let installed = setup::apt_with(&["--no-install-recommends"], missing);
    if forbid {
        shell::run_aside(as_root("rm", &["-f", POLICY]))?;
    }
    installed?;
    if setup::find("systemctl").is_some() {
        for package in missing {
            let unit = format!("{}.service", package.trim_end_matches("-server"));
            for unit in [unit, format!("{package}.service")] {
                // Not every package has one, and not every machine runs systemd.
                shell::succeeds(as_root("systemctl", &["disable", "--quiet", &unit]));
            }
        }
    }
    Ok(())
}

fn as_root(name: &str, arguments: &[&str]) -> std::process::Command {
    let prefix = setup::root_prefix().unwrap_or_default();
    let line = [prefix, &[name], arguments].concat();
    let (name, rest) = line.split_first().expect("the line names a program");
    shell::program(name, rest)
}

/// The folder of Kafka's jars, brought by Maven when it is missing.
pub(crate) fn kafka_jars() -> anyhow::Result<PathBuf> {
    let version = between(POM, "<kafka.version>", "</kafka.version>");
    let version = version.context("the pom names Kafka's version")?;
    let cache = workspace::root().join(".cache");
    let jars = cache.join(format!("kafka-{version}"));
    if jars.join("complete").is_file() {
        return Ok(jars);
    }
    eprintln!("bringing Kafka {version} from Maven into `.cache`: about 45 MB, once");
    fs::create_dir_all(&jars)?;
    let mut maven = shell::program("mvn", &["-q", "-B", "-f", "xtask/services/kafka/pom.xml"]);
    maven
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", jars.display()));
    shell::run_aside(maven).context("Kafka comes as jars through Maven")?;
    fs::write(jars.join("complete"), version)?;
    Ok(jars)
}

fn between<'text>(text: &'text str, from: &str, to: &str) -> Option<&'text str> {
    let (_, rest) = text.split_once(from)?;
    Some(rest.split_once(to)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pom_names_one_version_of_kafka_4() {
        let version = between(POM, "<kafka.version>", "</kafka.version>").expect("named");
        assert!(version.starts_with("4."), "{version}");
    }
}
