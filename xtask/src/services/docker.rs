//! The servers in containers: the services of `deploy/compose.yaml` with the ports of
//! `deploy/compose.test.yaml`, one Compose project for each set.
//!
//! The files `start`, `pid` and `log` do not exist then, so a test that ends a server by itself needs
//! a set of packages; by hand, every command works alike.
//!
//! What Compose says goes to the error stream: a shell may read the standard output.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use super::{Act, Service};
use crate::{shell, workspace};

/// What Compose is told of a set: its ports and secrets.
const VARIABLES: &str = "compose.env";
/// The secrets that these five services ask for.
const SECRETS: [&str; 5] = [
    "rabbitmq-password",
    "redis-password",
    "influxdb-admin-password",
    "influxdb-write-password",
    "influxdb-read-password",
];

/// What is shown of each container.
const LIST: &str = "table {{.Service}}\t{{.Status}}\t{{.Ports}}";
/// How much of a server's log an error shows.
const TAIL_LINES: &str = "25";

/// Whether an engine runs that has the Compose plugin.
pub(super) fn runs() -> bool {
    shell::succeeds(shell::program("docker", &["compose", "version"]))
        && shell::succeeds(shell::program("docker", &["info"]))
}

/// Whether the set in `state` is one of containers.
pub(super) fn holds(state: &Path) -> bool {
    state.join(VARIABLES).is_file()
}

/// Chooses the ports and secrets of a new set; `port` and `password` make one each.
pub(super) fn write(
    state: &Path,
    mut port: impl FnMut() -> anyhow::Result<u16>,
    password: impl Fn() -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    let secrets = state.join("secrets");
    fs::create_dir_all(&secrets)?;
    for name in SECRETS {
        fs::write(secrets.join(name), password()?)?;
    }
    let secret = fs::read_to_string(secrets.join("rabbitmq-password"))?;
    let (kafka, amqp, stream) = (port()?, port()?, port()?);
    let (influxdb, etcd, redis) = (port()?, port()?, port()?);
    let at = |port: u16| format!("127.0.0.1:{port}");
    for (service, environment) in [
        (
            Service::Kafka,
            format!("STOCK_UP_TEST_KAFKA={}\n", at(kafka)),
        ),
        (
            Service::RabbitMq,
            format!(
                "STOCK_UP_TEST_RABBITMQ=amqp://stock-query:{secret}@{}/stocks\n\
                 STOCK_UP_TEST_RABBITMQ_STREAM={}\n",
                at(amqp),
                at(stream)
            ),
        ),
        (
            Service::InfluxDb,
            format!("STOCK_UP_TEST_INFLUXDB=http://{}\n", at(influxdb)),
        ),
        (Service::Etcd, format!("STOCK_UP_TEST_ETCD={}\n", at(etcd))),
        (
            Service::Redis,
            format!("STOCK_UP_TEST_REDIS=redis://{}\n", at(redis)),
        ),
    ] {
        let folder = state.join("offered").join(service.name());
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("environment"), environment)?;
    }
    // Order matters: with this file the set is one of containers. Without their profiles, `down` would
    // leave those two.
    fs::write(
        state.join(VARIABLES),
        format!(
            "COMPOSE_PROFILES=kafka,rabbitmq\nMESSAGE_QUEUE_TYPE=kafka\n\
             STOCK_UP_SECRETS={}\nKAFKA_PORT={kafka}\n\
             RABBITMQ_PORT={amqp}\nRABBITMQ_STREAM_PORT={stream}\nINFLUXDB_PORT={influxdb}\n\
             ETCD_PORT={etcd}\nREDIS_PORT={redis}\n",
            secrets.display()
        ),
    )?;
    Ok(())
}

/// Starts `services` and waits for their health checks.
pub(super) fn up(state: &Path, services: &[Service]) -> anyhow::Result<()> {
    let mut command = compose(state)?;
    command.args(["up", "--detach", "--wait"]);
    command.args(services.iter().map(|service| service.name()));
    shell::run_aside(command)?;
    for service in services {
        // From now on it belongs to the set.
        let name = service.name();
        fs::create_dir_all(state.join(name))?;
        fs::copy(
            state.join("offered").join(name).join("environment"),
            state.join(name).join("environment"),
        )?;
    }
    Ok(())
}

pub(super) fn act(state: &Path, service: Service, act: Act) -> anyhow::Result<()> {
    let verb = match act {
        Act::Start => "start",
        Act::Stop => "stop",
        Act::Kill => "kill",
        Act::Freeze => "pause",
        Act::Thaw => "unpause",
    };
    let mut command = compose(state)?;
    command.args([verb, service.name()]);
    shell::run_aside(command)
}

/// Removes the containers of `services` with their data.
pub(super) fn down(state: &Path, services: &[Service]) -> anyhow::Result<()> {
    let mut command = compose(state)?;
    if services.len() == Service::USUAL.len() {
        command.args(["down", "--volumes", "--timeout", "1"]);
        return shell::run_aside(command);
    }
    command.args(["rm", "--stop", "--force", "--volumes"]);
    command.args(services.iter().map(|service| service.name()));
    shell::run_aside(command)?;
    // Compose has removed the volumes without a name; with one it keeps them until all goes.
    let mut command = shell::program("docker", &["volume", "rm", "--force"]);
    for service in services {
        command.arg(format!("{}_{}-data", project(state)?, service.name()));
    }
    shell::run_aside(command)
}

/// What the engine says of the set, as comments of a shell.
pub(super) fn list(state: &Path) -> anyhow::Result<()> {
    let mut command = compose(state)?;
    command.args(["ps", "--all", "--format", LIST]);
    for line in shell::read(command)?.lines() {
        println!("# {line}");
    }
    Ok(())
}

/// The last lines that a server said, for errors.
pub(super) fn tail(state: &Path, service: Service) -> String {
    let said = compose(state).and_then(|mut command| {
        command.args(["logs", "--no-color", "--tail", TAIL_LINES, service.name()]);
        shell::read(command)
    });
    match said {
        Ok(text) => format!("the end of its log:\n{text}"),
        Err(error) => format!("its log can't be read: {error:#}"),
    }
}

/// The name of the Compose project that this set is.
fn project(state: &Path) -> anyhow::Result<String> {
    let name = state.file_name().and_then(|name| name.to_str());
    let name = name.context("the folder of the set has no name")?;
    // The engine wants lower case; what is left is unique enough on one machine.
    Ok(name.to_ascii_lowercase())
}

/// Compose, on the project of this set.
fn compose(state: &Path) -> anyhow::Result<Command> {
    let project = project(state)?;
    let deploy = workspace::root().join("deploy");
    let mut command = shell::program("docker", &["compose", "--project-name", &project]);
    for file in ["compose.yaml", "compose.test.yaml"] {
        command.arg("--file").arg(deploy.join(file));
    }
    command.arg("--env-file").arg(state.join(VARIABLES));
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_and_secret_of_the_compose_files_is_given() {
        let state = tempfile::tempdir().expect("a folder");
        let mut next = 20_000;
        let port = || {
            next += 1;
            Ok(next)
        };
        write(state.path(), port, || Ok("secret".to_owned())).expect("written");
        assert!(holds(state.path()));
        let given = fs::read_to_string(state.path().join(VARIABLES)).expect("written");
        let deploy = workspace::root().join("deploy");
        let overlay = fs::read_to_string(deploy.join("compose.test.yaml")).expect("it is there");
        for wanted in overlay.split("${").skip(1) {
            let (name, _) = wanted.split_once(":?}").expect("each is required");
            assert!(given.contains(&format!("{name}=")), "{name}");
        }
        let stack = fs::read_to_string(deploy.join("compose.yaml")).expect("it is there");
        for wanted in stack.split("profiles: [").skip(1) {
            let (name, _) = wanted.split_once(']').expect("one on a line");
            let profiles = given
                .lines()
                .find(|line| line.starts_with("COMPOSE_PROFILES="));
            assert!(profiles.is_some_and(|line| line.contains(name)), "{name}");
        }
        let offered = state.path().join("offered/rabbitmq/environment");
        let offered = fs::read_to_string(offered).expect("written");
        assert!(
            offered.contains("=amqp://stock-query:secret@127.0.0.1:20002/stocks\n"),
            "{offered}"
        );
    }

    #[test]
    fn the_data_of_each_server_lies_in_a_volume_of_its_name() {
        let deploy = workspace::root().join("deploy");
        let stack = fs::read_to_string(deploy.join("compose.yaml")).expect("it is there");
        for service in Service::USUAL {
            let volume = format!("\n  {}-data:\n", service.name());
            assert!(stack.contains(&volume), "{volume}");
        }
    }

    #[test]
    fn a_set_is_a_project_of_its_own() {
        let command = compose(Path::new("/tmp/stock-up-services-aB1")).expect("it has a name");
        let line = shell::shown(&command);
        assert!(
            line.starts_with("docker compose --project-name stock-up-services-ab1 --file "),
            "{line}"
        );
        assert!(
            line.ends_with("--env-file /tmp/stock-up-services-aB1/compose.env"),
            "{line}"
        );
    }
}
