//! Threads and tasks: how they start, and in which order they end.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow};
use stock_up_log::Log;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::feed::FeedTask;
use super::stop::{Signals, Stop};
use crate::analyze::{Analysis, Finish};
use crate::collect::{Collect, End, Known};
use crate::serve::Server;
use crate::sink::Running;

/// How a thread ended, once it has.
pub(super) type Ended<T> = oneshot::Receiver<anyhow::Result<T>>;

/// Starts role collect on a thread of its own, with the feed beside it.
///
/// When the disk holds it up, the feed's socket waits as well, and nobody else does.
pub(super) fn spawn_collect(
    collect: Collect,
    known: Known,
    feed: FeedTask,
) -> anyhow::Result<Ended<End>> {
    spawn_thread("collect", move || async move {
        let told = feed.told.told();
        let mut feeding = JoinSet::new();
        feeding.spawn(feed.run());
        let end = collect.run(known, told).await?;
        // It ends first only by its own failure.
        if let Some(ended) = feeding.try_join_next() {
            ended.context("the feed panicked")?;
        }
        Ok(end)
    })
}

/// Starts role analyze on a thread of its own.
pub(super) fn spawn_analysis(analysis: Analysis, finish: Arc<Finish>) -> anyhow::Result<Ended<()>> {
    let (tell, ended) = oneshot::channel();
    thread::Builder::new()
        .name("analyze".into())
        .spawn(move || {
            // As above.
            drop(tell.send(analysis.run(&finish)));
        })?;
    Ok(ended)
}

/// Runs a future, and what it spawns, on a thread of its own.
///
/// It may block without holding up anybody, and what it waits for wakes no second thread.
pub(super) fn spawn_thread<T, F>(
    name: &str,
    future: impl FnOnce() -> F + Send + 'static,
) -> anyhow::Result<Ended<T>>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>>,
{
    let (tell, ended) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new().name(name.into()).spawn(move || {
        let result = runtime.block_on(future());
        // A name that is being looked up is not waited for.
        runtime.shutdown_background();
        // Nobody listens only when the process ends anyway.
        drop(tell.send(result));
    })?;
    Ok(ended)
}

/// Watches over the parts until the first of them ends, then ends the others in order.
pub(super) struct Supervisor {
    pub(super) stop: Stop,
    pub(super) finish: Arc<Finish>,
    pub(super) log: Log,
    pub(super) collected: Ended<End>,
    pub(super) analysed: Ended<()>,
    pub(super) tasks: JoinSet<()>,
    pub(super) sinks: Running,
}

impl Supervisor {
    pub(super) async fn watch(
        mut self,
        server: Server,
        listener: TcpListener,
    ) -> anyhow::Result<End> {
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
            error = self.sinks.failed() => return Err(error),
            Some(ended) = serving.join_next() => {
                ended??;
                return Err(anyhow!("serve ended early"));
            }
            Some(ended) = self.tasks.join_next() => {
                ended?;
                return Err(anyhow!("following the settings ended early"));
            }
        };
        self.finish.at(self.log.durable_end());
        self.analysed.await.context("analyze panicked")??;
        self.sinks.finish().await?;
        served.tell();
        self.stop.tell();
        while let Some(ended) = serving.join_next().await {
            ended??;
        }
        Ok(end)
    }
}
