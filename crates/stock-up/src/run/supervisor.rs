//! Threads and tasks: how they start, and in which order they end.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow};
use stock_up_log::Log;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::stop::{Signals, Stop};
use crate::analyze::{Analysis, Finish};
use crate::collect::{Collect, End, Known};
use crate::serve::Server;
use crate::sink::Running;

/// How a thread ended, once it has.
pub(super) type Ended<T> = oneshot::Receiver<anyhow::Result<T>>;

/// Starts role collect on a thread of its own: it may block on the log without holding up anybody.
pub(super) fn spawn_collect(
    collect: Collect,
    known: Known,
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

/// Runs a future on a thread of its own, which may block; what it spawns runs on the others.
pub(super) fn spawn_thread<F>(
    name: &str,
    handle: &Handle,
    future: impl FnOnce() -> F + Send + 'static,
) -> anyhow::Result<Ended<()>>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let (tell, ended) = oneshot::channel();
    let handle = handle.clone();
    thread::Builder::new().name(name.into()).spawn(move || {
        // As above.
        drop(tell.send(handle.block_on(future())));
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
                // The feed ends when collect has; then that is what counts.
                ended?;
                (&mut self.collected).await.context("collect panicked")??
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
