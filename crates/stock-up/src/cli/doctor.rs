//! `doctor`: tries every configured outside service and says what is wrong.

mod etcd;
mod influxdb;
mod queue;
mod redis;

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use stock_up_io::clock::Clock;
use stock_up_io::feed::FeedSignal;
use stock_up_log::{DirLock, Error as LogError};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::check::venue_name;
use crate::config::{Config, VenueKind};
use crate::failure::{Failure, Kind, Outcome};
use crate::venue::Source;

/// A venue that says nothing for so long is not there.
const VENUE_TIME: Duration = Duration::from_secs(15);

const EXAMPLES: &str = "\
Examples:
  stock-up doctor
  stock-up doctor --config stock-up.toml

Exit codes: 0 all is well, 1 something is wrong, 4 the venue refuses the token.";

/// Tries every configured outside service and says what is wrong
///
/// Connects to the venue, unless stock-up runs on the same data directory: venues like Finnhub
/// allow one connection per token, and a second would cut the first.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DoctorArgs {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What a look at the data directory tells about the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Running,
    NotRunning,
}

/// Collects what was found.
struct Findings {
    out: io::Stdout,
    worst: Option<Kind>,
}

/// Does `doctor`.
pub(super) fn doctor(args: &DoctorArgs) -> Outcome {
    let config = Config::load(args.config.as_deref())?;
    let mut findings = Findings {
        out: io::stdout(),
        worst: None,
    };
    findings.good("configuration", "good")?;
    let dir = config
        .data_dir_for(venue_name(&config))
        .map_err(Failure::usage)?;
    let service = match look_at_dir(&dir) {
        Ok((service, found)) => {
            findings.good(
                "data directory",
                format_args!("`{}` {found}", dir.display()),
            )?;
            service
        }
        Err(error) => {
            findings.bad("data directory", &error, Kind::Failed)?;
            Service::NotRunning
        }
    };
    look_at_port(config.serve.listen, service, &mut findings)?;
    look_at_venue(&config, service, &mut findings)?;
    etcd::look_at_etcd(&config, &mut findings)?;
    redis::look_at_redis(&config, &mut findings)?;
    queue::look_at_queue(&config, &mut findings)?;
    influxdb::look_at_influxdb(&config, &dir, &mut findings)?;
    match findings.worst {
        None => Ok(()),
        Some(kind) => Err(Failure {
            kind,
            error: anyhow!("something is wrong; see above"),
        }),
    }
}

impl Findings {
    fn good(&mut self, what: &str, found: impl Display) -> io::Result<()> {
        writeln!(self.out.lock(), "ok     {what}: {found}")
    }

    fn bad(&mut self, what: &str, error: &anyhow::Error, kind: Kind) -> io::Result<()> {
        self.worst = self
            .worst
            .filter(|worst| *worst != Kind::Failed)
            .or(Some(kind));
        writeln!(self.out.lock(), "wrong  {what}: {error:#}")
    }
}

fn look_at_dir(dir: &Path) -> anyhow::Result<(Service, String)> {
    if !dir.exists() {
        let parent = dir
            .ancestors()
            .find(|folder| folder.exists())
            .unwrap_or(Path::new("."));
        let writable = tempfile_in(parent);
        writable
            .with_context(|| format!("cannot be made: `{}` is not writable", parent.display()))?;
        return Ok((
            Service::NotRunning,
            "does not exist yet; `run` makes it".to_owned(),
        ));
    }
    if !dir.is_dir() {
        bail!("`{}` is not a directory", dir.display());
    }
    let log = dir.join("log");
    if log.is_dir() {
        match DirLock::acquire(&log) {
            Ok(lock) => drop(lock),
            Err(LogError::Locked { holder, .. }) => {
                return Ok((Service::Running, format!("is in use by process {holder}")));
            }
            Err(error) => return Err(error.into()),
        }
    }
    tempfile_in(dir).with_context(|| format!("`{}` is not writable", dir.display()))?;
    Ok((Service::NotRunning, "is usable".to_owned()))
}

/// Writes a file and removes it.
fn tempfile_in(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".stock-up-doctor.{}.tmp", std::process::id()));
    fs::write(&path, b"x")?;
    fs::remove_file(&path)
}

fn look_at_port(listen: SocketAddr, service: Service, findings: &mut Findings) -> io::Result<()> {
    let bound = TcpListener::bind(listen);
    match bound {
        Ok(_) if service == Service::Running => findings.good(
            "page",
            format_args!("{listen} is free; the running stock-up listens elsewhere"),
        ),
        Ok(_) => findings.good("page", format_args!("{listen} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && service == Service::Running => {
            findings.good(
                "page",
                format_args!("{listen} is in use, and stock-up runs"),
            )
        }
        Err(error) => {
            let what = format!(
                "cannot listen on {listen}; stop the other program, or give another --listen"
            );
            findings.bad(
                "page",
                &anyhow::Error::new(error).context(what),
                Kind::Failed,
            )
        }
    }
}

fn look_at_venue(config: &Config, service: Service, findings: &mut Findings) -> Outcome {
    let name = venue_name(config);
    if config.venue.kind != VenueKind::Finnhub {
        return Ok(findings.good(
            "venue",
            format_args!("{name} is simulated; there is nothing to reach"),
        )?);
    }
    if service == Service::Running {
        let found = "not tried: the running stock-up holds the one connection that a token allows";
        return Ok(findings.good("venue", format_args!("{name} {found}"))?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match runtime.block_on(try_venue(config)) {
        Ok(FeedSignal::Connected { .. }) => {
            findings.good("venue", format_args!("{} lets us in", config.venue.server))?;
        }
        Ok(FeedSignal::Refused { reason, .. }) => {
            findings.bad(
                "venue",
                &anyhow!("{}: {reason}", config.venue.server),
                Kind::Auth,
            )?;
        }
        Ok(FeedSignal::Unreachable { reason, .. }) => {
            findings.bad(
                "venue",
                &anyhow!("{}: {reason}", config.venue.server),
                Kind::Failed,
            )?;
        }
        Ok(_) => findings.bad(
            "venue",
            &anyhow!("{} says nothing", config.venue.server),
            Kind::Failed,
        )?,
        Err(error) => findings.bad("venue", &error, Kind::Failed)?,
    }
    Ok(())
}

/// The first answer of the venue to a try by the very driver that `run` uses.
async fn try_venue(config: &Config) -> anyhow::Result<FeedSignal> {
    let clock = Clock::system();
    let source = Source::new(config, &clock)?;
    let (_wishes, wished) = watch::channel(Vec::new());
    let (signals, mut received) = mpsc::channel(8);
    let running = source.run(wished, signals, clock, std::future::pending());
    let first = async {
        loop {
            match received.recv().await {
                Some(FeedSignal::Connecting) => {}
                Some(signal) => return Ok(signal),
                None => bail!("the feed ended"),
            }
        }
    };
    tokio::select! {
        found = timeout(VENUE_TIME, first) => {
            found.with_context(|| format!("{} does not answer", config.venue.server))?
        }
        () = running => bail!("the feed ended"),
    }
}
