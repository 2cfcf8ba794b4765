//! In the place of settings in etcd, where the program is built without it.

use std::path::PathBuf;

use stock_up_io::settings::SettingsHandle;

use super::SettingsSource;
use crate::cli::Roles;
use crate::config::Config;
use crate::failure::{Failure, Outcome, built_without};

/// Nothing is kept.
pub(super) const LAST_GOOD: &str = "";

/// Refuses etcd.
pub(super) fn check(_: &Config) -> anyhow::Result<()> {
    Err(built_without("etcd"))
}

/// Refuses etcd.
pub(super) fn open(
    _: &Config,
    _: Roles,
    _: Option<PathBuf>,
) -> Outcome<(SettingsHandle, SettingsSource)> {
    Err(Failure::usage(built_without("etcd")))
}
