//! What role serve is told before it starts, and every bound that it keeps.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Bounds of the server. Reaching one is answered, and counted in the metrics.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Connections at once.
    pub(crate) connections: usize,
    /// Connections at once from one address.
    pub(crate) connections_per_ip: usize,
    /// Clients of the live stream at once.
    pub(crate) live_clients: usize,
    /// Reads of the store or the log at once.
    pub(crate) reads: usize,
    /// Bytes of a request's first line and headers.
    pub(crate) header_bytes: usize,
    /// Headers of a request.
    pub(crate) headers: usize,
    /// Bytes of a request's body.
    pub(crate) body_bytes: usize,
    /// Time for a TLS handshake.
    pub(crate) handshake_time: Duration,
    /// Time for a request's headers; also how long a connection may idle.
    pub(crate) header_time: Duration,
    /// Time for a request's body.
    pub(crate) body_time: Duration,
    /// Time for making an answer.
    pub(crate) answer_time: Duration,
    /// How long a client may take nothing of an answer.
    pub(crate) stall_time: Duration,
    /// How long open requests may go on after the shutdown began.
    pub(crate) shutdown_time: Duration,
    /// Bytes that the kernel holds for a client that does not read.
    pub(crate) send_buffer_bytes: usize,
    /// Wrong tokens from one address within a minute.
    pub(crate) wrong_tokens: u32,
    /// Browsers that are logged in.
    pub(crate) sessions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2_048,
            connections_per_ip: 1_024,
            live_clients: 1_024,
            reads: 4,
            header_bytes: 16 << 10,
            headers: 100,
            body_bytes: 64 << 10,
            handshake_time: Duration::from_secs(10),
            header_time: Duration::from_secs(30),
            body_time: Duration::from_secs(10),
            answer_time: Duration::from_secs(30),
            stall_time: Duration::from_secs(30),
            shutdown_time: Duration::from_secs(3),
            send_buffer_bytes: 256 << 10,
            wrong_tokens: 10,
            sessions: 256,
        }
    }
}

/// A certificate chain and its key, as PEM.
#[derive(Debug, Clone)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Who could reach the server, and what keeps them out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exposure {
    pub(crate) listen: SocketAddr,
    pub(crate) has_token: bool,
    pub(crate) has_tls: bool,
    /// The operator says that the network is trusted.
    pub(crate) insecure: bool,
}

/// The server would be open to others; a fault of the configuration (exit code 2).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{listen}` can be reached from other machines, and {missing} not set; \
    set it, listen on 127.0.0.1, or say `--insecure` if the network is trusted"
)]
pub(crate) struct Exposed {
    listen: SocketAddr,
    missing: &'static str,
}

impl Exposure {
    /// Loopback is open to this machine only; anything else needs a token and TLS, or the word of
    /// the operator.
    pub(crate) fn check(self) -> Result<(), Exposed> {
        if is_loopback(self.listen.ip()) || self.insecure {
            return Ok(());
        }
        let missing = match (self.has_token, self.has_tls) {
            (true, true) => return Ok(()),
            (false, true) => "a token is",
            (true, false) => "TLS (a certificate and its key) is",
            (false, false) => "a token and TLS are",
        };
        Err(Exposed {
            listen: self.listen,
            missing,
        })
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_need_a_token_and_tls_or_the_operators_word() {
        let exposure = |listen: &str, has_token, has_tls, insecure| Exposure {
            listen: listen.parse().unwrap(),
            has_token,
            has_tls,
            insecure,
        };
        for open in [
            "127.0.0.1:8080",
            "127.9.9.9:1",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert_eq!(
                exposure(open, false, false, false).check(),
                Ok(()),
                "{open}"
            );
        }
        for far in ["0.0.0.0:8080", "[::]:8080", "10.0.0.7:80"] {
            assert_eq!(exposure(far, true, true, false).check(), Ok(()));
            assert_eq!(exposure(far, false, false, true).check(), Ok(()));
            for (token, tls) in [(true, false), (false, true), (false, false)] {
                assert!(exposure(far, token, tls, false).check().is_err(), "{far}");
            }
        }
        let text = exposure("0.0.0.0:8080", false, true, false)
            .check()
            .unwrap_err()
            .to_string();
        assert_eq!(
            text,
            "`0.0.0.0:8080` can be reached from other machines, and a token is not set; \
            set it, listen on 127.0.0.1, or say `--insecure` if the network is trusted"
        );
    }
}
