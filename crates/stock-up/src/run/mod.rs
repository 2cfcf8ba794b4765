//! `stock-up run`: collect, log, analyze, store and serve, in one process.
//!
//! ```text
//! feed ─▶ collect (thread) ─▶ log ─▶ analyze (thread) ─▶ save (thread) ─▶ store
//!                                          └─▶ hub ─▶ serve
//! ```

mod feed;
mod history;
mod logging;
mod stop;

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow};
use stock_up_io::clock::Clock;
use stock_up_io::settings::{Missing, Settings, SettingsFile, SettingsHandle};
use stock_up_io::store::{Gap, GapFilter, ReaderPool, Store, StoreReader};
use stock_up_log::{CommitBounds, Log, Options, Writer};
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::analyze::{self, Analysis, Analyze, Finish, LogRetention, Recent, Saver};
use crate::cli::{Role, RunArgs};
use crate::collect::{Collect, End, Journal, Venue};
use crate::config::{Config, duration, secret_from_file};
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::hub::Hub;
use crate::serve::{Exposure, Limits, Serve, Server, Sources, TlsFiles, TokenHash};
use crate::telemetry::Telemetry;

use feed::Source;
use history::{LogTrades, Stored};
use logging::Logging;
use stop::{Signals, Stop};

/// Runs the roles until it is told to stop, or until nothing comes any more.
pub(crate) fn run(args: RunArgs) -> Outcome {
    let logging = Logging::start();
    let config = Config::for_run(&args)?;
    refuse_partial_roles(&args)?;
    let clock = Clock::system();
    let source = Source::new(&config, &clock).map_err(Failure::usage)?;
    let listener = listen(&config)?;
    let parts = Parts::open(&config, &args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let process = Process {
        config,
        clock,
        logging,
        listener,
        source,
        parts,
    };
    let ended = process.run(&runtime, args.until_idle.map(duration));
    // Nothing is left that must be waited for: what blocks on a disk is done or failed.
    runtime.shutdown_background();
    match ended? {
        End::Told | End::Idle => Ok(()),
        End::Refused(reason) => Err(Failure::auth(anyhow!("the venue refuses us: {reason}"))),
    }
}

/// Roles in processes of their own need a queue between them, which this version does not have.
fn refuse_partial_roles(args: &RunArgs) -> Outcome {
    let Some(roles) = &args.role else {
        return Ok(());
    };
    let all = [Role::Collect, Role::Analyze, Role::Serve];
    if all.iter().all(|role| roles.contains(role)) {
        return Ok(());
    }
    Err(Failure::usage(anyhow!(
        "--role: in this version one process does all roles; leave it out, or give collect,analyze,serve"
    )))
}

fn listen(config: &Config) -> Outcome<TcpListener> {
    let serve = &config.serve;
    let has = |path: &PathBuf| !path.as_os_str().is_empty();
    let exposure = Exposure {
        listen: serve.listen,
        has_token: has(&serve.token_file),
        has_tls: has(&serve.tls_cert),
        insecure: serve.insecure,
    };
    exposure.check().map_err(Failure::usage)?;
    let listener =
        TcpListener::bind(serve.listen).map_err(|error| refused_address(serve.listen, error))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn refused_address(address: SocketAddr, error: io::Error) -> Failure {
    let what = match error.kind() {
        io::ErrorKind::AddrInUse => "is in use; stop the other program, or give another --listen",
        io::ErrorKind::PermissionDenied => {
            "needs rights that this user lacks; give a port above 1023"
        }
        io::ErrorKind::AddrNotAvailable => "is not an address of this machine",
        _ => "cannot be listened on",
    };
    Failure::usage(anyhow::Error::new(error).context(format!("address {address} {what}")))
}

/// What is on disk, opened and in step.
struct Parts {
    dir: DataDir,
    log: Log,
    writer: Writer,
    store: Store,
    open_gap: Option<Gap>,
    settings: (SettingsHandle, SettingsFile),
}

impl Parts {
    fn open(config: &Config, args: &RunArgs) -> Outcome<Self> {
        let venue = Source::venue(config.venue.kind);
        let path = config.data_dir_for(venue.name).map_err(Failure::usage)?;
        let dir = DataDir::open_or_create(&path, venue.name, venue.simulated)?;
        let options = Options {
            segment_bytes: config.log.segment_bytes.0,
            // What a full device makes us lose is noted when there is room again.
            reserve_bytes: 0,
            ..Options::new(dir.source_id()?)
        };
        // Order matters: the lock of the log is that of the whole directory.
        let (log, writer) = Log::open(dir.log(), options).map_err(Failure::data_dir)?;
        let cut = log.report().torn_bytes;
        if cut > 0 {
            tracing::warn!(
                bytes = cut,
                "the end of the log was cut off in the middle of a write, and dropped"
            );
        }
        let store = Store::open(dir.path()).map_err(Failure::data_dir)?;
        let open_gap = open_gap(&dir).map_err(Failure::data_dir)?;
        let settings = open_settings(config, args, &dir).map_err(Failure::usage)?;
        tracing::info!(dir = %dir.path().display(), venue = venue.name, "data directory open");
        Ok(Self {
            dir,
            log,
            writer,
            store,
            open_gap,
            settings,
        })
    }
}

fn open_gap(dir: &DataDir) -> anyhow::Result<Option<Gap>> {
    let gaps = StoreReader::open(dir.path())?.gaps(&GapFilter::default())?;
    Ok(gaps.into_iter().next_back().filter(|gap| gap.to.is_none()))
}

/// Opens the settings file; `--symbols` replaces the subscriptions in it.
fn open_settings(
    config: &Config,
    args: &RunArgs,
    dir: &DataDir,
) -> anyhow::Result<(SettingsHandle, SettingsFile)> {
    let file = match &config.settings_file {
        file if file.as_os_str().is_empty() => dir.path().join("settings.toml"),
        file => file.clone(),
    };
    let subscriptions = Source::default_symbols(config.venue.kind);
    let fresh = Settings {
        subscriptions,
        ..Settings::default()
    };
    let (handle, watcher) = SettingsFile::open(&file, Missing::Create(Box::new(fresh)))?;
    let Some(symbols) = &args.symbols else {
        return Ok((handle, watcher));
    };
    let wanted = Settings {
        subscriptions: symbols.0.clone(),
        ..Settings::clone(&handle.current().settings)
    };
    if *handle.current().settings == wanted {
        return Ok((handle, watcher));
    }
    drop((handle, watcher));
    stock_up_io::settings::durable::replace(&file, wanted.to_toml().as_bytes())
        .with_context(|| format!("cannot write the settings `{}`", file.display()))?;
    Ok(SettingsFile::open(&file, Missing::Refuse)?)
}

/// Everything, ready to start.
struct Process {
    config: Config,
    clock: Clock,
    logging: Logging,
    listener: TcpListener,
    source: Source,
    parts: Parts,
}

impl Process {
    fn run(self, runtime: &Runtime, until_idle: Option<std::time::Duration>) -> Outcome<End> {
        let Self {
            config,
            clock,
            logging,
            listener,
            source,
            parts,
        } = self;
        let Parts {
            dir,
            log,
            writer,
            store,
            open_gap,
            settings: (settings, watcher),
        } = parts;
        let venue = Source::venue(config.venue.kind);
        let (hub, telemetry, stop) = (Hub::default(), Arc::new(Telemetry::new()), Stop::new());
        let recent = Arc::new(Recent::default());
        hub.publish_venue(venue.name, venue.simulated);

        let server = serve(
            &config,
            &dir,
            &log,
            (&hub, &telemetry, &recent),
            (&settings, &clock),
        )?;
        let analyzer = analyze::restore(&store, &log).map_err(Failure::data_dir)?;
        let saver = Saver::start(
            store,
            config.retention(),
            Arc::clone(&recent),
            Arc::clone(&telemetry),
        )?;
        let retention = log_retention(&config);
        let (log_of_analysis, hub_of_analysis) = (log.clone(), hub.clone());
        let telemetry_of_analysis = Arc::clone(&telemetry);
        let analysis = Analysis::begin(Analyze {
            analyzer,
            log: log_of_analysis,
            saver,
            open_gap,
            hub: hub_of_analysis,
            recent,
            telemetry: telemetry_of_analysis,
            retention,
        })?;
        let known = analyze::known(analysis.analyzer());
        let bounds = CommitBounds {
            latency: duration(config.log.commit_latency),
            bytes: usize::try_from(config.log.commit_bytes.0).unwrap_or(usize::MAX),
        };
        let journal = Journal::start(log.clone(), writer, bounds)?;

        let (signals, received) = Source::channel();
        let (wishes, wished) = watch::channel(settings.current().settings.subscriptions.clone());
        let collect = Collect {
            venue,
            journal,
            signals: received,
            settings: settings.watch(),
            clock: clock.clone(),
            hub: hub.clone(),
            telemetry,
            until_idle,
        };
        let finish = Arc::new(Finish::default());
        let collected = spawn_collect(collect, known, stop.told())?;
        let analysed = spawn_analysis(analysis, Arc::clone(&finish))?;

        let mut tasks = JoinSet::new();
        let handle = runtime.handle();
        let told = stop.told();
        tasks.spawn_on(
            async move { source.run(wished, signals, clock, told).await },
            handle,
        );
        tasks.spawn_on(watcher.run(), handle);
        tasks.spawn_on(follow_settings(settings, wishes, hub, logging), handle);
        announce(&config, &listener, venue)?;
        let supervisor = Supervisor {
            stop,
            finish,
            log,
            collected,
            analysed,
            tasks,
        };
        Ok(runtime.block_on(supervisor.watch(server, listener))?)
    }
}

fn log_retention(config: &Config) -> LogRetention {
    LogRetention {
        max_bytes: Some(config.log.retain_bytes.0).filter(|bytes| *bytes > 0),
        max_age: Some(config.log.retain_age.ns()).filter(|age| *age > 0),
    }
}

/// The server over everything that can be read.
fn serve(
    config: &Config,
    dir: &DataDir,
    log: &Log,
    (hub, telemetry, recent): (&Hub, &Arc<Telemetry>, &Arc<Recent>),
    (settings, clock): (&SettingsHandle, &Clock),
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
    let history = Stored {
        readers: ReaderPool::new(dir.path()),
        recent: Arc::clone(recent),
    };
    Server::new(Serve {
        hub: hub.clone(),
        telemetry: Arc::clone(telemetry),
        sources: Sources {
            history: Arc::new(history),
            trades: Arc::new(LogTrades(log.clone())),
            settings: settings.clone(),
        },
        token: token.map(|token| TokenHash::of(token.expose())),
        tls,
        hosts: serve.hosts.clone(),
        limits: Limits::default(),
        clock: clock.clone(),
    })
    .map_err(Failure::usage)
}

type Ended<T> = oneshot::Receiver<anyhow::Result<T>>;

/// Starts role collect on a thread of its own: it may block on the log without holding up anybody.
fn spawn_collect(
    collect: Collect,
    known: crate::collect::Known,
    told: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<Ended<End>> {
    let (tell, ended) = oneshot::channel();
    thread::Builder::new()
        .name("collect".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build();
            let result = runtime
                .map_err(anyhow::Error::from)
                .and_then(|runtime| runtime.block_on(collect.run(known, told)));
            // Nobody listens only when the process ends anyway.
            drop(tell.send(result));
        })?;
    Ok(ended)
}

fn spawn_analysis(analysis: Analysis, finish: Arc<Finish>) -> anyhow::Result<Ended<()>> {
    let (tell, ended) = oneshot::channel();
    thread::Builder::new()
        .name("analyze".into())
        .spawn(move || {
            // As above.
            drop(tell.send(analysis.run(&finish)));
        })?;
    Ok(ended)
}

/// Passes changed settings on: the wishes to the feed, the rest to whoever shows it.
async fn follow_settings(
    settings: SettingsHandle,
    wishes: watch::Sender<Vec<String>>,
    hub: Hub,
    logging: Logging,
) {
    let mut states = settings.watch();
    loop {
        let state = states.borrow_and_update().clone();
        logging.set_level(state.settings.log_level);
        hub.publish_subscriptions(&state.settings.subscriptions);
        hub.publish_settings();
        let wanted = state.settings.subscriptions.clone();
        wishes.send_if_modified(|held| std::mem::replace(held, wanted.clone()) != wanted);
        if states.changed().await.is_err() {
            return;
        }
    }
}

/// Says where to look: scripts read it when they asked for a free port.
fn announce(config: &Config, listener: &TcpListener, venue: Venue) -> io::Result<()> {
    let scheme = if config.serve.tls_cert.as_os_str().is_empty() {
        "http"
    } else {
        "https"
    };
    let market = if venue.simulated {
        ", a simulated market"
    } else {
        ""
    };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "page at {scheme}://{} (venue {}{market})",
        listener.local_addr()?,
        venue.name
    )?;
    out.flush()
}

/// Watches over the parts until the first of them ends, then ends the others in order.
struct Supervisor {
    stop: Stop,
    finish: Arc<Finish>,
    log: Log,
    collected: Ended<End>,
    analysed: Ended<()>,
    tasks: JoinSet<()>,
}

impl Supervisor {
    async fn watch(mut self, server: Server, listener: TcpListener) -> anyhow::Result<End> {
        let mut signals = Signals::listen()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let served = Stop::new();
        let mut serving = JoinSet::new();
        serving.spawn(server.run(listener, served.told()));
        let end = tokio::select! {
            () = signals.next() => {
                tracing::info!("told to stop");
                self.stop.tell();
                tokio::select! {
                    end = &mut self.collected => end??,
                    () = signals.next() => return Err(anyhow!("stopped at once, by a second signal")),
                }
            }
            end = &mut self.collected => end.context("collect panicked")??,
            end = &mut self.analysed => {
                end.context("analyze panicked")??;
                return Err(anyhow!("analyze ended early"));
            }
            Some(ended) = serving.join_next() => {
                ended??;
                return Err(anyhow!("serve ended early"));
            }
            Some(ended) = self.tasks.join_next() => {
                // The feed ends when collect has; then that is what counts.
                ended?;
                (&mut self.collected).await.context("collect panicked")??
            }
        };
        self.finish.at(self.log.durable_end());
        self.analysed.await.context("analyze panicked")??;
        served.tell();
        self.stop.tell();
        while let Some(ended) = serving.join_next().await {
            ended??;
        }
        Ok(end)
    }
}
