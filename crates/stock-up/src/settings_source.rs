//! Where settings come from: the one place where file or etcd is chosen.

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

/// What holds when nobody said anything.
pub(crate) fn defaults(config: &Config) -> Settings {
    Settings {
        subscriptions: Source::default_symbols(config.venue.kind),
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
    #[cfg(feature = "etcd")]
    if config.etcd.is_on() {
        return etcd::open(config, roles, Some(dir.join(etcd::LAST_GOOD)));
    }
    #[cfg(not(feature = "etcd"))]
    let _ = roles;
    let opened = SettingsFile::open(file_path(config, dir), missing);
    let (handle, file) = opened.map_err(Failure::usage)?;
    Ok((handle, SettingsSource::File(file)))
}

/// Opens the settings in etcd as they are now; nothing is kept of them here.
///
/// # Errors
/// A login that is refused, or an etcd that does not answer.
#[cfg(feature = "etcd")]
pub(crate) fn open_shared(config: &Config) -> Outcome<(SettingsHandle, SettingsSource)> {
    etcd::open(config, Roles::ALL, None)
}

/// As above: checking the configuration refuses etcd before this is asked for.
#[cfg(not(feature = "etcd"))]
pub(crate) fn open_shared(_: &Config) -> Outcome<(SettingsHandle, SettingsSource)> {
    Err(Failure::usage(anyhow::anyhow!(
        "this program was built without etcd"
    )))
}

/// Whether etcd can be asked at all: its addresses, password and certificates, without network.
///
/// # Errors
/// What cannot be used.
pub(crate) fn check_etcd(config: &Config) -> anyhow::Result<()> {
    if config.etcd.is_on() {
        #[cfg(feature = "etcd")]
        etcd::options(config)?;
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

#[cfg(feature = "etcd")]
mod etcd {
    //! The part that needs etcd.

    use std::path::{Path, PathBuf};

    use anyhow::Context;
    use stock_up_io::settings::SettingsHandle;
    use stock_up_io::settings::etcd::{EtcdError, EtcdOptions, EtcdSettings, LogKeys};

    use super::{SettingsSource, defaults};
    use crate::cli::Roles;
    use crate::config::{Config, duration, secret_from_file};
    use crate::failure::{Failure, Outcome};

    /// The file with the last good settings, in the data directory.
    pub(super) const LAST_GOOD: &str = "settings-from-etcd.toml";

    /// How etcd is reached.
    pub(super) fn options(config: &Config) -> anyhow::Result<EtcdOptions> {
        let etcd = &config.etcd;
        let set = |path: &Path| Some(path.to_owned()).filter(|path| !path.as_os_str().is_empty());
        let password = set(&etcd.password_file).map(|file| secret_from_file(&file));
        let password = password.transpose().context("[etcd] password_file")?;
        let options = EtcdOptions {
            prefix: etcd.prefix.clone(),
            user: password.map(|password| (etcd.user.clone(), password)),
            ca_file: set(&etcd.ca_file),
            identity: set(&etcd.client_cert).zip(set(&etcd.client_key)),
            timeout: duration(etcd.timeout),
            ..EtcdOptions::new(etcd.endpoints.clone())
        };
        options.check()?;
        Ok(options)
    }

    /// Reads the settings once, before the roles start; the runtime of the roles follows them.
    pub(super) fn open(
        config: &Config,
        roles: Roles,
        last_good: Option<PathBuf>,
    ) -> Outcome<(SettingsHandle, SettingsSource)> {
        let options = options(config).map_err(Failure::usage)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let defaults = (defaults(config), log_keys(roles));
        let opened = runtime.block_on(EtcdSettings::open(options, defaults, last_good));
        let (handle, etcd) = opened.map_err(failure)?;
        Ok((handle, SettingsSource::Etcd(Box::new(etcd))))
    }

    /// Whose log level counts here.
    fn log_keys(roles: Roles) -> LogKeys {
        match (roles.collect, roles.follows()) {
            (true, false) => LogKeys::Collect,
            (false, true) => LogKeys::Analyze,
            _ => LogKeys::Both,
        }
    }

    fn failure(error: EtcdError) -> Failure {
        match error {
            EtcdError::Config(_) => Failure::usage(error),
            EtcdError::Login { .. } | EtcdError::Denied { .. } => Failure::auth(error),
            EtcdError::Unreachable { .. } | EtcdError::Refused { .. } => {
                let what = "there are no settings, and none were kept from an earlier run";
                anyhow::Error::new(error).context(what).into()
            }
        }
    }
}
