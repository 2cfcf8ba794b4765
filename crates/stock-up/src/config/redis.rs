//! `[redis]`: checkpoints that several machines share.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use stock_up_core::Span;

use super::form;
use crate::failure::built_without;

/// How Redis is reached; without a URL, checkpoints stay in the data directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RedisConfig {
    /// `redis://host:port/db`, or `rediss://` for TLS; a user may stand in it, a password may not.
    pub(crate) url: String,
    /// A file with the password.
    pub(crate) password_file: PathBuf,
    /// What stands before each key.
    pub(crate) prefix: String,
    /// Authorities that vouch for the server, as PEM.
    pub(crate) ca_file: PathBuf,
    /// Longest wait for a connection and for an answer.
    #[serde(with = "form::span")]
    pub(crate) timeout: Span,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            password_file: PathBuf::new(),
            prefix: "stock-up:".to_owned(),
            ca_file: PathBuf::new(),
            timeout: Span::from_secs(2),
        }
    }
}

impl RedisConfig {
    /// Whether checkpoints are shared.
    pub(crate) fn is_on(&self) -> bool {
        !self.url.is_empty()
    }

    /// What is wrong with the values together.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.timeout < Span::from_ns(100_000_000) || self.timeout > Span::from_secs(60) {
            anyhow::bail!("[redis] timeout `{}` is outside 100ms to 60s", self.timeout);
        }
        if self.is_on() && !cfg!(feature = "redis") {
            return Err(built_without("Redis").context("[redis] url"));
        }
        Ok(())
    }
}
