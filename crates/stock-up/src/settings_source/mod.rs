//! Where settings come from: the one place where file or etcd is chosen.

#[cfg_attr(not(feature = "etcd"), path = "etcd_absent.rs")]
mod etcd;

use std::path::{Path, PathBuf};

use stock_up_io::settings::{Missing, Settings, SettingsFile, SettingsHandle, SettingsState};

use crate::cli::Roles;
use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::venue::Source;

/// Follows the settings, wherever they are kept.
#[derive(Debug)]
pub(crate) enum SettingsSource {
    File(SettingsFile),
    #[cfg(feature = "etcd")]
    Etcd(Box<stock_up_io::settings::etcd::EtcdSettings>),
}

impl SettingsSource {
    /// Runs until every handle is gone.
    pub(crate) async fn run(self) {
        match self {
            Self::File(file) => file.run().await,
            #[cfg(feature = "etcd")]
            Self::Etcd(etcd) => etcd.run().await,
        }
    }
}

/// Whether other processes may have the same settings, so that a change of them here counts.
pub(crate) fn are_shared(config: &Config) -> bool {
    config.etcd.is_on() || !config.settings_file.as_os_str().is_empty()
}

/// What holds when nobody said anything.
pub(crate) fn defaults(config: &Config, roles: Roles) -> Settings {
    let has_own_file = config.settings_file.as_os_str().is_empty();
    let subscriptions = if roles.collect || !has_own_file {
        Source::default_symbols(config.venue.kind)
    } else {
        // Who does not read the feed is not told which one it is.
        Vec::new()
    };
    Settings {
        subscriptions,
        ..Settings::default()
    }
}

/// The settings file in the data directory `dir`, or where the configuration has it.
pub(crate) fn file_path(config: &Config, dir: &Path) -> PathBuf {
    match &config.settings_file {
        file if file.as_os_str().is_empty() => dir.join("settings.toml"),
        file => file.clone(),
    }
}

/// Opens the settings; a file that is missing is made where `missing` says so. In etcd `collect`
/// and the other roles have a log level each, as the seed's two programs had.
///
/// # Errors
/// Settings that cannot be used, a login that is refused, or an etcd that does not answer while
/// nothing of it was kept in `dir`.
pub(crate) fn open(
    config: &Config,
    (dir, roles): (&Path, Roles),
    missing: Missing,
) -> Outcome<(SettingsHandle, SettingsSource)> {
    if config.etcd.is_on() {
        return etcd::open(config, roles, Some(dir.join(etcd::LAST_GOOD)));
    }
    let opened = SettingsFile::open(file_path(config, dir), missing);
    let (handle, file) = opened.map_err(Failure::usage)?;
    Ok((handle, SettingsSource::File(file)))
}

/// Opens the settings in etcd as they are now; nothing is kept of them here.
///
/// # Errors
/// A login that is refused, or an etcd that does not answer.
pub(crate) fn open_shared(config: &Config) -> Outcome<(SettingsHandle, SettingsSource)> {
    etcd::open(config, Roles::ALL, None)
}

/// Whether etcd can be asked at all: its addresses, password and certificates, without network.
///
/// # Errors
/// What cannot be used.
pub(crate) fn check_etcd(config: &Config) -> anyhow::Result<()> {
    if config.etcd.is_on() {
        etcd::check(config)?;
    }
    Ok(())
}

/// Says what became of the settings where it changed.
#[derive(Debug, Default)]
pub(crate) struct Teller {
    refused: Option<String>,
    cut_off: Option<String>,
}

impl Teller {
    pub(crate) fn tell(&mut self, state: &SettingsState) {
        if self.refused != state.refused {
            self.refused.clone_from(&state.refused);
            if let Some(why) = &state.refused {
                tracing::error!(source = %state.source, "settings refused: {why}");
            } else {
                tracing::info!(source = %state.source, "the settings are good again");
            }
        }
        if self.cut_off != state.cut_off {
            self.cut_off.clone_from(&state.cut_off);
            if let Some(why) = &state.cut_off {
                tracing::warn!(source = %state.source, "{why}");
            } else {
                tracing::info!(source = %state.source, "the settings are followed again");
            }
        }
    }
}
