//! Joins the parts: feed to collect, log to analyze, what is live and stored to serve.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use stock_up_io::clock::Clock;
use stock_up_io::settings::SettingsHandle;
use stock_up_io::store::{Gap, ReaderPool, Store};
use stock_up_log::{CommitBounds, Log};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::feed::FeedTask;
use super::history::{LogTrades, Stored};
use super::logging::Logging;
use super::parts::{Parts, Spool};
use super::stop::Stop;
use super::supervisor::{Supervisor, spawn_analysis, spawn_collect};
use crate::analyze::{
    self, Analysis, Analyze, Finish, Input, LogRetention, Part, Patience, Recent, Saver, Sharer,
};
use crate::collect::{Collect, End, Journal};
use crate::config::{Config, duration, secret_from_file};
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::hub::Hub;
use crate::serve::{Limits, Serve, Server, Sources, TlsFiles, TokenHash};
use crate::settings_source::{SettingsSource, Teller};
use crate::sink::{Sinks, Site, Targets};
use crate::telemetry::{Contact, Telemetry};
use crate::venue::Source;

/// Everything that the roles are made of.
pub(super) struct Pipeline {
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) logging: Logging,
    pub(super) source: Source,
    pub(super) parts: Parts,
    pub(super) until_idle: Option<Duration>,
}

/// What several roles hold.
struct Shared {
    hub: Hub,
    telemetry: Arc<Telemetry>,
    recent: Arc<Recent>,
}

impl Pipeline {
    /// Catches up with the log, starts all roles, and runs until the first of them ends.
    pub(super) fn run(self, runtime: &Runtime, listener: TcpListener) -> Outcome<End> {
        let Self {
            config,
            clock,
            logging,
            source,
            parts,
            until_idle,
        } = self;
        let Parts {
            spool,
            store,
            open_gap,
        } = parts;
        let Spool {
            dir,
            log,
            writer,
            settings: (settings, watcher),
            ..
        } = spool;
        let (shared, sinks) = share((&config, &clock), (&dir, &store))?;
        let venue = Source::venue(config.venue.kind);
        shared.hub.publish_venue(venue.name, venue.simulated);
        let sources = sources((&dir, &log), &shared, &settings);
        let server = serve(&config, sources, (&shared.hub, &shared.telemetry), &clock)?;

        let name = dir.partition_name(0);
        let analysis = begin_analysis((&config, name), (store, &log, open_gap), &shared)?;
        let Shared { hub, telemetry, .. } = shared;
        let contact = etcd_contact(&config, &telemetry);
        let known = analyze::known(analysis.analyzer());
        let journal = Journal::start(
            log.clone(),
            writer,
            commit_bounds(&config),
            Arc::clone(&telemetry),
        )?;
        let (stop, finish) = (Stop::new(), Arc::new(Finish::default()));
        let (feed, ends) = FeedTask::new(source, &settings, clock.clone(), stop.clone());
        let collect = Collect {
            venue,
            journal,
            signals: ends.signals,
            settings: settings.watch(),
            clock,
            hub: hub.clone(),
            telemetry,
            until_idle,
        };

        let collected = spawn_collect(collect, known, feed)?;
        let analysed = spawn_analysis(analysis, Arc::clone(&finish))?;
        let mut tasks = JoinSet::new();
        let place = (&mut tasks, runtime.handle());
        let told = (hub, logging, contact);
        spawn_settings(place, (settings, watcher), Some(ends.wishes), told);
        super::announce(&config, &listener, venue)?;
        let supervisor = Supervisor {
            stop,
            finish,
            log,
            collected,
            analysed,
            tasks,
            sinks: sinks.start(runtime.handle()),
        };
        Ok(runtime.block_on(supervisor.watch(server, listener))?)
    }
}

/// Takes analysis up where the store was saved, and catches up with the log.
fn begin_analysis(
    (config, name): (&Config, String),
    (mut store, log, open_gap): (Store, &Log, Option<Gap>),
    shared: &Shared,
) -> Outcome<Analysis> {
    let Shared {
        hub,
        telemetry,
        recent,
    } = shared;
    let sharer = Sharer::begin(
        (config, telemetry, &Patience::default()),
        name,
        &mut store,
        Some(log.durable_end()),
    )?;
    let analyzer = analyze::restore(&store, log).map_err(Failure::data_dir)?;
    let (recent, telemetry) = (Arc::clone(recent), Arc::clone(telemetry));
    let saver = Saver::start(
        (store, sharer),
        config.retention(),
        Arc::clone(&recent),
        Arc::clone(&telemetry),
    )?;
    let input = Input::log(log.clone(), analyzer.position(), log_retention(config))
        .map_err(Failure::data_dir)?;
    let hub = hub.clone();
    let context = Analyze {
        analyzer,
        input,
        saver,
        open_gap,
        hub,
        recent,
        telemetry,
        part: Part::WHOLE,
    };
    Ok(Analysis::begin(context)?)
}

/// Starts following the settings, and passing them on.
pub(super) fn spawn_settings(
    (tasks, handle): (&mut JoinSet<()>, &Handle),
    (settings, watcher): (SettingsHandle, SettingsSource),
    wishes: Option<watch::Sender<Vec<String>>>,
    (hub, logging, contact): (Hub, Logging, Option<Contact>),
) {
    tasks.spawn_on(watcher.run(), handle);
    tasks.spawn_on(
        follow_settings(settings, wishes, hub, (logging, contact)),
        handle,
    );
}

/// While the log waits for the disk, so many times what makes a commit due may gather before the
/// next append blocks the feed.
const WAITING_COMMITS: usize = 4;

pub(super) fn commit_bounds(config: &Config) -> CommitBounds {
    let bytes = usize::try_from(config.log.commit_bytes.0).unwrap_or(usize::MAX);
    CommitBounds {
        latency: duration(config.log.commit_latency),
        bytes,
        most_bytes: bytes.saturating_mul(WAITING_COMMITS),
    }
}

pub(super) fn log_retention(config: &Config) -> LogRetention {
    LogRetention {
        max_bytes: Some(config.log.retain_bytes.0).filter(|bytes| *bytes > 0),
        max_age: Some(config.log.retain_age.ns()).filter(|age| *age > 0),
    }
}

/// What several roles hold, and the sinks behind it.
fn share(
    (config, clock): (&Config, &Clock),
    (dir, store): (&DataDir, &Store),
) -> Outcome<(Shared, Sinks)> {
    let telemetry = Arc::new(Telemetry::new());
    let targets = Targets::new(config, dir.path()).map_err(Failure::usage)?;
    let site = Site {
        store,
        dir,
        partition: (0, 1),
        telemetry: &telemetry,
        clock,
    };
    let sinks = Sinks::new(&targets, &site)?;
    let shared = Shared {
        hub: Hub::default(),
        telemetry,
        recent: Arc::new(Recent::new(sinks.outlets())),
    };
    Ok((shared, sinks))
}

/// What is read on request, where everything is in one process.
fn sources((dir, log): (&DataDir, &Log), shared: &Shared, settings: &SettingsHandle) -> Sources {
    Sources {
        history: Arc::new(Stored {
            readers: ReaderPool::new(dir.path()),
            recent: Arc::clone(&shared.recent),
        }),
        trades: Arc::new(LogTrades {
            log: log.clone(),
            hub: shared.hub.clone(),
        }),
        settings: settings.clone(),
        settings_elsewhere: false,
    }
}

/// The server over everything that can be read.
pub(super) fn serve(
    config: &Config,
    sources: Sources,
    (hub, telemetry): (&Hub, &Arc<Telemetry>),
    clock: &Clock,
) -> Outcome<Server> {
    let serve = &config.serve;
    let has = |path: &PathBuf| !path.as_os_str().is_empty();
    let token = has(&serve.token_file)
        .then(|| secret_from_file(&serve.token_file))
        .transpose();
    let token = token
        .context("[serve] token_file")
        .map_err(Failure::usage)?;
    let tls = has(&serve.tls_cert).then(|| TlsFiles {
        certificate: serve.tls_cert.clone(),
        key: serve.tls_key.clone(),
    });
    Server::new(Serve {
        hub: hub.clone(),
        telemetry: Arc::clone(telemetry),
        sources,
        token: token.map(|token| TokenHash::of(token.expose())),
        tls,
        hosts: serve.hosts.clone(),
        limits: Limits::default(),
        clock: clock.clone(),
    })
    .map_err(Failure::usage)
}

/// Whoever follows the settings asks etcd, where they come from there.
pub(super) fn etcd_contact(config: &Config, telemetry: &Telemetry) -> Option<Contact> {
    let is_on = config.etcd.is_on();
    is_on.then(|| telemetry.services.etcd.contact())
}

/// Passes changed settings on: the wishes to the feed, the rest to whoever shows it.
async fn follow_settings(
    settings: SettingsHandle,
    wishes: Option<watch::Sender<Vec<String>>>,
    hub: Hub,
    (logging, contact): (Logging, Option<Contact>),
) {
    let (mut states, mut teller) = (settings.watch(), Teller::default());
    loop {
        let state = states.borrow_and_update().clone();
        teller.tell(&state);
        match &contact {
            Some(contact) if state.cut_off.is_some() => contact.failed(),
            Some(contact) => contact.stands(),
            None => {}
        }
        logging.set_level(state.settings.log_level);
        // Without a feed here, the records tell what is subscribed.
        if let Some(wishes) = &wishes {
            hub.publish_subscriptions(&state.settings.subscriptions);
            let wanted = state.settings.subscriptions.clone();
            wishes.send_if_modified(|held| std::mem::replace(held, wanted.clone()) != wanted);
        }
        if states.changed().await.is_err() {
            return;
        }
    }
}
