//! The folder of one set of servers.
//!
//! ```text
//! STATE/environment         shell exports that lead to all of them
//! STATE/NAME/environment    those of one server
//! STATE/NAME/start          a script that becomes the server, with the data and ports it had
//! STATE/NAME/pid            the number of its process and process group
//! STATE/NAME/born           when that process started, as field 22 of /proc/PID/stat says
//! STATE/NAME/log            what it printed
//! STATE/NAME/ctl            its command line client, where it has one
//! STATE/NAME/data           its data
//! ```
//!
//! A set of containers has `environment` files alone, and `compose.env`.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::process::{Condition, POLL, Process};
use super::{Act, Service, docker, influxdb2, ready, recipe};
use crate::stopwatch::Stopwatch;
use crate::workspace;

/// The variable that names the folder of the set in use.
pub(super) const VARIABLE: &str = "STOCK_UP_TEST_SERVICES";
/// How long a server may take until it answers; a cold Kafka on a busy machine is the slowest.
const READY_TIMEOUT: Duration = Duration::from_mins(2);

/// One set of servers.
#[derive(Debug)]
pub(crate) struct State {
    folder: PathBuf,
    /// The file in the checkout that names the folder.
    pointer: PathBuf,
}

impl State {
    /// The set of this checkout, or the one that `STOCK_UP_TEST_SERVICES` names.
    pub(super) fn find() -> anyhow::Result<Option<Self>> {
        let pointer = pointer("services");
        let named = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
        if let Some(folder) = named.map(PathBuf::from) {
            if !folder.is_dir() {
                bail!(
                    "`{VARIABLE}` is `{}`, which is not a folder; unset it",
                    folder.display()
                );
            }
            return Ok(Some(Self { folder, pointer }));
        }
        Ok(Self::pointed(pointer))
    }

    /// The set that `pointer` names, if it is still there.
    pub(super) fn pointed(pointer: PathBuf) -> Option<Self> {
        let folder = PathBuf::from(fs::read_to_string(&pointer).ok()?.trim());
        folder.is_dir().then_some(Self { folder, pointer })
    }

    /// A new, empty set in the temporary folder.
    pub(super) fn create(pointer: PathBuf) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("stock-up-services-")
            .tempdir()
            .context("no temporary folder for the servers")?
            .keep();
        fs::create_dir_all(pointer.parent().expect("it lies in `.cache`"))?;
        fs::write(&pointer, format!("{}\n", folder.display()))?;
        Ok(Self { folder, pointer })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The servers that this set has, running or not.
    pub(super) fn members(&self) -> Vec<Service> {
        let whole = |service: &Service| self.of(*service).join("environment").is_file();
        Service::ALL.into_iter().filter(whole).collect()
    }

    fn of(&self, service: Service) -> PathBuf {
        self.folder.join(service.name())
    }

    pub(super) fn process(&self, service: Service) -> Process {
        Process::at(self.of(service))
    }

    /// Erlang's name server, which RabbitMQ needs beside it.
    fn helper(&self, service: Service) -> Option<Process> {
        (service == Service::RabbitMq).then(|| Process::at(self.of(service).join("epmd")))
    }

    /// Whether the servers of this set are containers.
    pub(super) fn in_docker(&self) -> bool {
        docker::holds(&self.folder)
    }

    /// Makes this set, which must be new, one of containers.
    pub(super) fn use_docker(&self) -> anyhow::Result<()> {
        if !self.members().is_empty() {
            bail!("the set that is up runs without Docker; `services down` comes first");
        }
        let port = || Ok(recipe::free_port()?.local_addr()?.port());
        docker::write(&self.folder, port, recipe::random_hex::<12>)
    }

    /// Starts those of `services` that do not run, and returns when all of them answer.
    pub(super) fn up(&self, services: &[Service]) -> anyhow::Result<()> {
        if self.in_docker() {
            docker::up(&self.folder, services)?;
        } else {
            self.start_all(services)?;
        }
        for &service in services {
            self.wait(service)?;
            if service == Service::InfluxDb2 {
                influxdb2::set_up(&self.of(service), self.port(service)?)?;
            }
        }
        self.write_environment()
    }

    fn start_all(&self, services: &[Service]) -> anyhow::Result<()> {
        for &service in services {
            if !self.members().contains(&service) {
                recipe::write(service, &self.of(service))?;
            }
            self.start(service)?;
        }
        Ok(())
    }

    /// Does one thing to one server.
    pub(super) fn act(&self, service: Service, act: Act) -> anyhow::Result<()> {
        if self.in_docker() {
            return docker::act(&self.folder, service, act);
        }
        let process = self.process(service);
        match act {
            Act::Start => self.start(service),
            Act::Stop => process.stop(),
            Act::Kill => process.kill(),
            Act::Freeze => process.freeze(),
            Act::Thaw => process.thaw(),
        }
    }

    fn start(&self, service: Service) -> anyhow::Result<()> {
        if let Some(helper) = self.helper(service) {
            helper.start()?;
        }
        self.process(service).start()
    }

    /// Waits until `service` answers.
    pub(super) fn wait(&self, service: Service) -> anyhow::Result<()> {
        let port = self.port(service)?;
        let process = self.process(service);
        let watch = Stopwatch::start();
        while !ready::answers(service, port) {
            if !self.in_docker() && process.condition() == Condition::Stopped {
                bail!(
                    "{} ended while it started; {}",
                    service.name(),
                    self.tail(service)
                );
            }
            if watch.elapsed() > READY_TIMEOUT {
                let limit = READY_TIMEOUT.as_secs();
                bail!(
                    "{} gave no answer within {limit} s; {}",
                    service.name(),
                    self.tail(service)
                );
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// The last lines that `service` said, for errors.
    fn tail(&self, service: Service) -> String {
        if self.in_docker() {
            docker::tail(&self.folder, service)
        } else {
            self.process(service).tail()
        }
    }

    /// The port that answers for `service`.
    fn port(&self, service: Service) -> anyhow::Result<u16> {
        let path = self.of(service).join("environment");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("`{}` can't be read", path.display()))?;
        let first = text.lines().next().and_then(port_of);
        first.with_context(|| format!("`{}` names no port", path.display()))
    }

    /// Ends `services` at once and removes their data; with the last one goes the folder.
    pub(super) fn down(&self, services: &[Service]) -> anyhow::Result<()> {
        if self.in_docker() {
            docker::down(&self.folder, services)?;
        }
        for &service in services {
            self.process(service).kill()?;
            if let Some(helper) = self.helper(service) {
                helper.kill()?;
            }
            let folder = self.of(service);
            // A folder that is only half there goes too.
            if folder.is_dir() {
                fs::remove_dir_all(&folder)
                    .with_context(|| format!("`{}` can't be removed", folder.display()))?;
            }
        }
        if !self.members().is_empty() {
            return self.write_environment();
        }
        fs::remove_dir_all(&self.folder)
            .with_context(|| format!("`{}` can't be removed", self.folder.display()))?;
        // Only a pointer to this very set.
        let named = fs::read_to_string(&self.pointer).unwrap_or_default();
        if Path::new(named.trim()) == self.folder {
            fs::remove_file(&self.pointer)?;
        }
        Ok(())
    }

    /// The variables that lead to the servers.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let mut all = vec![(VARIABLE.to_owned(), self.folder.display().to_string())];
        for service in self.members() {
            let path = self.of(service).join("environment");
            let text = fs::read_to_string(path).unwrap_or_default();
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            all.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        all
    }

    /// The same as lines for a shell.
    pub(super) fn exports(&self) -> String {
        let line = |(name, value): &(String, String)| format!("export {name}='{value}'\n");
        self.environment().iter().map(line).collect()
    }

    fn write_environment(&self) -> anyhow::Result<()> {
        Ok(fs::write(self.folder.join("environment"), self.exports())?)
    }
}

/// Where the folder of the set called `name` is written down.
pub(super) fn pointer(name: &str) -> PathBuf {
    workspace::root().join(".cache").join(name)
}

/// The port at the end of an address on loopback, whatever stands around it.
fn port_of(line: &str) -> Option<u16> {
    let (_, rest) = line.rsplit_once("127.0.0.1:")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_in_every_kind_of_address() {
        assert_eq!(port_of("STOCK_UP_TEST_KAFKA=127.0.0.1:21000"), Some(21000));
        let amqp = "STOCK_UP_TEST_RABBITMQ=amqp://stock-query:1a@127.0.0.1:21001/stocks";
        assert_eq!(port_of(amqp), Some(21001));
        assert_eq!(port_of("STOCK_UP_TEST_KAFKA=elsewhere:1"), None);
    }

    #[test]
    fn an_empty_set_goes_away_whole() {
        let cache = tempfile::tempdir().expect("a folder");
        let pointer = cache.path().join("services");
        let state = State::create(pointer.clone()).expect("created");
        let folder = state.folder().to_owned();
        assert!(State::pointed(pointer.clone()).is_some());
        state.up(&[]).expect("nothing to start");
        assert_eq!(state.environment().len(), 1);
        state.down(&[]).expect("removed");
        assert!(!folder.exists());
        assert!(State::pointed(pointer).is_none());
    }
}
