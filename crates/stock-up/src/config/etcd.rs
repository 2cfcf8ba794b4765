//! `[etcd]`: settings that a team shares.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use stock_up_core::Span;

use super::form;
use crate::failure::built_without;

/// How etcd is reached; without endpoints, settings come from the settings file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EtcdConfig {
    /// Addresses: `host`, `host:port`, or with `http://` or `https://` before it.
    pub(crate) endpoints: Vec<String>,
    /// What stands before each key.
    pub(crate) prefix: String,
    /// Who we are; empty: no login.
    pub(crate) user: String,
    /// A file with the password.
    pub(crate) password_file: PathBuf,
    /// Authorities that vouch for the servers, as PEM.
    pub(crate) ca_file: PathBuf,
    /// Our own certificate and key, as PEM.
    pub(crate) client_cert: PathBuf,
    pub(crate) client_key: PathBuf,
    /// Longest wait for a connection and for an answer.
    #[serde(with = "form::span")]
    pub(crate) timeout: Span,
}

impl Default for EtcdConfig {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            prefix: String::new(),
            user: String::new(),
            password_file: PathBuf::new(),
            ca_file: PathBuf::new(),
            client_cert: PathBuf::new(),
            client_key: PathBuf::new(),
            timeout: Span::from_secs(5),
        }
    }
}

impl EtcdConfig {
    /// Whether settings come from etcd.
    pub(crate) fn is_on(&self) -> bool {
        !self.endpoints.is_empty()
    }

    /// Takes the seed system's variable where nothing newer is set.
    pub(super) fn apply_seed(&mut self, config_host: Option<&str>) {
        if let Some(host) = config_host.filter(|_| self.endpoints.is_empty()) {
            self.endpoints = host.split(',').map(|one| one.trim().to_owned()).collect();
        }
    }

    /// What is wrong with the values together.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let set = |path: &PathBuf| !path.as_os_str().is_empty();
        if set(&self.client_cert) != set(&self.client_key) {
            anyhow::bail!("[etcd] client_cert and client_key belong together; set both or none");
        }
        if self.user.is_empty() == set(&self.password_file) {
            anyhow::bail!("[etcd] user and password_file belong together; set both or none");
        }
        if self.timeout < Span::from_ns(100_000_000) || self.timeout > Span::from_secs(60) {
            anyhow::bail!("[etcd] timeout `{}` is outside 100ms to 60s", self.timeout);
        }
        if self.is_on() && !cfg!(feature = "etcd") {
            return Err(built_without("etcd").context("[etcd] endpoints"));
        }
        Ok(())
    }
}
