//! Settings in etcd: how it is reached, and whose log level counts.

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
fn options(config: &Config) -> anyhow::Result<EtcdOptions> {
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

/// Looks at addresses, password and certificates, without network.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    options(config).map(drop)
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
    let defaults = (defaults(config, roles), log_keys(roles));
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
