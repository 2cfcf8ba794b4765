//! One who follows the settings of an etcd.

use std::path::PathBuf;

use stock_up_io::settings::etcd::{EtcdError, EtcdOptions, EtcdSettings, LogKeys};
use stock_up_io::settings::{Field, Settings, SettingsHandle, SettingsState};
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::daemon::PATIENCE;

pub(super) struct Follower {
    pub(super) handle: SettingsHandle,
    pub(super) states: Receiver<SettingsState>,
    _running: JoinSet<()>,
}

impl Follower {
    pub(super) async fn open(options: EtcdOptions) -> Self {
        Self::open_with(options, None).await.unwrap()
    }

    pub(super) async fn open_with(
        options: EtcdOptions,
        last_good: Option<PathBuf>,
    ) -> Result<Self, EtcdError> {
        let defaults = Settings {
            subscriptions: vec!["DEFAULT".to_owned()],
            ..Settings::default()
        };
        let opened = EtcdSettings::open(options, (defaults, LogKeys::Both), last_good).await;
        let (handle, etcd) = opened?;
        let mut running = JoinSet::new();
        running.spawn(etcd.run());
        Ok(Self {
            states: handle.watch(),
            handle,
            _running: running,
        })
    }

    pub(super) fn subscriptions(&self) -> String {
        self.handle.current().settings.text(Field::Subscriptions)
    }

    /// Waits for a state.
    #[track_caller]
    pub(super) fn until<'a>(
        &'a mut self,
        what: &'a str,
        wanted: impl Fn(&SettingsState) -> bool + Send + Sync + 'a,
    ) -> impl Future<Output = SettingsState> + Send + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let found = timeout(PATIENCE, self.states.wait_for(wanted)).await;
            let found = found.unwrap_or_else(|_| panic!("no {what} came, {caller}"));
            found.unwrap().clone()
        }
    }

    #[track_caller]
    pub(super) fn until_symbols<'a>(
        &'a mut self,
        symbols: &'a str,
    ) -> impl Future<Output = SettingsState> + Send + 'a {
        self.until(symbols, move |state| {
            state.settings.text(Field::Subscriptions) == symbols
        })
    }

    pub(super) async fn until_cut_off(&mut self, why: &str) -> String {
        let says = |state: &SettingsState| {
            let told = state.cut_off.as_ref();
            told.is_some_and(|told| told.contains(why))
        };
        self.until(why, says).await.cut_off.unwrap()
    }

    pub(super) async fn until_followed(&mut self) {
        self.until("connection", |state| state.cut_off.is_none())
            .await;
    }

    pub(super) async fn until_refused(&mut self, why: &str) -> String {
        let says = |state: &SettingsState| {
            let told = state.refused.as_ref();
            told.is_some_and(|told| told.contains(why))
        };
        self.until(why, says).await.refused.unwrap()
    }
}
