//! Checkpoints in Redis, for another machine to go on from.
//!
//! The store of this machine is saved first; what is shared follows on a thread of its own, the
//! newest checkpoint at a time, so that a slow or absent Redis holds up nobody. Only one thing ends
//! analysis: that another analyzer has claimed the same name.

mod claim;
mod mailbox;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use stock_up_io::checkpoint::{
    CheckpointError, Claim, RedisOptions, Saved, SharedCheckpoint, SharedCheckpoints,
};
use stock_up_io::clock::{Clock, Stopwatch};
use stock_up_io::store::Store;

use crate::config::{Config, duration, secret_from_file};
use crate::failure::{Failure, Outcome};
use crate::telemetry::{Contact, Telemetry};
pub(crate) use claim::Patience;
use claim::{claim, claim_patiently, take_up};
use mailbox::Mailbox;

/// Waits between tries, doubling from the first to the last.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LAST_WAIT: Duration = Duration::from_secs(5);

/// How long an end waits until the last checkpoint is shared.
const END_TIME: Duration = Duration::from_secs(3);

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
