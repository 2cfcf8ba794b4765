//! The partitions of this process, as they come and go.
//!
//! A partition comes without a state (`Empty`) or with one (`Running`), and one that goes saves
//! first (`Leaving`).

use std::collections::BTreeMap;
use std::iter;

use anyhow::anyhow;
use stock_up_core::partition::partition_of;
use stock_up_io::queue::message::Header;
use stock_up_io::queue::{Place, Start};
use tokio::sync::mpsc;
use tokio::sync::oneshot::error::TryRecvError;

use super::Follow;
use super::leave::Leaving;
use super::part::{Empty, Opened, Running};
use crate::analyze::Done;

/// The partitions of this process.
pub(super) struct Assignment {
    parts: BTreeMap<u32, Running>,
    /// Partitions whose first message has not come yet.
    empty: BTreeMap<u32, Empty>,
    /// Partitions that somebody else waits for.
    leaving: Leaving,
    /// Where partitions tell what is saved.
    tell: mpsc::Sender<Done>,
}

impl Assignment {
    pub(super) fn new(tell: mpsc::Sender<Done>) -> Self {
        Self {
            parts: BTreeMap::new(),
            empty: BTreeMap::new(),
            leaving: Leaving::default(),
            tell,
        }
    }

    /// Whether records of a partition are analysed here.
    pub(super) fn runs(&self, partition: u32) -> bool {
        self.parts.contains_key(&partition)
    }

    /// The partition at work, if it is.
    pub(super) fn part(&mut self, partition: u32) -> Option<&mut Running> {
        self.parts.get_mut(&partition)
    }

    /// Takes a partition; says where to go on with it, after what is known of it already.
    ///
    /// # Errors
    /// If its state cannot be used, or the disk fails.
    pub(super) fn take(&mut self, follow: &Follow, partition: u32) -> anyhow::Result<Start> {
        if let Some(part) = self.parts.get(&partition) {
            return Ok(Start::At(part.place));
        }
        if self.empty.contains_key(&partition) {
            return Ok(Start::Oldest);
        }
        match Running::open((follow, &self.tell), partition)? {
            Opened::Resumed(running, start) => {
                self.add(follow, partition, *running);
                Ok(start)
            }
            Opened::Empty(empty) => {
                self.empty.insert(partition, *empty);
                Ok(Start::Oldest)
            }
        }
    }

    /// Begins a partition with its first message, at `place`, if it is one without a state.
    ///
    /// # Errors
    /// As [`Assignment::take`].
    pub(super) fn begin(
        &mut self,
        follow: &Follow,
        (partition, place): (u32, Place),
        header: &Header,
    ) -> anyhow::Result<()> {
        if let Some(empty) = self.empty.remove(&partition) {
            let running = Running::begin((follow, &self.tell), empty, header, place)?;
            self.add(follow, partition, running);
        }
        Ok(())
    }

    fn add(&mut self, follow: &Follow, partition: u32, running: Running) {
        self.parts.insert(partition, running);
        self.count(follow);
    }

    /// Lets a partition go; false if nothing of it is here that must be saved first.
    pub(super) fn leave(&mut self, follow: &Follow, partition: u32) -> bool {
        self.empty.remove(&partition);
        let Some(part) = self.parts.remove(&partition) else {
            return false;
        };
        let partitions = part.partitions();
        let theirs = |symbol: &str| partition_of(symbol, partitions) == partition;
        follow.history.remove(partition);
        follow.hub.forget(theirs);
        if follow.receives {
            // Its records will not tell here that one of them is given up.
            follow.hub.publish_subscriptions_of(theirs, iter::empty());
        }
        self.leaving.add(partition, part);
        self.count(follow);
        true
    }

    /// The next partition that has saved and is not ours any more; never, if none is leaving.
    /// Cancelling it loses nothing.
    ///
    /// # Errors
    /// If its state could not be saved.
    pub(super) async fn left(&mut self) -> anyhow::Result<u32> {
        self.leaving.next().await
    }

    /// Waits until all partitions that leave have saved.
    ///
    /// # Errors
    /// As [`Assignment::left`].
    pub(super) async fn all_left(&mut self) -> anyhow::Result<()> {
        self.leaving.all().await
    }

    /// Saves and ends everything.
    ///
    /// # Errors
    /// As [`Assignment::left`].
    pub(super) async fn leave_all(&mut self, follow: &Follow) -> anyhow::Result<()> {
        self.empty.clear();
        let here: Vec<u32> = self.parts.keys().copied().collect();
        for partition in here {
            self.leave(follow, partition);
        }
        self.all_left().await
    }

    /// A partition that has ended by itself has failed.
    ///
    /// # Errors
    /// What it failed of.
    pub(super) fn look(&mut self) -> anyhow::Result<()> {
        for (partition, part) in &mut self.parts {
            part.sinks.check()?;
            match part.ended.try_recv() {
                Ok(Ok(())) => return Err(anyhow!("analyze of partition {partition} ended early")),
                Ok(Err(error)) => {
                    return Err(error.context(format!("partition {partition}")));
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Closed) => {
                    return Err(anyhow!("analyze of partition {partition} panicked"));
                }
            }
        }
        Ok(())
    }

    fn count(&self, follow: &Follow) {
        if self.parts.is_empty() {
            // What comes next may be of another log, whose settings are counted anew.
            follow.hub.forget_settings();
        }
        let here = i64::try_from(self.parts.len()).unwrap_or(i64::MAX);
        follow.telemetry.publish.partitions.set(here);
    }
}
