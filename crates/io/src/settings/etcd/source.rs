//! The task that owns the settings in etcd.
//!
//! List, then watch from the revision of the list on; list again at every reconnect and every ten
//! minutes, because a watch that is taken up in compacted history may have lost a deletion
//! (etcd-io/etcd#18089), and compare. Nothing here ends because etcd does.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout};

use super::super::error::SettingsFileError;
use super::super::model::Settings;
use super::super::watch::{SettingsHandle, SettingsState, Write};
use super::book::{Book, LogKeys, Settled};
use super::error::{EtcdError, Fault};
use super::key::{Listing, Value};
use super::last_good;
use super::options::EtcdOptions;
use super::session::Session;
use crate::backoff::{Backoff, BackoffPolicy};

/// Writes that may wait.
const MAX_WAITING: usize = 16;

/// Changes so close together are applied together.
const QUIET: Duration = Duration::from_millis(100);

/// How long a start looks for etcd before it goes on with the last good settings.
const START_TIME: Duration = Duration::from_secs(10);

/// A server that comes back is found within 2 s; a wrong password is not tried faster than it can
/// be mended.
const BACKOFF: BackoffPolicy = BackoffPolicy {
    first: Duration::from_millis(100),
    cap: Duration::from_secs(1),
    refused: Duration::from_secs(30),
    stable_after: Duration::from_secs(10),
    ask_cap: Duration::from_secs(1),
};

/// Follows and writes the settings in etcd; [`EtcdSettings::run`] is its life.
#[derive(Debug)]
pub struct EtcdSettings {
    options: EtcdOptions,
    /// Where the last good settings are kept, if anywhere.
    last_good: Option<PathBuf>,
    /// What is in that file.
    written: Option<Listing>,
    /// Why nothing can be kept there.
    not_kept: Option<String>,
    book: Book,
    states: watch::Sender<SettingsState>,
    writes: mpsc::Receiver<Write>,
    turn: usize,
    /// etcd has answered since the start: what is in force is not what was kept.
    has_answered: bool,
    backoff: Backoff,
    /// Before the first connection: an answer that only people can mend came at the start.
    first_wait: Duration,
}

/// How a connection ended that did not fail.
struct Ended;

impl EtcdSettings {
    /// Reads the settings once, from etcd or, where it does not answer, from `last_good`.
    ///
    /// Keys that are not there have the value of `defaults`.
    ///
    /// # Errors
    /// When etcd does not answer and nothing was kept, or the configuration cannot be used.
    pub async fn open(
        options: EtcdOptions,
        (defaults, log_keys): (Settings, LogKeys),
        last_good: Option<PathBuf>,
    ) -> Result<(SettingsHandle, Self), EtcdError> {
        options.check()?;
        let mut book = Book::new(defaults.clone(), log_keys);
        let mut notes = Vec::new();
        let mut has_kept = false;
        if let Some(path) = &last_good {
            match last_good::read(path, &options.prefix) {
                Ok(Some(kept)) => {
                    book.restore(kept);
                    has_kept = true;
                }
                Ok(None) => {}
                Err(error) => notes.push(format!("`{}` is of no use: {error}", path.display())),
            }
        }
        let source: Arc<str> = source_name(&options).into();
        let (states, receiver) = watch::channel(SettingsState {
            revision: 1,
            settings: Arc::new(defaults),
            source,
            refused: None,
            cut_off: None,
        });
        let (writes_out, writes) = mpsc::channel(MAX_WAITING);
        let mut opened = Self {
            options,
            last_good,
            written: None,
            not_kept: None,
            book,
            states,
            writes,
            turn: 0,
            has_answered: false,
            // The seed only spreads the tries of several processes.
            backoff: Backoff::new(BACKOFF, u64::from(std::process::id())),
            first_wait: Duration::ZERO,
        };
        match opened.first_list().await {
            Ok(()) => opened.publish(),
            Err(error) if has_kept => {
                opened.publish();
                if matches!(error, EtcdError::Login { .. } | EtcdError::Denied { .. }) {
                    opened.first_wait = opened.backoff.after_refusal();
                }
                notes.push(format!("{error}; {}", opened.in_force()));
            }
            Err(error) => return Err(error),
        }
        if !notes.is_empty() {
            let notes = Some(notes.join("; "));
            opened.states.send_modify(|state| state.cut_off = notes);
        }
        opened.states.send_modify(|state| state.revision = 1);
        let handle = SettingsHandle {
            states: receiver,
            writes: writes_out,
        };
        Ok((handle, opened))
    }

    /// Lists at the start, for a bounded time.
    async fn first_list(&mut self) -> Result<(), EtcdError> {
        let place = self.options.place();
        let mut last = None;
        let tries = self.list_patiently(&mut last);
        let tried = timeout(START_TIME, Box::pin(tries)).await;
        tried.unwrap_or_else(|_| {
            let why = "no answer in time".to_owned();
            Err(last.unwrap_or(EtcdError::Unreachable { place, why }))
        })
    }

    /// Tries to list until it works, or until only people can mend it.
    async fn list_patiently(&mut self, last: &mut Option<EtcdError>) -> Result<(), EtcdError> {
        loop {
            let error = match self.list_once().await {
                Ok(()) => return Ok(()),
                Err(Fault::Told(error)) => error,
                Err(Fault::Stale | Fault::Interrupted) => continue,
            };
            if !matches!(
                error,
                EtcdError::Unreachable { .. } | EtcdError::Refused { .. }
            ) {
                return Err(error);
            }
            *last = Some(error);
            self.turn += 1;
            sleep(self.backoff.after_failure()).await;
        }
    }

    async fn list_once(&mut self) -> Result<(), Fault> {
        let mut session = Session::open(&self.options, self.turn).await?;
        self.book.list(session.list().await?);
        self.has_answered = true;
        Ok(())
    }

    /// Runs until every handle is gone.
    pub async fn run(mut self) {
        if let Some(Ended) = self.refuse_writes_for(self.first_wait).await {
            return;
        }
        loop {
            let since = Instant::now();
            let fault = match Box::pin(self.follow()).await {
                Ok(Ended) => return,
                Err(fault) => fault,
            };
            self.backoff.lived(since.elapsed());
            let wait = self.after(fault);
            if let Some(Ended) = self.refuse_writes_for(wait).await {
                return;
            }
        }
    }

    /// One connection, from its beginning to its end.
    async fn follow(&mut self) -> Result<Ended, Fault> {
        let mut session = Session::open(&self.options, self.turn).await?;
        let listing = session.list().await?;
        let from = listing.revision + 1;
        self.book.list(listing);
        self.has_answered = true;
        self.publish();
        self.tell_connected();
        let mut stream = session.watch(from).await?;
        let start = Instant::now() + self.options.relist_every;
        let mut relist = interval_at(start, self.options.relist_every);
        relist.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due: Option<Instant> = None;
        loop {
            tokio::select! {
                changes = session.next(&mut stream) => {
                    for change in changes? {
                        self.book.event(&change.name, change.value, change.revision);
                        due = due.or(Some(Instant::now() + QUIET));
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    due = None;
                    self.publish();
                    self.tell_connected();
                }
                _ = relist.tick() => {
                    let listing = session.list().await?;
                    self.book.list(listing);
                    self.publish();
                    self.tell_connected();
                }
                write = self.writes.recv() => match write {
                    Some(write) => self.write(&mut session, write).await?,
                    None => return Ok(Ended),
                },
            }
        }
    }

    /// What a fault means: for people, and for the next try.
    fn after(&mut self, fault: Fault) -> Duration {
        let (why, wait) = match fault {
            // The history is gone, or etcd ended the watch: what is missed is listed.
            Fault::Stale | Fault::Interrupted => return self.backoff.after_failure(),
            Fault::Told(error @ (EtcdError::Login { .. } | EtcdError::Denied { .. })) => {
                (error, self.backoff.after_refusal())
            }
            Fault::Told(error) => (error, self.backoff.after_failure()),
        };
        self.turn += 1;
        self.cut_off(Some(format!("{why}; {}", self.in_force())));
        wait
    }

    /// Which settings are used while etcd does not answer.
    fn in_force(&self) -> &'static str {
        if self.has_answered {
            "the settings stay as they are"
        } else {
            "the last good settings are used"
        }
    }

    /// Waits, and tells whoever wants to write that it cannot be.
    async fn refuse_writes_for(&mut self, wait: Duration) -> Option<Ended> {
        let until = Instant::now() + wait;
        loop {
            tokio::select! {
                () = sleep_until(until) => return None,
                write = self.writes.recv() => {
                    let Some(write) = write else {
                        return Some(Ended);
                    };
                    let why = self.states.borrow().cut_off.clone();
                    let why = why.unwrap_or_else(|| "it is being connected to".to_owned());
                    drop(write.answer.send(Err(self.remote(why))));
                }
            }
        }
    }

    async fn write(&mut self, session: &mut Session, write: Write) -> Result<(), Fault> {
        let (written, fault) = match self.try_write(session, &write).await {
            Ok(written) => (written, Ok(())),
            Err(Fault::Told(error)) => (Err(self.remote(error.to_string())), Ok(())),
            Err(fault) => {
                let why = "the connection ended; try again".to_owned();
                (Err(self.remote(why)), Err(fault))
            }
        };
        // Whoever asked may have gone; what is written is written.
        drop(write.answer.send(written));
        fault
    }

    async fn try_write(
        &mut self,
        session: &mut Session,
        write: &Write,
    ) -> Result<Result<SettingsState, SettingsFileError>, Fault> {
        let expected = write.expected;
        // What the watch has told is seen before it is compared.
        self.publish();
        let current = self.states.borrow().revision;
        if expected != current {
            return Ok(Err(SettingsFileError::Conflict { expected, current }));
        }
        let wanted = match write.settings.clone().validated() {
            Ok(wanted) => wanted,
            Err(problem) => {
                let path = source_name(&self.options).into();
                return Ok(Err(SettingsFileError::Invalid { path, problem }));
            }
        };
        let changes = self.book.changes(&wanted);
        if changes.is_empty() {
            return Ok(Ok(self.states.borrow().clone()));
        }
        let Some(revision) = session.commit(&self.book.revisions(), &changes).await? else {
            let listing = session.list().await?;
            self.book.list(listing);
            self.publish();
            let current = self.states.borrow().revision;
            return Ok(Err(SettingsFileError::Conflict { expected, current }));
        };
        // All keys were as we knew them, so this is what the watch is about to tell.
        for (key, text) in changes {
            self.book.event(key.name(), text.map(Value::Text), revision);
        }
        self.publish();
        Ok(Ok(self.states.borrow().clone()))
    }

    fn remote(&self, why: String) -> SettingsFileError {
        SettingsFileError::Remote {
            place: source_name(&self.options),
            why,
        }
    }

    /// Puts in force what the keys say, and writes it down.
    fn publish(&mut self) {
        let Settled { settings, refused } = self.book.settle();
        self.states.send_if_modified(|state| {
            let is_new = *state.settings != settings;
            if is_new {
                state.revision += 1;
                state.settings = Arc::new(settings);
            }
            let is_told = state.refused != refused;
            state.refused = refused;
            is_new || is_told
        });
        self.keep();
    }

    /// Writes down what is in force, where it is not already.
    fn keep(&mut self) {
        let kept = self.book.kept();
        let Some(path) = self.last_good.as_ref() else {
            return;
        };
        if self.written.as_ref() == Some(&kept) {
            return;
        }
        match last_good::write(path, &self.options.prefix, &kept) {
            Ok(()) => (self.written, self.not_kept) = (Some(kept), None),
            Err(error) => {
                let path = path.display();
                let why = format!("the last good settings cannot be kept in `{path}`: {error}");
                self.not_kept = Some(why);
            }
        }
    }

    /// Changes reach us; what is wrong nevertheless is told.
    fn tell_connected(&self) {
        let lost = self.book.lost().into_iter();
        let wrong: Vec<_> = lost.chain(self.not_kept.clone()).collect();
        self.cut_off((!wrong.is_empty()).then(|| wrong.join("; ")));
    }

    /// Says why changes do not reach us, or that they do.
    fn cut_off(&self, why: Option<String>) {
        self.states.send_if_modified(|state| {
            let is_new = state.cut_off != why;
            state.cut_off = why;
            is_new
        });
    }
}

fn source_name(options: &EtcdOptions) -> String {
    let (place, prefix) = (options.place(), &options.prefix);
    if prefix.is_empty() {
        format!("etcd {place}")
    } else {
        format!("etcd {place}, prefix `{prefix}`")
    }
}
