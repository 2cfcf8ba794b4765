//! Roles analyze and serve over a queue: what reads it, and where that keeps its partitions.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::Common;
use crate::analyze::Patience;
use crate::cli::Roles;
use crate::failure::{Failure, Outcome};
use crate::follow::{Follow, FollowDir, Partitioned};
use crate::queue::Reading;
use crate::run::parts::Spool;
use crate::run::supervisor::{Ended, Sockets, spawn_thread};
use crate::sink::Targets;

/// Where a process without `collect` keeps its partitions, below the user's folder.
const FOLLOW_NAME: &str = "queue";

impl Common {
    /// Where the partitions are, if this process follows the queue.
    pub(super) fn follow_dir(
        &self,
        roles: Roles,
        spool: Option<&Spool>,
    ) -> Outcome<Option<FollowDir>> {
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

    /// Starts reading the queue, on a thread of its own.
    pub(super) fn start_follow(
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
        // Taking up a partition opens a store and may wait for Redis.
        let follow = spawn_thread(("follow", Sockets::Beside), move || follow.run(told));
        Ok(follow?)
    }
}
