//! How Redis is reached.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use redis::{Client, ConnectionInfo, IntoConnectionInfo, TlsCertificates};

use super::error::CheckpointError;
use crate::feed::Secret;

/// How Redis is reached, and which keys are ours.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// `redis://user@host:port/db`, or `rediss://` for TLS; without a password.
    pub url: String,
    /// The password.
    pub password: Option<Secret>,
    /// What stands before each key.
    pub prefix: String,
    /// Authorities that vouch for the server, as PEM; those of the system without it.
    pub ca_file: Option<PathBuf>,
    /// Longest wait for a connection, and for an answer.
    pub timeout: Duration,
}

impl RedisOptions {
    /// Without password or certificates.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password: None,
            prefix: "stock-up:".to_owned(),
            ca_file: None,
            timeout: Duration::from_secs(2),
        }
    }

    /// The address for people, which holds no password.
    pub(super) fn place(&self) -> String {
        let info = self.url.as_str().into_connection_info();
        info.map_or_else(|_| "?".to_owned(), |info| info.addr().to_string())
    }

    /// The client, not yet connected.
    pub(super) fn client(&self) -> Result<Client, CheckpointError> {
        let info = self.info()?;
        let Some(file) = &self.ca_file else {
            return Client::open(info).map_err(|error| bad(&error.to_string()));
        };
        let shown = file.display();
        let root = fs::read(file);
        let root =
            root.map_err(|error| bad(&format!("ca_file: cannot read `{shown}`: {error}")))?;
        let certificates = TlsCertificates {
            client_tls: None,
            root_cert: Some(root),
        };
        Client::build_with_tls(info, certificates)
            .map_err(|error| bad(&format!("ca_file: `{shown}` cannot be used: {error}")))
    }

    fn info(&self) -> Result<ConnectionInfo, CheckpointError> {
        // What is wrong with an address is not repeated: a password may stand in it.
        let info = self.url.as_str().into_connection_info();
        let info =
            info.map_err(|_| bad("url: it is no address like `redis://127.0.0.1:6379/0`"))?;
        if self.url.contains("#insecure") {
            return Err(bad(
                "url: `#insecure` is not taken; give the authority as ca_file",
            ));
        }
        let settings = info.redis_settings();
        if settings.password().is_some() {
            return Err(bad("url: it must not hold a password; use password_file"));
        }
        let settings = match &self.password {
            Some(password) => settings.clone().set_password(password.expose()),
            None => settings.clone(),
        };
        Ok(info.set_redis_settings(settings))
    }
}

fn bad(what: &str) -> CheckpointError {
    CheckpointError::Config(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_used_is_refused_without_showing_it() {
        let ok = RedisOptions::new("rediss://me@cache:6380/2");
        assert!(ok.client().is_ok());
        assert_eq!(ok.place(), "cache:6380");
        for wrong in [
            "",
            "http://cache",
            "redis://:CANARY-7f3a@cache",
            "rediss://cache/#insecure",
        ] {
            let error = RedisOptions::new(wrong).client().unwrap_err().to_string();
            assert!(error.starts_with("[redis] url: "), "{wrong}: {error}");
            assert!(!error.contains("CANARY"), "{error}");
        }
    }
}
