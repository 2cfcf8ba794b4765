//! Partitions that go: all of them save side by side, and only then their places are free.

use anyhow::Context;
use stock_up_io::checkpoint::CheckpointError;
use tokio::task::JoinSet;

use super::part::Running;

/// Partitions that are saving what they have.
#[derive(Debug, Default)]
pub(super) struct Leaving(JoinSet<(u32, anyhow::Result<()>)>);

impl Leaving {
    /// Lets a partition apply what was delivered and save its state.
    pub(super) fn add(&mut self, partition: u32, part: Running) {
        part.tell();
        self.0
            .spawn(async move { (partition, part.finish().await) });
    }

    /// The next partition that has saved; never, if none is leaving. Cancelling it loses nothing.
    ///
    /// # Errors
    /// If its state could not be saved.
    pub(super) async fn next(&mut self) -> anyhow::Result<u32> {
        let Some(left) = self.0.join_next().await else {
            return std::future::pending().await;
        };
        let (partition, ended) = left.context("a partition could not be ended")?;
        saved(partition, ended)?;
        Ok(partition)
    }

    /// Waits until all of them have saved.
    ///
    /// # Errors
    /// As [`Leaving::next`].
    pub(super) async fn all(&mut self) -> anyhow::Result<()> {
        while !self.0.is_empty() {
            self.next().await?;
        }
        Ok(())
    }
}

/// Who comes too late with a state that he lets go of has lost nothing: the other computes it anew.
fn saved(partition: u32, ended: anyhow::Result<()>) -> anyhow::Result<()> {
    match ended {
        Err(error) if is_fenced(&error) => {
            tracing::warn!(
                partition,
                "another analyzer took the partition over before its last state was shared, and \
                 computes what is missing anew: {error:#}"
            );
            Ok(())
        }
        ended => ended.with_context(|| format!("partition {partition}")),
    }
}

fn is_fenced(error: &anyhow::Error) -> bool {
    let found = error.downcast_ref::<CheckpointError>();
    matches!(found, Some(CheckpointError::Fenced { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_overtaken_may_leave_without_having_saved() {
        let fenced = CheckpointError::Fenced {
            name: "kafka/stock-quotes/3".into(),
            epoch: 7,
            by: "another".into(),
        };
        assert!(saved(3, Err(fenced.into())).is_ok());
        let full = saved(3, Err(anyhow::anyhow!("no space")));
        let told = format!("{:#}", full.expect_err("it is not saved"));
        assert_eq!(told, "partition 3: no space");
    }
}
