//! Checkpoints in Redis, for another machine to go on from.
//!
//! The store of this machine is saved first; what is shared follows on a thread of its own, the
//! newest checkpoint at a time, so that a slow or absent Redis holds up nobody. Only one thing ends
//! analysis: that another analyzer has claimed the same name.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use stock_up_core::Analyzer;
use stock_up_io::checkpoint::{
    CheckpointError, Claim, RedisOptions, Saved, SharedCheckpoint, SharedCheckpoints,
};
use stock_up_io::clock::{Clock, Stopwatch};
use stock_up_io::store::Store;

use crate::config::{Config, duration, secret_from_file};
use crate::failure::{Failure, Outcome};
use crate::follow::Origin;
use crate::telemetry::{Contact, Telemetry};

/// How long starts wait for Redis before they go on with what is here.
const START_TIME: Duration = Duration::from_secs(10);

/// How long an end waits until the last checkpoint is shared.
const END_TIME: Duration = Duration::from_secs(3);

/// Waits between tries, doubling from the first to the last.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LAST_WAIT: Duration = Duration::from_secs(5);

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

/// What is to be shared next, and what came of it.
#[derive(Debug, Default)]
struct Slot {
    next: Option<SharedCheckpoint>,
    /// Nothing more will come.
    ending: bool,
    /// Another analyzer has taken over.
    fenced: Option<CheckpointError>,
}

#[derive(Debug, Default)]
struct Mailbox {
    slot: Mutex<Slot>,
    changed: Condvar,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a checkpoint, at most for `time`; `None` when the end has come.
    fn take(&self) -> Option<SharedCheckpoint> {
        let mut slot = self.lock();
        loop {
            if let Some(next) = slot.next.take() {
                return Some(next);
            }
            if slot.ending {
                return None;
            }
            let waited = self.changed.wait(slot);
            slot = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits before the next try; a newer checkpoint takes the place of `held`.
    fn pause(&self, time: Duration, held: &mut SharedCheckpoint) -> bool {
        let slot = self.lock();
        let waited = self
            .changed
            .wait_timeout_while(slot, time, |slot| !slot.ending);
        let (mut slot, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(newer) = slot.next.take() {
            *held = newer;
        }
        slot.ending
    }
}

/// Hands checkpoints to the thread that shares them.
#[derive(Debug)]
pub(crate) struct Sharer {
    mailbox: Arc<Mailbox>,
    thread: JoinHandle<()>,
}

impl Sharer {
    /// Claims `name`, and takes up what is shared under it where that is ahead of `store`; `end` is
    /// the end of the log. `None` where nothing is shared.
    ///
    /// # Errors
    /// A configuration that cannot be used, a server that may throw checkpoints away or refuses
    /// us, or a shared checkpoint beyond the log.
    pub(crate) fn begin(
        (config, telemetry, patience): (&Config, &Telemetry, &Patience),
        name: String,
        store: &mut Store,
        end: Option<u64>,
    ) -> Outcome<Option<Self>> {
        if !config.redis.is_on() {
            return Ok(None);
        }
        let options = options(config).map_err(Failure::usage)?;
        let mut shared = SharedCheckpoints::new(&options, who()).map_err(failure)?;
        let mut sharing = Sharing {
            epoch: None,
            floor: 0,
            name,
            contact: telemetry.services.redis.contact(),
        };
        match claim_patiently(&mut shared, &sharing.name, patience) {
            Ok(claim) => {
                sharing.claimed(&claim);
                take_up(&claim, store, end).map_err(Failure::data_dir)?;
            }
            Err(error @ CheckpointError::Unavailable { .. }) => {
                sharing.contact.failed();
                tracing::warn!("{error}; analysis goes on from what is here");
            }
            Err(error) => return Err(failure(error)),
        }
        let mailbox = Arc::new(Mailbox::default());
        let theirs = Arc::clone(&mailbox);
        let thread = std::thread::Builder::new()
            .name("share".into())
            .spawn(move || sharing.run(&mut shared, &theirs))?;
        Ok(Some(Self { mailbox, thread }))
    }

    /// Whether Redis can be asked at all: its address, password and certificates, without network.
    ///
    /// # Errors
    /// What cannot be used.
    pub(crate) fn check_config(config: &Config) -> anyhow::Result<()> {
        if config.redis.is_on() {
            SharedCheckpoints::new(&options(config)?, who())?;
        }
        Ok(())
    }

    /// Looks at the server without claiming anything; gives what is worth a warning.
    ///
    /// # Errors
    /// As [`Sharer::begin`], and a server that does not answer.
    pub(crate) fn probe(config: &Config) -> Outcome<Vec<String>> {
        let options = options(config).map_err(Failure::usage)?;
        let mut shared = SharedCheckpoints::new(&options, who()).map_err(failure)?;
        shared.check_server().map_err(failure)
    }

    /// Shares a checkpoint that is saved here, instead of one that waits still.
    ///
    /// # Errors
    /// Another analyzer has taken over: this one must end.
    pub(crate) fn offer(&self, checkpoint: SharedCheckpoint) -> anyhow::Result<()> {
        self.check()?;
        self.mailbox.lock().next = Some(checkpoint);
        self.mailbox.changed.notify_one();
        Ok(())
    }

    /// Whether the name is ours still.
    ///
    /// # Errors
    /// As [`Sharer::offer`].
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        match self.mailbox.lock().fenced.clone() {
            Some(fenced) => Err(fenced.into()),
            None => Ok(()),
        }
    }

    /// Waits, not for long, until the last checkpoint is shared.
    ///
    /// # Errors
    /// As [`Sharer::offer`].
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        self.mailbox.lock().ending = true;
        self.mailbox.changed.notify_one();
        let (mailbox, thread) = (self.mailbox, self.thread);
        drop(thread.join());
        match mailbox.lock().fenced.take() {
            Some(fenced) => Err(fenced.into()),
            None => Ok(()),
        }
    }
}

/// What the sharing thread knows.
#[derive(Debug)]
struct Sharing {
    name: String,
    /// That of our claim; `None` while Redis could not be reached.
    epoch: Option<u64>,
    /// What is shared already reaches so far: until we do, it is the better one.
    floor: u64,
    contact: Contact,
}

impl Sharing {
    fn claimed(&mut self, claim: &Claim) {
        self.contact.answered();
        self.epoch = Some(claim.epoch);
        if let Ok(Some(found)) = &claim.found {
            self.floor = found.position;
        }
        tracing::info!(
            name = self.name,
            epoch = claim.epoch,
            "checkpoints are shared"
        );
    }

    fn run(mut self, shared: &mut SharedCheckpoints, mailbox: &Mailbox) {
        while let Some(checkpoint) = mailbox.take() {
            if let Err(fenced) = self.share(shared, mailbox, checkpoint) {
                mailbox.lock().fenced = Some(fenced);
                return;
            }
        }
    }

    /// Tries until it is shared; gives an error only when another analyzer has taken over.
    fn share(
        &mut self,
        shared: &mut SharedCheckpoints,
        mailbox: &Mailbox,
        mut checkpoint: SharedCheckpoint,
    ) -> Result<(), CheckpointError> {
        let (mut wait, mut told) = (FIRST_WAIT, false);
        let mut ending: Option<Stopwatch> = None;
        loop {
            match self.try_share(shared, &checkpoint) {
                Ok(()) => break self.contact.answered(),
                Err(error @ CheckpointError::Fenced { .. }) => return Err(error),
                Err(error @ CheckpointError::TooLarge(_)) => {
                    tracing::error!("{error}");
                    return Ok(());
                }
                Err(error) if !std::mem::replace(&mut told, true) => {
                    tracing::warn!("{error}; analysis goes on, and this is tried again");
                }
                Err(_) => {}
            }
            self.contact.failed();
            if mailbox.pause(wait, &mut checkpoint) {
                ending.get_or_insert_with(Stopwatch::start);
                std::thread::park_timeout(FIRST_WAIT);
            }
            if ending.is_some_and(|since| since.elapsed() >= END_TIME) {
                tracing::warn!(name = self.name, "the last checkpoint is not shared");
                return Ok(());
            }
            wait = (wait * 2).min(LAST_WAIT);
        }
        if told {
            tracing::info!(name = self.name, "checkpoints are shared again");
        }
        Ok(())
    }

    fn try_share(
        &mut self,
        shared: &mut SharedCheckpoints,
        checkpoint: &SharedCheckpoint,
    ) -> Result<(), CheckpointError> {
        let epoch = if let Some(epoch) = self.epoch {
            epoch
        } else {
            let claim = claim(shared, &self.name)?;
            self.claimed(&claim);
            claim.epoch
        };
        if checkpoint.position < self.floor {
            return Ok(());
        }
        let saved = shared.save((&self.name, epoch), checkpoint)?;
        if saved == Saved::Anew && self.floor > 0 {
            tracing::warn!(
                name = self.name,
                position = checkpoint.position,
                "redis had lost the checkpoint; it is written again"
            );
        }
        self.floor = checkpoint.position;
        Ok(())
    }
}

fn options(config: &Config) -> anyhow::Result<RedisOptions> {
    let redis = &config.redis;
    let set =
        |path: &std::path::PathBuf| Some(path.clone()).filter(|path| !path.as_os_str().is_empty());
    let password = set(&redis.password_file).map(|file| secret_from_file(&file));
    Ok(RedisOptions {
        password: password.transpose().context("[redis] password_file")?,
        prefix: redis.prefix.clone(),
        ca_file: set(&redis.ca_file),
        timeout: duration(redis.timeout),
        ..RedisOptions::new(redis.url.clone())
    })
}

/// This process, among all others and all its lives.
fn who() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let host = host.unwrap_or_else(|_| "host".to_owned());
    let (pid, start) = (std::process::id(), Clock::system().now());
    format!("{} process {pid} start {start}", host.trim())
}

fn failure(error: CheckpointError) -> Failure {
    match error {
        CheckpointError::Config(_) | CheckpointError::Evicts { .. } => Failure::usage(error),
        CheckpointError::Login { .. } => Failure::auth(error),
        error => error.into(),
    }
}

fn claim(shared: &mut SharedCheckpoints, name: &str) -> Result<Claim, CheckpointError> {
    for warning in shared.check_server()? {
        tracing::warn!("{warning}");
    }
    shared.claim(name)
}

fn claim_patiently(
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
fn take_up(claim: &Claim, store: &mut Store, end: Option<u64>) -> anyhow::Result<()> {
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
    use super::*;

    #[test]
    fn all_partitions_together_wait_once_for_a_redis_that_is_away() {
        // Nobody listens where the port was free a moment ago.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        let options = RedisOptions::new(format!("redis://{address}"));
        let mut shared = SharedCheckpoints::new(&options, who()).expect("an address");
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
