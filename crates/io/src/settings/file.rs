//! The task that owns the settings file.
//!
//! It watches the folder, not the file, because editors and orchestrators replace files and swap
//! links; and it looks once a second anyway, because some file systems tell nothing. What it finds
//! is believed when it has not changed for a moment ([`Settling`]): a half-written file is never
//! applied.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::durable;
use super::error::SettingsFileError;
use super::model::Settings;
use super::seen::{Seen, Settling, parse};
use super::watch::{SettingsHandle, SettingsState, Write};

/// How often the file is looked at without being told.
const POLL: Duration = Duration::from_secs(1);

/// Hints and requests that may wait; a lost hint is made up by the poll.
const MAX_WAITING: usize = 64;

/// What to do when there is no settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// Write one with these settings and a comment on each key.
    Create(Box<Settings>),
    /// Fail.
    Refuse,
}

/// What the watcher noticed in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hint {
    /// The file got other bytes.
    Writing,
    /// The file was closed by a writer, or has another name.
    Written,
    /// Something else.
    Look,
}

/// Watches and writes the settings file; [`SettingsFile::run`] is its life.
#[derive(Debug)]
pub struct SettingsFile {
    path: PathBuf,
    states: watch::Sender<SettingsState>,
    writes: mpsc::Receiver<Write>,
    hints: mpsc::Receiver<Hint>,
    settling: Settling,
    /// Gives hints as long as it lives; `None` where the system cannot watch.
    _watcher: Option<RecommendedWatcher>,
}

impl SettingsFile {
    /// Reads the file, which must be usable now; later mistakes are refused and the settings stay.
    pub fn open(
        path: impl Into<PathBuf>,
        missing: Missing,
    ) -> Result<(SettingsHandle, Self), SettingsFileError> {
        let path = path.into();
        if let Missing::Create(settings) = missing
            && !path.try_exists().unwrap_or(true)
        {
            durable::replace(&path, settings.to_toml().as_bytes()).map_err(|source| {
                SettingsFileError::Write {
                    path: path.clone(),
                    source,
                }
            })?;
        }
        // Order matters: what changes after the first look is noticed.
        let (hints_out, hints) = mpsc::channel(MAX_WAITING);
        let watcher = watch_folder(&path, hints_out);
        let seen = Seen::look(&path);
        let settings = first_settings(&path, &seen)?;
        let (states, receiver) = watch::channel(SettingsState {
            revision: 1,
            settings: Arc::new(settings),
            source: path.display().to_string().into(),
            refused: None,
            cut_off: None,
        });
        let (writes_out, writes) = mpsc::channel(MAX_WAITING);
        let handle = SettingsHandle {
            states: receiver,
            writes: writes_out,
        };
        let file = Self {
            path,
            states,
            writes,
            hints,
            settling: Settling::new(seen),
            _watcher: watcher,
        };
        Ok((handle, file))
    }

    /// Runs until every handle is gone.
    pub async fn run(mut self) {
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let deadline = self.settling.deadline();
            tokio::select! {
                write = self.writes.recv() => match write {
                    Some(write) => self.write(write),
                    None => return,
                },
                Some(hint) = self.hints.recv() => match hint {
                    Hint::Writing => self.settling.set_writing(true),
                    Hint::Written => self.settling.set_writing(false),
                    Hint::Look => {}
                },
                _ = poll.tick() => {}
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {}
            }
            self.look();
        }
    }

    fn look(&mut self) {
        let seen = Seen::look(&self.path);
        let Some(settled) = self.settling.look(seen, Instant::now()) else {
            return;
        };
        match settled.settings() {
            Ok(settings) => self.apply(settings),
            Err(why) => {
                let refused = Some(format!("`{}` {why}", self.path.display()));
                self.states
                    .send_if_modified(|state| replace_if_new(&mut state.refused, refused));
            }
        }
    }

    fn apply(&self, settings: Settings) {
        self.states.send_if_modified(|state| {
            let mended = state.refused.take().is_some();
            if *state.settings == settings {
                return mended;
            }
            state.revision += 1;
            state.settings = Arc::new(settings);
            true
        });
    }

    fn write(&mut self, write: Write) {
        let written = self.try_write(write.expected, write.settings);
        // Whoever asked may have gone; the settings are written all the same.
        drop(write.answer.send(written));
    }

    fn try_write(
        &mut self,
        expected: u64,
        settings: Settings,
    ) -> Result<SettingsState, SettingsFileError> {
        let current = self.states.borrow().revision;
        // Somebody is just changing the file: theirs is not to be overwritten unseen.
        let is_changing = Seen::look(&self.path) != *self.settling.known();
        if expected != current || is_changing {
            return Err(SettingsFileError::Conflict { expected, current });
        }
        let path = self.path.clone();
        let settings = settings
            .validated()
            .map_err(|problem| SettingsFileError::Invalid {
                path: path.clone(),
                problem,
            })?;
        let text = settings.to_toml();
        durable::replace(&path, text.as_bytes())
            .map_err(|source| SettingsFileError::Write { path, source })?;
        self.settling = Settling::new(Seen::File(text.into_bytes()));
        self.apply(settings);
        Ok(self.states.borrow().clone())
    }
}

fn first_settings(path: &Path, seen: &Seen) -> Result<Settings, SettingsFileError> {
    match seen {
        Seen::File(bytes) => parse(bytes).map_err(|problem| SettingsFileError::Invalid {
            path: path.to_owned(),
            problem,
        }),
        Seen::Unreadable(_) => {
            let source = std::fs::read(path)
                .err()
                .unwrap_or_else(|| std::io::Error::other("it is not a file"));
            Err(SettingsFileError::Read {
                path: path.to_owned(),
                source,
            })
        }
    }
}

fn replace_if_new<T: PartialEq>(place: &mut T, value: T) -> bool {
    let is_new = *place != value;
    *place = value;
    is_new
}

fn watch_folder(path: &Path, hints: mpsc::Sender<Hint>) -> Option<RecommendedWatcher> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().map(OsString::from);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        let ours = event
            .paths
            .iter()
            .any(|path| path.file_name() == name.as_deref());
        if let Some(hint) = hint(event.kind, ours) {
            // A hint that finds no room is made up by the poll.
            hints.try_send(hint).unwrap_or_default();
        }
    })
    .ok()?;
    watcher.watch(folder, RecursiveMode::NonRecursive).ok()?;
    Some(watcher)
}

/// What an event means; `None` for reading, also our own, and for what is written into other files
/// of the folder: the store beside it is written all the time. A name that changes may be the end
/// of a link that leads to the file.
fn hint(kind: EventKind, ours: bool) -> Option<Hint> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) if ours => Some(Hint::Written),
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) if ours => Some(Hint::Writing),
        EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_) if ours => {
            Some(Hint::Written)
        }
        EventKind::Modify(ModifyKind::Name(_)) | EventKind::Create(_) | EventKind::Remove(_) => {
            Some(Hint::Look)
        }
        EventKind::Access(_) => None,
        EventKind::Modify(_) if !ours => None,
        _ => Some(Hint::Look),
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, MetadataKind, RemoveKind, RenameMode};

    use super::*;

    #[test]
    fn what_is_written_beside_the_file_is_no_reason_to_look() {
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let rights = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
        for kind in [written, closed, rights] {
            assert_eq!(hint(kind, false), None, "{kind:?}");
        }
        assert_eq!(hint(written, true), Some(Hint::Writing));
        assert_eq!(hint(closed, true), Some(Hint::Written));
        assert_eq!(hint(rights, true), Some(Hint::Look));
    }

    #[test]
    fn a_name_that_changes_beside_the_file_may_be_where_its_link_leads() {
        for kind in [
            EventKind::Modify(ModifyKind::Name(RenameMode::Any)),
            EventKind::Create(CreateKind::Any),
            EventKind::Remove(RemoveKind::Any),
        ] {
            assert_eq!(hint(kind, false), Some(Hint::Look), "{kind:?}");
        }
    }
}
