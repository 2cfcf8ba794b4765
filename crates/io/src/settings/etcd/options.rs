//! How etcd is reached.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};

use super::error::EtcdError;
use super::key::FOLDERS;
use crate::feed::Secret;

/// The port of etcd for clients.
const PORT: u16 = 2379;

/// Distance of the pings that notice a frozen server. etcd cuts off who pings more often than
/// every 5 s (`--grpc-keepalive-min-time`).
const PING_EVERY: Duration = Duration::from_secs(6);

/// A ping that is not answered for so long ends the connection.
const PING_TIME: Duration = Duration::from_secs(3);

/// Most addresses.
const MAX_ENDPOINTS: usize = 16;

/// How etcd is reached, and which keys are ours.
#[derive(Debug, Clone)]
pub struct EtcdOptions {
    /// Addresses: `host`, `host:port` or with `http://` or `https://` before it. They are tried in
    /// turn.
    pub endpoints: Vec<String>,
    /// What stands before each key; empty as in the seed system.
    pub prefix: String,
    /// Name and password.
    pub user: Option<(String, Secret)>,
    /// Authorities that vouch for the server, as PEM; those of Mozilla without it.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate and its key, as PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Longest wait for a connection and for an answer.
    pub timeout: Duration,
    /// How often everything is read again, watch or not.
    pub relist_every: Duration,
}

impl EtcdOptions {
    /// Without login, TLS or prefix.
    pub fn new(endpoints: Vec<String>) -> Self {
        Self {
            endpoints,
            prefix: String::new(),
            user: None,
            ca_file: None,
            identity: None,
            timeout: Duration::from_secs(5),
            relist_every: Duration::from_mins(10),
        }
    }

    /// The addresses for people.
    pub fn place(&self) -> String {
        let urls = self.endpoints.iter().map(|endpoint| self.url(endpoint));
        urls.collect::<Vec<_>>().join(",")
    }

    /// Whether every value can be used.
    ///
    /// # Errors
    /// [`EtcdError::Config`] says which cannot.
    pub fn check(&self) -> Result<(), EtcdError> {
        if self.endpoints.is_empty() || self.endpoints.len() > MAX_ENDPOINTS {
            return Err(bad(format!(
                "endpoints: give 1 to {MAX_ENDPOINTS} addresses"
            )));
        }
        for endpoint in &self.endpoints {
            let rest = endpoint
                .split_once("://")
                .map_or(&**endpoint, |(_, rest)| rest);
            let is_known = !endpoint.contains("://")
                || endpoint.starts_with("http://")
                || endpoint.starts_with("https://");
            if rest.contains('@') {
                let what = "an address must not hold a password; use user and password_file";
                return Err(bad(format!("endpoints: {what}")));
            }
            if !is_known || rest.is_empty() || rest.contains(['/', ' ', ',']) {
                let what = "is no address; give one like `https://etcd-1:2379`";
                return Err(bad(format!("endpoints: `{endpoint}` {what}")));
            }
            let has_files = self.ca_file.is_some() || self.identity.is_some();
            if has_files && endpoint.starts_with("http://") {
                let what = "is not encrypted, but certificates are given; use https://";
                return Err(bad(format!("endpoints: `{endpoint}` {what}")));
            }
        }
        self.tls().map(drop)
    }

    /// The address with scheme and port.
    pub(super) fn url(&self, endpoint: &str) -> String {
        let uses_tls = self.ca_file.is_some() || self.identity.is_some();
        let (scheme, rest) = match endpoint.split_once("://") {
            Some((scheme, rest)) => (scheme, rest),
            None if uses_tls => ("https", endpoint),
            None => ("http", endpoint),
        };
        let after_address = rest.rsplit(']').next().unwrap_or(rest);
        if after_address.contains(':') {
            format!("{scheme}://{rest}")
        } else {
            format!("{scheme}://{rest}:{PORT}")
        }
    }

    /// What the client is told.
    pub(super) fn connect_options(&self, url: &str) -> Result<ConnectOptions, EtcdError> {
        let mut options = ConnectOptions::new()
            .with_keep_alive(PING_EVERY, PING_TIME)
            // Pings without a stream are a fault in etcd's eyes; there is always a watch.
            .with_keep_alive_while_idle(false)
            .with_connect_timeout(self.timeout)
            .with_require_leader(true);
        if url.starts_with("https://") {
            options = options.with_tls(self.tls()?);
        }
        Ok(options)
    }

    fn tls(&self) -> Result<TlsOptions, EtcdError> {
        let mut tls = TlsOptions::new();
        match &self.ca_file {
            Some(file) => tls = tls.ca_certificate(Certificate::from_pem(pem("ca_file", file)?)),
            None => tls = tls.trust_anchors(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        if let Some((certificate, key)) = &self.identity {
            let certificate = pem("client_cert", certificate)?;
            tls = tls.identity(Identity::from_pem(certificate, pem("client_key", key)?));
        }
        Ok(tls)
    }

    /// The key of this name in etcd.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The folders in etcd.
    pub(super) fn folders(&self) -> [String; 2] {
        FOLDERS.map(|folder| self.key(folder))
    }
}

fn bad(what: String) -> EtcdError {
    EtcdError::Config(what)
}

fn pem(what: &str, file: &Path) -> Result<Vec<u8>, EtcdError> {
    let shown = file.display();
    let bytes =
        fs::read(file).map_err(|error| bad(format!("{what}: cannot read `{shown}`: {error}")))?;
    let is_pem = String::from_utf8_lossy(&bytes).contains("-----BEGIN ");
    if is_pem {
        Ok(bytes)
    } else {
        Err(bad(format!("{what}: `{shown}` is no PEM")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_scheme_and_port() {
        let mut options = EtcdOptions::new(vec!["etcd".into(), "[::1]".into()]);
        assert_eq!(options.place(), "http://etcd:2379,http://[::1]:2379");
        options.ca_file = Some("ca.pem".into());
        assert_eq!(options.url("etcd:1"), "https://etcd:1");
        assert_eq!(options.url("https://[::1]:1"), "https://[::1]:1");
    }

    #[test]
    fn what_cannot_be_reached_is_named_at_once() {
        let says = |endpoint: &str, ca: Option<&str>| {
            let mut options = EtcdOptions::new(vec![endpoint.to_owned()]);
            options.ca_file = ca.map(PathBuf::from);
            options.check().unwrap_err().to_string()
        };
        for wrong in ["", "ftp://etcd", "http://", "etcd/v3", "a b"] {
            assert!(says(wrong, None).contains("no address"), "{wrong}");
        }
        let with_password = says("http://me:CANARY-7f3a@etcd", None);
        assert!(!with_password.contains("CANARY"), "{with_password}");
        assert!(says("http://etcd", Some("ca.pem")).contains("not encrypted"));
        assert!(says("etcd", Some("no.pem")).contains("cannot read `no.pem`"));
    }
}
