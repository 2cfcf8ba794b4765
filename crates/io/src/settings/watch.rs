//! What everybody else sees of the settings, and how they are changed from within.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::error::SettingsFileError;
use super::model::Settings;

/// The settings at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsState {
    /// Counts the changes since the start of the process, from 1.
    pub revision: u64,
    /// What is in force.
    pub settings: Arc<Settings>,
    /// Where they come from: a path, or what etcd is reached as.
    pub source: Arc<str>,
    /// Why the newest content of the source is not in force, if it is not.
    pub refused: Option<String>,
    /// Why changes of the source do not reach us for now, if they do not.
    pub cut_off: Option<String>,
}

/// A request to write the settings.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) expected: u64,
    pub(super) settings: Settings,
    pub(super) answer: oneshot::Sender<Result<SettingsState, SettingsFileError>>,
}

/// Sees the settings and may change them.
#[derive(Debug, Clone)]
pub struct SettingsHandle {
    pub(super) states: watch::Receiver<SettingsState>,
    pub(super) writes: mpsc::Sender<Write>,
}

impl SettingsHandle {
    /// The settings as they are now.
    pub fn current(&self) -> SettingsState {
        self.states.borrow().clone()
    }

    /// A receiver that wakes at each change, also of `refused`.
    pub fn watch(&self) -> watch::Receiver<SettingsState> {
        self.states.clone()
    }

    /// Writes `settings` to their source, durably, and puts them in force, if the revision is still the
    /// `expected` one.
    pub async fn write(
        &self,
        expected: u64,
        settings: Settings,
    ) -> Result<SettingsState, SettingsFileError> {
        let (answer, answered) = oneshot::channel();
        let write = Write {
            expected,
            settings,
            answer,
        };
        self.writes
            .send(write)
            .await
            .map_err(|_| SettingsFileError::Ended)?;
        answered.await.map_err(|_| SettingsFileError::Ended)?
    }
}
