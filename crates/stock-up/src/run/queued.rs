//! Roles with a queue between them, some or all of them in this process.
//!
//! ```text
//! feed ─▶ collect ─▶ log ─▶ publish ══▶ queue ══▶ follow ─▶ a store for each partition
//!                                                   └─▶ hub ─▶ serve
//! ```

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use stock_up_io::clock::Clock;
use stock_up_io::settings::SettingsHandle;
use stock_up_log::{Log, Writer};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::history::{LogTrades, NoTrades};
use super::logging::Logging;
use super::parts::{Spool, settings_of};
use super::pipeline::{
    FeedTask, commit_bounds, etcd_contact, follow_settings, log_retention, serve, spawn_tasks,
};
use super::stop::{Signals, Stop};
use super::supervisor::{Ended, spawn_collect};
use crate::analyze::{Finish, Patience};
use crate::cli::{Roles, RunArgs};
use crate::collect::{Collect, End, Journal, Venue};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::follow::{Follow, FollowDir, Partitioned};
use crate::hub::Hub;
use crate::publish::{Publish, StateFile};
use crate::queue::{Queue, Reading};
use crate::serve::{Server, Sources, TradeSource};
use crate::sink::Targets;
use crate::telemetry::Telemetry;
use crate::venue::Source;

/// Where a process without `collect` keeps its partitions, below the user's folder.
const FOLLOW_NAME: &str = "queue";

/// What a process with a queue is made of.
pub(super) struct Queued<'a> {
    pub(super) config: Config,
    pub(super) args: &'a RunArgs,
    pub(super) roles: Roles,
    pub(super) clock: Clock,
    pub(super) logging: Logging,
    pub(super) until_idle: Option<Duration>,
}

/// What all roles of the process hold.
struct Common {
    config: Config,
    clock: Clock,
    hub: Hub,
    telemetry: Arc<Telemetry>,
    until_idle: Option<Duration>,
    stop: Stop,
}

/// Role collect and the publisher, at work.
struct Collecting {
    log: Log,
    collected: Ended<End>,
    published: Ended<()>,
    finish: Arc<Finish>,
}

impl Queued<'_> {
    /// Starts the roles, and runs until the first of them ends.
    pub(super) fn run(self, runtime: &Runtime, listener: TcpListener) -> Outcome<End> {
        let Self {
            config,
            args,
            roles,
            clock,
            logging,
            until_idle,
        } = self;
        let common = Common {
            config,
            clock,
            hub: Hub::default(),
            telemetry: Arc::new(Telemetry::new()),
            until_idle,
            stop: Stop::new(),
        };
        let history = Partitioned::default();
        let handle = runtime.handle();
        let mut tasks = JoinSet::new();

        let spool = roles
            .collect
            .then(|| Spool::open(&common.config, args))
            .transpose()?;
        let follow_dir = common.follow_dir(roles, spool.as_ref())?;
        let (trades, settings) = if let Some(spool) = &spool {
            spool.to_show(&common.hub)
        } else {
            let place = (&mut tasks, handle);
            common.settings_here((args, follow_dir.as_ref()), place, &logging)?
        };
        let sources = Sources {
            history: Arc::new(history.clone()),
            trades,
            settings,
        };
        let server = serve(
            &common.config,
            sources,
            (&common.hub, &common.telemetry),
            &common.clock,
        )?;
        let venue = common.venue(roles);
        common.hub.publish_venue(venue.name, venue.simulated);

        let followed = follow_dir
            .map(|dir| common.start_follow(roles, (dir, history), handle))
            .transpose()?;
        let collecting = spool
            .map(|spool| common.start_collect(spool, (&mut tasks, logging), handle))
            .transpose()?;
        if followed.is_none() {
            // What this process does, it does from the first moment on.
            common.hub.publish_ready();
        }
        super::announce(&common.config, &listener, venue)?;
        let watched = Watched {
            stop: common.stop,
            collecting,
            followed,
            tasks,
        };
        Ok(runtime.block_on(watched.watch(server, listener))?)
    }
}

impl Spool {
    /// What the API shows of it.
    fn to_show(&self, hub: &Hub) -> (Arc<dyn TradeSource>, SettingsHandle) {
        let (log, hub) = (self.log.clone(), hub.clone());
        (Arc::new(LogTrades { log, hub }), self.settings.0.clone())
    }
}

impl Common {
    /// The settings of a process without a log, followed from here on.
    fn settings_here(
        &self,
        (args, dir): (&RunArgs, Option<&FollowDir>),
        (tasks, handle): (&mut JoinSet<()>, &Handle),
        logging: &Logging,
    ) -> Outcome<(Arc<dyn TradeSource>, SettingsHandle)> {
        let dir = dir.ok_or_else(|| Failure::usage(anyhow!("--role names no role")))?;
        let (settings, watcher) = settings_of(&self.config, args, dir.path())?;
        tasks.spawn_on(watcher.run(), handle);
        let followed = follow_settings(
            settings.clone(),
            None,
            self.hub.clone(),
            (logging.clone(), etcd_contact(&self.config, &self.telemetry)),
        );
        tasks.spawn_on(followed, handle);
        Ok((Arc::new(NoTrades), settings))
    }

    fn venue(&self, roles: Roles) -> Venue {
        if roles.collect {
            return Source::venue(self.config.venue.kind);
        }
        Venue {
            name: "queue",
            simulated: false,
        }
    }

    /// Where the partitions are, if this process follows the queue.
    fn follow_dir(&self, roles: Roles, spool: Option<&Spool>) -> Outcome<Option<FollowDir>> {
        if !roles.follows() {
            return Ok(None);
        }
        let path = match spool {
            Some(spool) => spool.dir.path().join(FOLLOW_NAME),
            None => self
                .config
                .data_dir_for(FOLLOW_NAME)
                .map_err(Failure::usage)?,
        };
        FollowDir::open(&path).map(Some)
    }

    fn queue(&self) -> Queue {
        Queue::new(self.config.queue.clone())
    }

    /// Starts reading the queue, on a thread of its own.
    fn start_follow(
        &self,
        roles: Roles,
        (dir, history): (FollowDir, Partitioned),
        handle: &Handle,
    ) -> Outcome<Ended<()>> {
        let targets = roles
            .analyze
            .then(|| Targets::new(&self.config, dir.path()))
            .transpose()
            .map_err(Failure::usage)?
            .unwrap_or_default();
        let follow = Follow {
            queue: self.queue(),
            // Who only serves takes nothing away from those who analyze.
            reading: if roles.analyze {
                Reading::Shared
            } else {
                Reading::Copy
            },
            dir,
            history,
            hub: self.hub.clone(),
            telemetry: Arc::clone(&self.telemetry),
            retention: self.config.retention(),
            targets,
            config: self.config.clone(),
            shares: roles.analyze.then(Patience::default),
            clock: self.clock.clone(),
            runtime: handle.clone(),
            receives: !roles.collect,
            until_idle: self.until_idle,
        };
        let told = self.stop.told();
        Ok(spawn("follow", handle, move || follow.run(told))?)
    }

    /// Starts the feed, the log and the publisher.
    fn start_collect(
        &self,
        spool: Spool,
        (tasks, logging): (&mut JoinSet<()>, Logging),
        handle: &Handle,
    ) -> Outcome<Collecting> {
        let Spool {
            dir,
            log,
            writer,
            settings: (settings, watcher),
        } = spool;
        let publish = self.publish(&dir, &log)?;
        let known = publish.known().map_err(Failure::data_dir)?;
        let source = Source::new(&self.config, &self.clock).map_err(Failure::usage)?;
        let (signals, received) = Source::channel();
        let collect = Collect {
            venue: Source::venue(self.config.venue.kind),
            journal: self.journal(&log, writer)?,
            signals: received,
            settings: settings.watch(),
            clock: self.clock.clone(),
            hub: self.hub.clone(),
            telemetry: Arc::clone(&self.telemetry),
            until_idle: self.until_idle,
        };
        let collected = spawn_collect(collect, known, self.stop.told())?;
        let finish = Arc::new(Finish::default());
        let told = Arc::clone(&finish);
        let published = spawn("publish", handle, move || publish.run(told))?;
        let feed = FeedTask {
            source,
            signals,
            clock: self.clock.clone(),
            told: self.stop.clone(),
        };
        spawn_tasks(
            (tasks, handle),
            feed,
            (settings, watcher),
            (
                self.hub.clone(),
                logging,
                etcd_contact(&self.config, &self.telemetry),
            ),
        );
        Ok(Collecting {
            log,
            collected,
            published,
            finish,
        })
    }

    fn journal(&self, log: &Log, writer: Writer) -> Outcome<Journal> {
        Ok(Journal::start(
            log.clone(),
            writer,
            commit_bounds(&self.config),
            Arc::clone(&self.telemetry),
        )?)
    }

    fn publish(&self, dir: &DataDir, log: &Log) -> Outcome<Publish> {
        let file = StateFile::of(dir.path());
        let published = file.load(log.first_seq()).map_err(Failure::data_dir)?;
        Ok(Publish {
            log: log.clone(),
            queue: self.queue(),
            file,
            published,
            retention: log_retention(&self.config),
            telemetry: Arc::clone(&self.telemetry),
        })
    }
}

/// Runs a future on a thread of its own, which may block; what it spawns runs on the others.
fn spawn<F>(
    name: &str,
    handle: &Handle,
    future: impl FnOnce() -> F + Send + 'static,
) -> anyhow::Result<Ended<()>>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let (tell, ended) = oneshot::channel();
    let handle = handle.clone();
    std::thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            // Nobody listens only when the process ends anyway.
            drop(tell.send(handle.block_on(future())));
        })?;
    Ok(ended)
}

/// Watches over the roles until the first of them ends, then ends the others in order.
struct Watched {
    stop: Stop,
    collecting: Option<Collecting>,
    followed: Option<Ended<()>>,
    tasks: JoinSet<()>,
}

impl Watched {
    async fn watch(mut self, server: Server, listener: TcpListener) -> anyhow::Result<End> {
        let mut signals = Signals::listen()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let served = Stop::new();
        let mut serving = JoinSet::new();
        serving.spawn(server.run(listener, served.told()));
        let told = self.first_end(&mut signals, &mut serving).await?;
        let ended = self.end_all(told);
        let end = tokio::select! {
            end = ended => end?,
            () = signals.next() => return Err(anyhow!("stopped at once, by a second signal")),
        };
        served.tell();
        while let Some(ended) = serving.join_next().await {
            ended??;
        }
        Ok(end)
    }

    /// Waits for the first reason to end.
    async fn first_end(
        &mut self,
        signals: &mut Signals,
        serving: &mut JoinSet<anyhow::Result<()>>,
    ) -> anyhow::Result<First> {
        let (collected, published) = match &mut self.collecting {
            Some(collecting) => (
                Some(&mut collecting.collected),
                Some(&mut collecting.published),
            ),
            None => (None, None),
        };
        tokio::select! {
            () = signals.next() => {
                tracing::info!("told to stop");
                Ok(First::Told)
            }
            end = if_any(collected) => Ok(First::Collected(end.context("collect panicked")??)),
            end = if_any(published) => {
                end.context("publish panicked")??;
                Err(anyhow!("publish ended early"))
            }
            end = if_any(self.followed.as_mut()) => {
                end.context("follow panicked")??;
                self.followed = None;
                Ok(First::Followed)
            }
            Some(ended) = serving.join_next() => {
                ended??;
                Err(anyhow!("serve ended early"))
            }
        }
    }

    /// Ends what is still at work: first what comes in, then what it becomes.
    async fn end_all(&mut self, first: First) -> anyhow::Result<End> {
        let collected = matches!(first, First::Collected(_));
        // By itself, following ends when nothing comes any more, as collecting did.
        if !collected || !matches!(first, First::Collected(End::Idle)) {
            self.stop.tell();
        }
        let mut end = match first {
            First::Collected(end) => end,
            First::Told => End::Told,
            First::Followed => End::Idle,
        };
        if let Some(collecting) = self.collecting.take() {
            if !collected {
                end = collecting.collected.await.context("collect panicked")??;
            }
            collecting.finish.at(collecting.log.durable_end());
            collecting.published.await.context("publish panicked")??;
        }
        if let Some(followed) = self.followed.take() {
            followed.await.context("follow panicked")??;
        }
        self.stop.tell();
        self.tasks.shutdown().await;
        Ok(end)
    }
}

/// The first reason to end.
enum First {
    Told,
    Collected(End),
    Followed,
}

/// Waits for something, or for ever if there is nothing.
async fn if_any<T>(
    ended: Option<&mut oneshot::Receiver<T>>,
) -> Result<T, oneshot::error::RecvError> {
    match ended {
        Some(ended) => ended.await,
        None => std::future::pending().await,
    }
}
