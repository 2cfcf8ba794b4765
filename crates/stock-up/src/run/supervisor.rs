//! Threads and tasks: how they start, and in which order they end.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use stock_up_log::Log;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

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
    spawn_thread(("collect", Sockets::Here), move || async move {
        let told = feed.stop.told();
        let mut feeding = JoinSet::new();
        feeding.spawn(feed.run());
        let end = collect.run(known, told).await?;
        // By itself it ends only when it is told to, as collect is; a failure counts.
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
            // Nobody listens only when the process ends anyway.
            drop(tell.send(analysis.run(&finish)));
        })?;
    Ok(ended)
}

/// Which thread serves the sockets of a future.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sockets {
    /// Its own: what it waits for wakes no second one.
    Here,
    /// Another one, because it blocks for seconds while its peers want to hear of it.
    Beside,
}

/// How long what a future leaves behind may take to say goodbye to its peers.
const FAREWELL: Duration = Duration::from_millis(500);

/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(2);

/// Runs a future on a thread of its own, which it may block without holding up anybody.
pub(super) fn spawn_thread<T, F>(
    (name, sockets): (&str, Sockets),
    future: impl FnOnce() -> F + Send + 'static,
) -> anyhow::Result<Ended<T>>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>>,
{
    let (tell, ended) = oneshot::channel();
    let mut runtime = match sockets {
        Sockets::Here => Builder::new_current_thread(),
        Sockets::Beside => Builder::new_multi_thread(),
    };
    let runtime = runtime.worker_threads(1).enable_all().build()?;
    thread::Builder::new().name(name.into()).spawn(move || {
        let result = runtime.block_on(async {
            let result = future().await;
            // What takes longer hears of it by the end of its connection.
            drop(timeout(FAREWELL, all_tasks_ended()).await);
            result
        });
        // A name that is being looked up is not waited for.
        runtime.shutdown_background();
        // Nobody listens only when the process ends anyway.
        drop(tell.send(result));
    })?;
    Ok(ended)
}

/// Waits until nothing runs on this runtime but the caller.
async fn all_tasks_ended() {
    while Handle::current().metrics().num_alive_tasks() > 0 {
        sleep(LOOK).await;
    }
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
