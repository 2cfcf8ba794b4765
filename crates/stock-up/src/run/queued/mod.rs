//! Roles with a queue between them, some or all of them in this process.
//!
//! ```text
//! feed ─▶ collect ─▶ log ─▶ publish ══▶ queue ══▶ follow ─▶ a store for each partition
//!                                                   └─▶ hub ─▶ serve
//! ```

mod collecting;
mod following;
mod watched;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use stock_up_io::clock::Clock;
use stock_up_io::settings::SettingsHandle;
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinSet;

use super::history::{LogTrades, NoTrades};
use super::logging::Logging;
use super::parts::{Spool, settings_of};
use super::pipeline::{etcd_contact, serve, spawn_settings};
use super::stop::Stop;
use crate::cli::{Roles, RunArgs};
use crate::collect::{End, Venue};
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::follow::{FollowDir, Partitioned};
use crate::hub::Hub;
use crate::queue::Queue;
use crate::serve::{Sources, TradeSource};
use crate::settings_source;
use crate::telemetry::Telemetry;
use crate::venue::Source;
use watched::Watched;

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
            settings_elsewhere: !roles.collect && !settings_source::are_shared(&common.config),
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
        let contact = etcd_contact(&self.config, &self.telemetry);
        let told = (self.hub.clone(), logging.clone(), contact);
        spawn_settings((tasks, handle), (settings.clone(), watcher), None, told);
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

    fn queue(&self) -> Queue {
        Queue::new(self.config.queue.clone())
    }
}
