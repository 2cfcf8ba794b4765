//! Roles analyze and serve over a queue: messages of partitions become points.
//!
//! ```text
//! consumer ──message──▶ check ──records──▶ one analysis a partition ──points──▶ its store
//!     ▲                                                   └────────────────────▶ hub ─▶ serve
//!     └──────────── what is saved need not come again ◀───┘
//! ```
//!
//! One task owns the consumer and hands messages out; each partition has an analyzer with a thread,
//! a store and a saved position of its own, so it can go to another machine by itself. When the
//! consumer is lost, analysis stays where it is and a new consumer goes on; what comes twice is
//! known by its numbers.

mod assignment;
mod dir;
mod follower;
mod history;
mod leave;
mod missing;
mod origin;
mod part;

use std::sync::Arc;
use std::time::Duration;

use stock_up_io::clock::Clock;
use stock_up_io::store::RetentionPolicy;
use tokio::runtime::Handle;

pub(crate) use dir::FollowDir;
pub(crate) use history::Partitioned;
#[cfg(test)]
pub(crate) use origin::FeedNotes;
pub(crate) use origin::Origin;

use crate::analyze::Patience;
use crate::config::Config;
use crate::hub::Hub;
use crate::queue::{Queue, Reading};
use crate::sink::Targets;
use crate::telemetry::Telemetry;
use follower::Follower;

/// What a process that follows a queue works with.
#[derive(Debug)]
pub(crate) struct Follow {
    pub(crate) queue: Queue,
    pub(crate) reading: Reading,
    pub(crate) dir: FollowDir,
    pub(crate) history: Partitioned,
    pub(crate) hub: Hub,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) retention: RetentionPolicy,
    /// Where points go besides; only who analyzes sends them on.
    pub(crate) targets: Targets,
    pub(crate) config: Config,
    /// States are shared with the other analyzers; starts wait so long for that.
    pub(crate) shares: Option<Patience>,
    pub(crate) clock: Clock,
    /// What sinks run on.
    pub(crate) runtime: Handle,
    /// No `collect` in this process counts the trades.
    pub(crate) receives: bool,
    /// End after so long without a trade.
    pub(crate) until_idle: Option<Duration>,
}

impl Follow {
    /// Follows the queue until `told`, or until no trade came for as long as was asked.
    ///
    /// # Errors
    /// What a person has to decide, or a failure of the disk.
    pub(crate) async fn run(self, told: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
        Follower::new(self).run(told).await
    }
}
