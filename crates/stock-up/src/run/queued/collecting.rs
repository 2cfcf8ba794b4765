//! Role collect over a queue: the feed, the log, and the publisher behind it.

use std::sync::Arc;

use stock_up_log::{CommitBounds, Log, Writer};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::Common;
use crate::analyze::Finish;
use crate::collect::{Collect, End, Journal};
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::publish::{LogNews, Publish, StateFile};
use crate::run::feed::FeedTask;
use crate::run::logging::Logging;
use crate::run::parts::Spool;
use crate::run::pipeline::{commit_bounds, etcd_contact, log_retention, spawn_settings};
use crate::run::supervisor::{Ended, Sockets, spawn_collect, spawn_thread};
use crate::venue::Source;

/// Role collect and the publisher, at work.
pub(super) struct Collecting {
    pub(super) log: Log,
    pub(super) collected: Ended<End>,
    pub(super) published: Ended<()>,
    pub(super) finish: Arc<Finish>,
}

impl Common {
    /// Starts the feed, the log and the publisher.
    pub(super) fn start_collect(
        &self,
        spool: Spool,
        (tasks, logging): (&mut JoinSet<()>, Logging),
        handle: &Handle,
    ) -> Outcome<Collecting> {
        let Spool {
            dir,
            log,
            news,
            writer,
            settings: (settings, watcher),
        } = spool;
        let publish = self.publish(&dir, (&log, Arc::clone(&news)))?;
        let known = publish.known().map_err(Failure::data_dir)?;
        let source = Source::new(&self.config, &self.clock).map_err(Failure::usage)?;
        let (feed, ends) = FeedTask::new(source, &settings, self.clock.clone(), self.stop.clone());
        let collect = Collect {
            venue: Source::venue(self.config.venue.kind),
            journal: self.journal(&log, writer)?.with_news(news),
            signals: ends.signals,
            settings: settings.watch(),
            clock: self.clock.clone(),
            hub: self.hub.clone(),
            telemetry: Arc::clone(&self.telemetry),
            until_idle: self.until_idle,
        };
        let collected = spawn_collect(collect, known, feed)?;
        let finish = Arc::new(Finish::default());
        let told = Arc::clone(&finish);
        let published = spawn_thread(("publish", Sockets::Here), move || publish.run(told))?;
        let contact = etcd_contact(&self.config, &self.telemetry);
        let told = (self.hub.clone(), logging, contact);
        spawn_settings(
            (tasks, handle),
            (settings, watcher),
            Some(ends.wishes),
            told,
        );
        Ok(Collecting {
            log,
            collected,
            published,
            finish,
        })
    }

    fn journal(&self, log: &Log, writer: Writer) -> Outcome<Journal> {
        let configured = commit_bounds(&self.config);
        let bounds = CommitBounds {
            // Nobody but the publisher reads this log, and it comes no sooner.
            latency: configured.latency.max(self.queue().publish_latency() / 2),
            ..configured
        };
        let telemetry = Arc::clone(&self.telemetry);
        Ok(Journal::start(log.clone(), writer, bounds, telemetry)?)
    }

    fn publish(&self, dir: &DataDir, (log, news): (&Log, Arc<LogNews>)) -> Outcome<Publish> {
        let file = StateFile::of(dir.path());
        let published = file.load(log.first_seq()).map_err(Failure::data_dir)?;
        Ok(Publish {
            log: log.clone(),
            news,
            queue: self.queue(),
            file,
            published,
            retention: log_retention(&self.config),
            telemetry: Arc::clone(&self.telemetry),
        })
    }
}
