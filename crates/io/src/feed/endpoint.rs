//! Where a venue is: its address, what the handshake carries, and how the way there is secured.
//!
//! The text of an address never holds the token: it is joined only when the request is written, so
//! that no error and no log line can show it.

use std::path::PathBuf;

use thiserror::Error;

use super::secret::{Secret, percent_encoded};

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// No host.
    #[error("server address is empty; give a host such as `ws.finnhub.io`")]
    Empty,
    /// Another protocol.
    #[error("server address begins with `{scheme}://`; use `wss://` or a bare host")]
    Scheme {
        /// What it begins with.
        scheme: String,
    },
    /// A name and a password in the address.
    #[error("server address holds a user name; put the token in its own setting")]
    UserInfo,
    /// A query in the address.
    #[error("server address holds a query; put the token in its own setting")]
    Query,
    /// The host is no host.
    #[error("server address `{text}` has no valid host")]
    Host {
        /// The address.
        text: String,
    },
    /// The port is no port.
    #[error("server address `{text}` has no valid port")]
    Port {
        /// The address.
        text: String,
    },
    /// Unencrypted to somewhere else.
    #[error(
        "`ws://{host}` is not encrypted and would show the token to the network; use `wss://{host}`, \
         or allow plain connections explicitly"
    )]
    Plain {
        /// The host.
        host: String,
    },
}

/// Where a venue is.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, Secret)>,
    pub(super) headers: Vec<(&'static str, Secret)>,
    pub(super) ca_file: Option<PathBuf>,
    allow_plain: bool,
}

impl Endpoint {
    /// Reads `host`, `host:port`, `wss://host[:port][/path]` or `ws://…`; a bare host means `wss`.
    ///
    /// # Errors
    /// [`EndpointError`] says what is wrong; none of its texts shows a query or a password.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("wss", text));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "wss" => true,
            "ws" => false,
            other => {
                return Err(EndpointError::Scheme {
                    scheme: other.chars().take(20).collect(),
                });
            }
        };
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        if path.contains(['?', '#']) {
            return Err(EndpointError::Query);
        }
        if authority.contains('@') {
            return Err(EndpointError::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        Ok(Self {
            tls,
            host: host.to_owned(),
            port: port.unwrap_or(if tls { 443 } else { 80 }),
            path: if path.is_empty() { "/" } else { path }.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            ca_file: None,
            allow_plain: false,
        })
    }

    /// Adds a value to the query of the handshake.
    #[must_use]
    pub fn with_query(mut self, name: &'static str, value: Secret) -> Self {
        self.query.push((name, value));
        self
    }

    /// Adds a header to the handshake.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: Secret) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Trusts the authorities of this PEM file as well.
    #[must_use]
    pub fn with_ca_file(mut self, file: PathBuf) -> Self {
        self.ca_file = Some(file);
        self
    }

    /// Allows an unencrypted connection to another machine.
    #[must_use]
    pub fn allow_plain(mut self) -> Self {
        self.allow_plain = true;
        self
    }

    /// Refuses an unencrypted way to another machine, unless it was allowed.
    ///
    /// # Errors
    /// [`EndpointError::Plain`].
    pub fn check(&self) -> Result<(), EndpointError> {
        if self.tls || self.allow_plain || is_loopback(&self.host) {
            return Ok(());
        }
        Err(EndpointError::Plain {
            host: self.host.clone(),
        })
    }

    /// The address without any secret, for people.
    pub fn shown(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}{}", self.authority(), self.path)
    }

    /// `text` with every secret of this endpoint masked.
    pub fn scrub(&self, text: &str) -> String {
        let secrets = self.query.iter().chain(&self.headers);
        secrets.fold(text.to_owned(), |text, (_, secret)| secret.scrub(&text))
    }

    /// The full address with its secrets; only the handshake may ask for it.
    pub(super) fn request_uri(&self) -> String {
        let mut uri = self.shown();
        for (index, (name, value)) in self.query.iter().enumerate() {
            uri.push(if index == 0 { '?' } else { '&' });
            uri.push_str(name);
            uri.push('=');
            uri.push_str(&percent_encoded(value.expose()));
        }
        uri
    }

    fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

/// Host and port of `host`, `host:port`, `[::1]:port`.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), EndpointError> {
    let text = || authority.chars().take(80).collect::<String>();
    let (host, rest) = match authority.strip_prefix('[') {
        Some(inner) => inner
            .split_once(']')
            .ok_or_else(|| EndpointError::Host { text: text() })?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if authority.is_empty() {
        return Err(EndpointError::Empty);
    }
    let is_ipv6 = authority.starts_with('[');
    let valid = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c) || (is_ipv6 && c == ':');
    if host.is_empty() || !host.chars().all(valid) {
        return Err(EndpointError::Host { text: text() });
    }
    if rest.is_empty() {
        return Ok((host, None));
    }
    let port = rest.strip_prefix(':').and_then(|port| port.parse().ok());
    match port.filter(|port| *port != 0) {
        Some(port) => Ok((host, Some(port))),
        None => Err(EndpointError::Port { text: text() }),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let shown = Endpoint::parse(text).and_then(|endpoint| {
            endpoint.check()?;
            Ok(endpoint.shown())
        });
        let shown = shown.unwrap_or_else(|error| error.to_string());
        assert!(shown.starts_with(expect), "{text}: {shown}");
    }

    #[test]
    fn addresses_are_read_as_the_seed_did() {
        check("ws.finnhub.io", "wss://ws.finnhub.io/");
        check(
            " wss://ws.finnhub.io:8443/v1 ",
            "wss://ws.finnhub.io:8443/v1",
        );
        check("ws://127.0.0.1:9010", "ws://127.0.0.1:9010/");
        check("ws://[::1]:9010", "ws://[::1]:9010/");
        check("ws://localhost", "ws://localhost/");
        check("localhost:9010", "wss://localhost:9010/");
    }

    #[test]
    fn what_is_no_address_says_why() {
        check("", "server address is empty");
        check("wss://", "server address is empty");
        check("https://x", "server address begins with `https://`");
        check("wss://me:pw@host", "server address holds a user name");
        check("wss://host?token=x", "server address holds a query");
        check("wss://ho st", "server address `ho st` has no valid host");
        check("host:0", "server address `host:0` has no valid port");
        check(
            "host:99999",
            "server address `host:99999` has no valid port",
        );
        check("[::1", "server address `[::1` has no valid host");
        check("ws://10.0.0.1", "`ws://10.0.0.1` is not encrypted");
    }

    #[test]
    fn a_plain_way_can_be_allowed_and_secrets_stay_out_of_sight() {
        let endpoint = Endpoint::parse("ws://10.0.0.1").unwrap().allow_plain();
        assert_eq!(endpoint.check(), Ok(()));
        let endpoint = endpoint.with_query("token", Secret::new("CANARY 7f3a"));
        assert_eq!(endpoint.request_uri(), "ws://10.0.0.1/?token=CANARY%207f3a");
        let seen = format!("{endpoint:?} {}", endpoint.shown());
        assert!(!seen.contains("CANARY"), "{seen}");
        assert_eq!(endpoint.scrub("bad key CANARY 7f3a"), "bad key ***");
    }
}
