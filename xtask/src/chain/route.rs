//! One route of a tape: its venue, collect and analyze as processes, its own names on the servers,
//! and the check of what arrived.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::database::{self, Database};
use super::day::Tape;
use super::loss;
use super::points::Points;
use super::role::{POLL, Role};
use super::transport::{Transport, Variables, found, owned};
use crate::shell;
use crate::stopwatch::Stopwatch;

/// How long no trade must come before a tape is over.
const IDLE: &str = "15s";

/// How long collect may take after the trouble, and how long points may take after collect.
const COLLECT_TIME: Duration = Duration::from_mins(4);
const POINTS_TIME: Duration = Duration::from_mins(2);

/// How long analyze may take to end.
const END_TIME: Duration = Duration::from_secs(30);

/// What all routes have in common.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) binary: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) servers: Variables,
}

/// What a route is to be.
#[derive(Debug)]
pub(super) struct Plan {
    /// Also that of its topic, queue, database, and its folder.
    pub(super) name: String,
    pub(super) transport: Transport,
    pub(super) tape: Tape,
    /// Its collector is killed: what that misses is lost.
    pub(super) loses: bool,
}

/// A route at work.
#[derive(Debug)]
pub(super) struct Route {
    plan: Plan,
    binary: PathBuf,
    folder: PathBuf,
    variables: Variables,
    database: Database,
    /// What `replay` makes of the log, where that is less than the tape.
    of_log: Option<Points>,
    roles: Option<Roles>,
}

#[derive(Debug)]
struct Roles {
    venue: Role,
    /// Where the venue tells how far it is.
    status: String,
    /// The venue's address, for the next collector.
    server: String,
    collect: Role,
    analyze: Role,
}

impl Route {
    /// Makes its folder and puts its settings into etcd.
    pub(super) fn prepare(place: &Place<'_>, plan: Plan) -> anyhow::Result<Self> {
        let folder = place.folder.join(&plan.name);
        fs::create_dir_all(&folder)?;
        let servers = &place.servers;
        let mut variables = plan.transport.variables(servers, &plan.name)?;
        let influxdb = found(servers, "STOCK_UP_TEST_INFLUXDB")?;
        variables.extend(owned(&[
            ("CONFIG_HOST", found(servers, "STOCK_UP_TEST_ETCD")?),
            ("STOCK_UP__ETCD__PREFIX", &format!("{}/", plan.name)),
            (
                "STOCK_UP__REDIS__URL",
                found(servers, "STOCK_UP_TEST_REDIS")?,
            ),
            ("STOCK_UP__INFLUXDB__URL", influxdb),
            ("STOCK_UP__INFLUXDB__DATABASE", &plan.name),
            ("STOCK_UP__INFLUXDB__CREATE", "true"),
            ("STOCK_UP__INFLUXDB__RETENTION", "0s"),
        ]));
        let route = Self {
            database: Database::new(influxdb, &plan.name),
            binary: place.binary.to_owned(),
            folder,
            variables,
            plan,
            of_log: None,
            roles: None,
        };
        let subscriptions = format!("subscriptions={}", route.plan.tape.symbols);
        shell::read(route.command(&["settings", "set", &subscriptions]))?;
        Ok(route)
    }

    pub(super) fn name(&self) -> &str {
        &self.plan.name
    }

    pub(super) fn transport(&self) -> Transport {
        self.plan.transport
    }

    /// Whether its collector may be killed.
    pub(super) fn loses(&self) -> bool {
        self.plan.loses
    }

    /// The program in a world of its own: no other variable reaches it.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = shell::program(&self.binary.to_string_lossy(), arguments);
        command.env_clear();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the venue and the roles; the tape begins.
    pub(super) fn begin(&mut self) -> anyhow::Result<()> {
        let (venue, server, status) = self.start_venue()?;
        let analyze = self.start_analyze()?;
        let collect = self.start_collect(&server)?;
        self.roles = Some(Roles {
            venue,
            status,
            server,
            collect,
            analyze,
        });
        Ok(())
    }

    fn start_venue(&self) -> anyhow::Result<(Role, String, String)> {
        let address = "127.0.0.1:0";
        let Tape { files, speed, .. } = &self.plan.tape;
        let mut venue = self.command(&["venue", "serve", "--hold", "--speed", speed]);
        venue.args(["--listen", address, "--control", address, "--tape"]);
        venue.args(files);
        let mut venue = Role::start(venue, &self.folder.join("venue.log"))?;
        let server = venue.says("venue at ")?;
        let status = venue.says("control at http://")?;
        Ok((venue, server, status))
    }

    fn start_analyze(&self) -> anyhow::Result<Role> {
        let command = self.role("analyze");
        Role::start(command, &self.folder.join("analyze.log"))
    }

    fn start_collect(&self, server: &str) -> anyhow::Result<Role> {
        let mut command = self.role("collect");
        command.args(["--until-idle", IDLE]);
        command
            .env("QUOTE_SERVER", server)
            .env("QUOTE_API_TOKEN", "any");
        Role::start(command, &self.folder.join("collect.log"))
    }

    fn role(&self, role: &str) -> Command {
        let mut command = self.command(&["run", "--role", role, "--listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(self.folder.join(role));
        command
    }

    fn roles(&mut self) -> anyhow::Result<&mut Roles> {
        self.roles.as_mut().context("the route has begun")
    }

    pub(super) fn kill_analyze(&mut self) -> anyhow::Result<()> {
        self.roles()?.analyze.kill()?;
        self.roles()?.analyze = self.start_analyze()?;
        Ok(())
    }

    pub(super) fn kill_collect(&mut self) -> anyhow::Result<()> {
        let roles = self.roles()?;
        roles.collect.kill()?;
        let server = roles.server.clone();
        self.roles()?.collect = self.start_collect(&server)?;
        Ok(())
    }

    /// Fails if one of its processes has ended by itself.
    pub(super) fn guard(&mut self) -> anyhow::Result<()> {
        let Self { plan, roles, .. } = self;
        let Some(roles) = roles else { return Ok(()) };
        for (name, role) in [
            ("venue", &mut roles.venue),
            ("collect", &mut roles.collect),
            ("analyze", &mut roles.analyze),
        ] {
            role.guard()
                .with_context(|| format!("{}: {name}", plan.name))?;
        }
        Ok(())
    }

    /// Fails if the tape is over: then what happened did not happen in its middle.
    pub(super) fn is_in_the_middle(&self) -> anyhow::Result<()> {
        let roles = self.roles.as_ref().context("the route has begun")?;
        let status = database::get(&roles.status, "/status")?;
        if status.contains("\"ended\"") {
            bail!(
                "{}: the tape was over before the trouble; slow it down",
                self.name()
            );
        }
        Ok(())
    }

    /// Waits for the end of the tape, of collect, and of what that becomes; then ends analyze.
    pub(super) fn come_to_rest(&mut self, expected: &Points) -> anyhow::Result<()> {
        let name = self.plan.name.clone();
        let collected = self.roles()?.collect.ends(COLLECT_TIME);
        collected.with_context(|| format!("{name}: collect"))?;
        if self.loses() {
            self.of_log = Some(self.replay_of_the_log()?);
        }
        let expected = self.of_log.as_ref().unwrap_or(expected).len();
        let watch = Stopwatch::start();
        // What is missing after that long is told by the comparison.
        while self.database.count()? < expected && watch.elapsed() < POINTS_TIME {
            self.roles()?
                .analyze
                .guard()
                .with_context(|| format!("{name}: analyze"))?;
            thread::sleep(POLL * 10);
        }
        let roles = self.roles()?;
        roles.analyze.ask_to_end()?;
        let ended = roles.analyze.ends(END_TIME);
        ended.with_context(|| format!("{name}: analyze"))?;
        self.roles = None;
        Ok(())
    }

    fn replay_of_the_log(&self) -> anyhow::Result<Points> {
        let log = self.folder.join("collect");
        let replayed = shell::read(self.command(&["replay", "--log", &log.to_string_lossy()]))?;
        Points::from_csv(&replayed)
    }

    /// Compares what InfluxDB holds; says how much that was.
    pub(super) fn check(&self, expected: &Points) -> anyhow::Result<String> {
        let found = self.database.points()?;
        let points = found.len();
        let Some(of_log) = &self.of_log else {
            expected.compare(&found)?;
            return Ok(format!("{points} points equal `replay` of the tape"));
        };
        of_log.compare(&found)?;
        let log = self.folder.join("collect");
        let log = log.to_string_lossy();
        let exported = shell::read(self.command(&["export", "trades", &log]))?;
        let gaps = shell::read(self.command(&["gaps", &log, "--format", "csv"]))?;
        let gaps = loss::gaps(&gaps)?;
        let file = self.plan.tape.files.first().context("a tape has a file")?;
        let missed = loss::missed(&fs::read_to_string(file)?, &exported, &gaps)?;
        if gaps.is_empty() {
            bail!("collect was killed, and declares no gap");
        }
        Ok(format!(
            "{points} points equal `replay` of the log; {missed} trades missed, all in {} gaps",
            gaps.len()
        ))
    }
}
