//! Taking a name over: how long that is tried, and what is taken up from whoever had it before.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{anyhow, bail};
use stock_up_core::Analyzer;
use stock_up_io::checkpoint::{CheckpointError, Claim, SharedCheckpoint, SharedCheckpoints};
use stock_up_io::clock::Stopwatch;
use stock_up_io::store::Store;

use super::{FIRST_WAIT, LAST_WAIT};
use crate::follow::Origin;

/// How long starts wait for Redis before they go on with what is here.
const START_TIME: Duration = Duration::from_secs(10);

/// How much longer the starts of a process wait for a Redis that is away: all of them together,
/// because an analyzer takes up its partitions one after the other, and none is read meanwhile.
#[derive(Debug)]
pub(crate) struct Patience(Mutex<Duration>);

impl Default for Patience {
    fn default() -> Self {
        Self(Mutex::new(START_TIME))
    }
}

impl Patience {
    fn left(&self) -> MutexGuard<'_, Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `time` off; false if that is the end of it.
    fn spend(&self, time: Duration) -> bool {
        let mut left = self.left();
        *left = left.saturating_sub(time);
        !left.is_zero()
    }

    /// Redis is there: the next time it is away is another one.
    fn restore(&self) {
        *self.left() = START_TIME;
    }
}

/// Looks at the server, and takes `name` over.
pub(super) fn claim(shared: &mut SharedCheckpoints, name: &str) -> Result<Claim, CheckpointError> {
    for warning in shared.check_server()? {
        tracing::warn!("{warning}");
    }
    shared.claim(name)
}

/// As [`claim`], again and again while Redis is away and there is patience left.
pub(super) fn claim_patiently(
    shared: &mut SharedCheckpoints,
    name: &str,
    patience: &Patience,
) -> Result<Claim, CheckpointError> {
    let mut wait = FIRST_WAIT;
    loop {
        let trying = Stopwatch::start();
        match claim(shared, name) {
            Err(CheckpointError::Unavailable { .. }) if patience.spend(trying.elapsed() + wait) => {
                std::thread::park_timeout(wait);
                wait = (wait * 2).min(LAST_WAIT);
            }
            Ok(claim) => {
                patience.restore();
                return Ok(claim);
            }
            error => return error,
        }
    }
}

/// Goes on from the shared checkpoint, if it is ahead of the store.
pub(super) fn take_up(claim: &Claim, store: &mut Store, end: Option<u64>) -> anyhow::Result<()> {
    let here = store.checkpoint()?.map(|found| found.position);
    let shared = match &claim.found {
        Ok(Some(shared)) => shared,
        Ok(None) => {
            if here.is_none() {
                nothing_found(end);
            }
            return Ok(());
        }
        Err(damage) => {
            tracing::error!("the shared checkpoint is not used: {damage}; what is here is");
            return Ok(());
        }
    };
    if here.is_some_and(|here| here >= shared.position) {
        return Ok(());
    }
    if let Err(problem) = usable(shared) {
        tracing::error!("the shared checkpoint is not used: {problem:#}; what is here is");
        return Ok(());
    }
    if let Some(end) = end.filter(|end| shared.position > *end) {
        bail!(
            "the shared checkpoint stands at record {}, but the log ends at {end}: they do not \
             belong together, or the log lost its end; restore the log, or remove the checkpoint \
             from redis",
            shared.position
        );
    }
    let at = (shared.position, shared.next_emission);
    let missing = store.resume_from_elsewhere(at, &shared.state)?;
    tracing::info!(
        position = shared.position,
        missing_points = missing,
        "analysis goes on from the shared checkpoint"
    );
    Ok(())
}

/// Says that there is no checkpoint, neither in Redis nor here.
fn nothing_found(end: Option<u64>) {
    match end {
        // Nothing was there that could have been lost.
        Some(0) => {}
        Some(_) => tracing::warn!(
            "there is no checkpoint, neither in redis nor here; the state is rebuilt from the log"
        ),
        // What a queue held before is not known here, and a first start is no trouble: records
        // that are missing are told when the first message comes.
        None => tracing::info!(
            "there is no checkpoint yet, neither in redis nor here; analysis begins with what the \
             queue holds"
        ),
    }
}

fn usable(shared: &SharedCheckpoint) -> anyhow::Result<()> {
    let analyzer = Analyzer::restore(Origin::strip(&shared.state))?;
    if analyzer.position() != shared.position {
        return Err(anyhow!(
            "its state stands at record {}, not at {}",
            analyzer.position(),
            shared.position
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use stock_up_io::checkpoint::RedisOptions;

    use super::*;

    #[test]
    fn all_partitions_together_wait_once_for_a_redis_that_is_away() {
        // Nobody listens where the port was free a moment ago.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        let options = RedisOptions::new(format!("redis://{address}"));
        let mut shared = SharedCheckpoints::new(&options, "a".to_owned()).expect("an address");
        let patience = Patience(Mutex::new(FIRST_WAIT * 2));
        let watch = Stopwatch::start();
        for partition in ["a", "b", "c"] {
            let away = claim_patiently(&mut shared, partition, &patience);
            let error = away.expect_err("nobody is there");
            assert!(
                matches!(error, CheckpointError::Unavailable { .. }),
                "{error}"
            );
            assert!(watch.elapsed() >= FIRST_WAIT, "the first waits for it");
            assert!(patience.left().is_zero(), "and the others do not");
        }
        patience.restore();
        assert!(patience.spend(FIRST_WAIT));
    }
}
