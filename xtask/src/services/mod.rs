//! Real servers for tests and trials: Kafka, RabbitMQ, InfluxDB, etcd and Redis on loopback, with
//! their data in a temporary folder.
//!
//! InfluxDB 2, which has to be built first, comes only when it is named.
//! Several sets can run side by side, for each takes free ports.
//! Whatever a command starts is found again through its state folder, whose layout `state` tells;
//! tests may read it.

mod docker;
mod influxdb2;
mod install;
mod process;
mod ready;
mod recipe;
mod state;

use anyhow::{Context as _, bail};

pub(crate) use install::install;
use process::Condition;
use state::State;

use crate::stopwatch::{Shown, Stopwatch};

pub(crate) const HELP: &str = "\
cargo xtask services <command> [kafka] [rabbitmq] [influxdb] [etcd] [redis] [influxdb2]

  up [NAME…]        start these (default: all but influxdb2, which has to be built first)
                    and print how to reach them
     [--docker]     in containers; a new set is that anyway where a Docker engine runs
     [--packages]   from Debian's packages, also where one runs
  status            what runs, and how to reach it
  down [NAME…]      stop these (default: all) and remove their data
  stop NAME…        ask to end, as an operator would; the data stays
  kill NAME…        kill -9; the data stays
  start NAME…       start again, with the same ports and data
  freeze NAME…      SIGSTOP
  thaw NAME…        SIGCONT
";

/// With it a test that misses its server fails instead of skipping itself.
pub(crate) const REQUIRED: &str = "STOCK_UP_REQUIRE_SERVICES";

/// A server that tests use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Kafka,
    RabbitMq,
    InfluxDb,
    Etcd,
    Redis,
    InfluxDb2,
}

impl Service {
    /// What every test run has, and `up` where it names none. The slowest to start comes first.
    pub(crate) const USUAL: [Self; 5] = [
        Self::Kafka,
        Self::RabbitMq,
        Self::InfluxDb,
        Self::Etcd,
        Self::Redis,
    ];

    /// These, and what takes too long to come by.
    const ALL: [Self; 6] = [
        Self::Kafka,
        Self::RabbitMq,
        Self::InfluxDb,
        Self::Etcd,
        Self::Redis,
        Self::InfluxDb2,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::RabbitMq => "rabbitmq",
            Self::InfluxDb => "influxdb",
            Self::Etcd => "etcd",
            Self::Redis => "redis",
            Self::InfluxDb2 => "influxdb2",
        }
    }

    fn named(name: &str) -> anyhow::Result<Self> {
        let found = Self::ALL.into_iter().find(|service| service.name() == name);
        found.with_context(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{name}` is not a server; they are {names}")
        })
    }
}

/// What can be done to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// With the ports and data that it had; not waited for.
    Start,
    /// As an operator would.
    Stop,
    /// As a crash would.
    Kill,
    Freeze,
    Thaw,
}

/// What `cargo xtask services` was asked for.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let Some((command, names)) = arguments.split_first() else {
        print!("{HELP}");
        return Ok(());
    };
    let (options, names): (Vec<&str>, Vec<&str>) =
        names.iter().partition(|name| name.starts_with("--"));
    let wish = Wish::of(&options)?;
    let named: Vec<Service> = names
        .iter()
        .map(|name| Service::named(name))
        .collect::<anyhow::Result<_>>()?;
    match *command {
        "up" => up(&named, wish),
        _ if wish != Wish::Either => bail!("only `up` takes options\n\n{HELP}"),
        "status" => status(),
        "down" => down(&named),
        "stop" => each(&named, |state, service| state.act(service, Act::Stop)),
        "kill" => each(&named, |state, service| state.act(service, Act::Kill)),
        "freeze" => each(&named, |state, service| state.act(service, Act::Freeze)),
        "thaw" => each(&named, |state, service| state.act(service, Act::Thaw)),
        // All at once, then wait for each.
        "start" => each(&named, |state, service| state.act(service, Act::Start))
            .and_then(|()| each(&named, State::wait)),
        other => bail!("`{other}` is not a command\n\n{HELP}"),
    }
}

/// Where a new set of servers shall run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// In Docker where its engine runs, else from packages.
    Either,
    Docker,
    Packages,
}

impl Wish {
    fn of(options: &[&str]) -> anyhow::Result<Self> {
        match options {
            [] => Ok(Self::Either),
            ["--docker"] => Ok(Self::Docker),
            ["--packages"] => Ok(Self::Packages),
            other => bail!("`{}` is not an option\n\n{HELP}", other.join(" ")),
        }
    }

    /// The same with servers of which no image is named anywhere.
    fn with(self, services: &[Service]) -> anyhow::Result<Self> {
        match self {
            _ if !services.contains(&Service::InfluxDb2) => Ok(self),
            Self::Docker => bail!("influxdb2 is built here; it comes without `--docker`"),
            Self::Either | Self::Packages => Ok(Self::Packages),
        }
    }

    fn is_docker(self, engine_runs: impl Fn() -> bool) -> bool {
        match self {
            Self::Either => engine_runs(),
            Self::Docker => true,
            Self::Packages => false,
        }
    }
}

fn up(named: &[Service], wish: Wish) -> anyhow::Result<()> {
    let services = if named.is_empty() {
        &Service::USUAL[..]
    } else {
        named
    };
    let wish = wish.with(services)?;
    let found = State::find()?;
    let state = match found {
        Some(state) => state,
        None => State::create(state::pointer("services"))?,
    };
    // A set stays what it was when its first server started.
    let is_new = state.members().is_empty() && !state.in_docker();
    if wish == Wish::Docker && !state.in_docker() || is_new && wish.is_docker(docker::runs) {
        state.use_docker()?;
    }
    if !state.in_docker() {
        install(services)?;
    } else if wish == Wish::Packages {
        bail!("the set that is up runs in Docker; `services down` comes first");
    }
    let watch = Stopwatch::start();
    state.up(services)?;
    // On the error stream: the standard output is for a shell.
    eprintln!("ready after {}", Shown(watch.elapsed()));
    print!("{}", state.exports());
    Ok(())
}

/// Whether the programs of `services` are there, or come now; if not, an engine of Docker must run.
fn installed(services: &[Service]) -> anyhow::Result<bool> {
    match install(services) {
        Ok(()) => Ok(true),
        Err(error) if docker::runs() => {
            eprintln!("{error:#}; so the servers run in Docker");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn status() -> anyhow::Result<()> {
    let Some(state) = State::find()? else {
        println!("nothing is up; `cargo xtask services up` starts the servers");
        return Ok(());
    };
    if state.in_docker() {
        docker::list(state.folder())?;
    }
    for service in state.members().into_iter().filter(|_| !state.in_docker()) {
        let process = state.process(service);
        let condition = match process.condition() {
            Condition::Running => "running",
            Condition::Frozen => "frozen",
            Condition::Stopped => "stopped",
        };
        let pid = process.pid().map(|pid| pid.to_string()).unwrap_or_default();
        println!("# {:9} {condition:7} {pid}", service.name());
    }
    print!("{}", state.exports());
    Ok(())
}

fn down(named: &[Service]) -> anyhow::Result<()> {
    let Some(state) = State::find()? else {
        return Ok(());
    };
    state.down(if named.is_empty() {
        &Service::ALL
    } else {
        named
    })
}

fn each(
    named: &[Service],
    act: impl Fn(&State, Service) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if named.is_empty() {
        bail!("name the servers that this is meant for\n\n{HELP}");
    }
    let state = State::find()?.context("nothing is up; `cargo xtask services up` comes first")?;
    let members = state.members();
    for &service in named {
        if !members.contains(&service) {
            bail!("{} is not up", service.name());
        }
        act(&state, service)?;
    }
    Ok(())
}

/// All servers for the time of a test run; they end with it, also when it fails.
#[derive(Debug)]
pub(crate) struct Running(State);

impl Running {
    /// The set called `name`; none where servers cannot be installed and nobody insists.
    ///
    /// From packages, also where Docker runs: tests that stop a server or start one more do it with
    /// the programs of this machine.
    pub(crate) fn for_tests(name: &str) -> anyhow::Result<Option<Self>> {
        let required = std::env::var(REQUIRED).is_ok_and(|value| value == "1");
        match installed(&Service::USUAL) {
            Ok(packages) => Self::start(name, !packages).map(Some),
            Err(error) if required => Err(error),
            Err(error) => {
                println!("no servers for the tests: {error:#}");
                Ok(None)
            }
        }
    }

    /// A set apart from the one that a developer may have up.
    fn start(name: &str, in_docker: bool) -> anyhow::Result<Self> {
        let pointer = state::pointer(name);
        // What an interrupted run left behind.
        if let Some(left) = State::pointed(pointer.clone()) {
            left.down(&Service::ALL)?;
        }
        let running = Self(State::create(pointer)?);
        if in_docker {
            running.0.use_docker()?;
        }
        let watch = Stopwatch::start();
        running.0.up(&Service::USUAL)?;
        println!("all servers answer after {}", Shown(watch.elapsed()));
        Ok(running)
    }

    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        self.0.environment()
    }

    /// Ends a server as an operator would; its data stays.
    pub(crate) fn stop(&self, service: Service) -> anyhow::Result<()> {
        self.0.act(service, Act::Stop)
    }

    /// Starts it with the ports and data that it had, and waits until it answers.
    pub(crate) fn start_again(&self, service: Service) -> anyhow::Result<()> {
        self.0.act(service, Act::Start)?;
        self.0.wait(service)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.0.down(&Service::ALL) {
            let folder = self.0.folder().display();
            eprintln!("the servers in `{folder}` are not all gone: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_set_runs_in_docker_where_an_engine_runs_unless_packages_are_asked_for() {
        let chosen = |options: &[&str], runs| {
            let wish = Wish::of(options).expect("an option of `up`");
            wish.is_docker(|| runs)
        };
        assert!(chosen(&[], true) && !chosen(&[], false));
        assert!(chosen(&["--docker"], false) && !chosen(&["--packages"], true));
        let with = |wish: Wish| wish.with(&[Service::InfluxDb2]);
        assert!(
            !with(Wish::Either)
                .expect("it can be built")
                .is_docker(|| true)
        );
        assert!(with(Wish::Docker).is_err());
    }

    #[test]
    fn unknown_servers_and_commands_are_refused_with_the_list() {
        let error = run(&["up", "kafkaa"]).expect_err("a typo");
        assert_eq!(
            error.to_string(),
            "`kafkaa` is not a server; they are kafka, rabbitmq, influxdb, etcd, redis, influxdb2"
        );
        assert!(run(&["upp"]).is_err());
        assert!(run(&["up", "--dokcer"]).is_err());
        assert!(run(&["stop", "--docker", "etcd"]).is_err());
        assert!(run(&["stop"]).is_err());
    }
}
