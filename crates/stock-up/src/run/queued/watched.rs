//! Roles over a queue at work: which ends first, and in which order the others do.

use std::net::TcpListener;

use anyhow::{Context, anyhow};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::collecting::Collecting;
use crate::collect::End;
use crate::run::stop::{Signals, Stop};
use crate::run::supervisor::Ended;
use crate::serve::Server;

/// Watches over the roles until the first of them ends, then ends the others in order.
pub(super) struct Watched {
    pub(super) stop: Stop,
    pub(super) collecting: Option<Collecting>,
    pub(super) followed: Option<Ended<()>>,
    pub(super) tasks: JoinSet<()>,
}

impl Watched {
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
            if end == End::Told {
                collecting.finish.hurry();
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
