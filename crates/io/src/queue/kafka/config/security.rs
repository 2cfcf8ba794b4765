//! What is written about TLS and SASL: whom we trust, and who we are.

use std::path::{Path, PathBuf};

use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};

use super::{ConfigError, KafkaConfig, wrong};
use crate::feed::Secret;
use crate::form;
use crate::queue::QueueError;

/// Largest file with a password in bytes.
const MAX_PASSWORD_FILE: u64 = 4_096;

/// TLS towards the brokers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// The authorities that may vouch for the brokers, PEM; without it, the system's.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate, PEM, where brokers ask for one.
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM, without a password.
    pub key_file: Option<PathBuf>,
}

/// Who we are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SaslConfig {
    /// How the password is shown.
    pub mechanism: Mechanism,
    /// The name.
    pub user: String,
    /// The password; a file is better.
    #[serde(skip_serializing, deserialize_with = "form::secret")]
    pub password: Secret,
    /// The file with the password; read again for each connection.
    pub password_file: Option<PathBuf>,
}

/// How a password is shown to a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Mechanism {
    /// As it is: over TLS alone.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Only that we know it, by SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// Only that we know it, by SHA-512.
    #[default]
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl Mechanism {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl KafkaConfig {
    /// Looks at TLS and SASL without files.
    pub(super) fn check_security(&self) -> Result<(), ConfigError> {
        if let Some(tls) = &self.tls
            && tls.cert_file.is_some() != tls.key_file.is_some()
        {
            return Err(wrong(
                "tls",
                "`cert_file` and `key_file` go together; give both",
            ));
        }
        self.sasl
            .as_ref()
            .map_or(Ok(()), |sasl| self.check_sasl(sasl))
    }

    fn check_sasl(&self, sasl: &SaslConfig) -> Result<(), ConfigError> {
        if sasl.user.is_empty() {
            return Err(wrong("sasl.user", "is empty; give the name"));
        }
        match (sasl.password.is_empty(), &sasl.password_file) {
            (true, None) => {
                return Err(wrong("sasl.password_file", "give the file of the password"));
            }
            (false, Some(_)) => {
                return Err(wrong(
                    "sasl.password",
                    "also `password_file` is given; take one out",
                ));
            }
            _ => {}
        }
        let local = self.hosts().all(is_loopback);
        if sasl.mechanism == Mechanism::Plain && self.tls.is_none() && !local {
            let reason = "PLAIN without TLS shows the password to everybody on the way; \
                          add `[queue.kafka.tls]`, or use SCRAM-SHA-512";
            return Err(wrong("sasl.mechanism", reason));
        }
        Ok(())
    }

    fn hosts(&self) -> impl Iterator<Item = &str> {
        let addresses = self.brokers.split(',').map(str::trim);
        addresses.map(|address| address.rsplit_once(':').map_or(address, |(host, _)| host))
    }

    /// The password, where there is one.
    pub(in super::super) fn password(&self) -> Result<Secret, QueueError> {
        let Some(sasl) = &self.sasl else {
            return Ok(Secret::default());
        };
        match &sasl.password_file {
            None => Ok(sasl.password.clone()),
            Some(file) => read_password(file).map_err(|reason| QueueError::Misconfigured {
                broker: self.broker(),
                reason,
            }),
        }
    }

    /// Tells a client how to encrypt, and who we are.
    pub(super) fn secure(&self, client: &mut ClientConfig, password: &Secret) {
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        client.set("security.protocol", protocol);
        let tls = self.tls.clone().unwrap_or_default();
        let files = [
            ("ssl.ca.location", tls.ca_file),
            ("ssl.certificate.location", tls.cert_file),
            ("ssl.key.location", tls.key_file),
        ];
        for (key, file) in files
            .iter()
            .filter_map(|(key, file)| Some((key, file.as_ref()?)))
        {
            client.set(*key, file.to_string_lossy());
        }
        if let Some(sasl) = &self.sasl {
            client
                .set("sasl.mechanism", sasl.mechanism.name())
                .set("sasl.username", &sasl.user)
                .set("sasl.password", password.expose());
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

fn read_password(file: &Path) -> Result<Secret, String> {
    let shown = file.display();
    let failed = |error| format!("cannot read the password file `{shown}`: {error}");
    let size = std::fs::metadata(file).map_err(failed)?.len();
    if size > MAX_PASSWORD_FILE {
        return Err(format!(
            "the password file `{shown}` has {size} bytes; it is no password"
        ));
    }
    let password = Secret::new(&std::fs::read_to_string(file).map_err(failed)?);
    if password.is_empty() {
        return Err(format!("the password file `{shown}` is empty"));
    }
    Ok(password)
}
