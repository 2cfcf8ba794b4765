//! The gate: from a TCP connection to a websocket, or to a refusal.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{
    Callback, ErrorResponse, Request, Response,
};
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::fault::Refusal;
use crate::feed::dial::{Socket, Transport, socket_config};
use crate::feed::secret::Secret;

/// A handshake may take so long.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest request head that is read before a refusal.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// What is asked of those who want in.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) token: Option<Secret>,
    pub(super) tls: Option<TlsAcceptor>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

impl Gate {
    /// Lets a connection in; the websocket and the token that was shown, or `None`.
    pub(super) async fn admit(self, stream: TcpStream) -> Option<(Socket, String)> {
        timeout(HANDSHAKE_TIMEOUT, self.handshake(stream))
            .await
            .ok()?
    }

    async fn handshake(self, stream: TcpStream) -> Option<(Socket, String)> {
        stream.set_nodelay(true).ok()?;
        let transport = secure(stream, self.tls.as_ref()).await.ok()?;
        let mut shown = String::new();
        let check = TokenCheck {
            expected: self.token.as_ref(),
            shown: &mut shown,
        };
        let config = Some(socket_config());
        let socket = accept_hdr_async_with_config(transport, check, config)
            .await
            .ok()?;
        Some((socket, shown))
    }

    /// Answers a handshake with `refusal`.
    pub(super) async fn refuse(self, stream: TcpStream, refusal: Refusal) {
        let refused = async {
            let mut transport = secure(stream, self.tls.as_ref()).await?;
            read_head(&mut transport).await?;
            let retry = refusal
                .retry
                .map_or_else(String::new, |seconds| format!("Retry-After: {seconds}\r\n"));
            let place = match refusal.status {
                300..400 => "Location: /elsewhere\r\n",
                _ => "",
            };
            let status = StatusCode::from_u16(refusal.status).unwrap_or_default();
            let reason = status.canonical_reason().unwrap_or("Refused");
            let answer = format!(
                "HTTP/1.1 {} {reason}\r\n{retry}{place}Content-Length: 3\r\nConnection: close\r\n\r\nno\n",
                refusal.status
            );
            transport.write_all(answer.as_bytes()).await?;
            transport.shutdown().await
        };
        // Whoever goes away before the refusal is refused as well.
        drop::<Result<io::Result<()>, _>>(timeout(HANDSHAKE_TIMEOUT, refused).await);
    }
}

async fn secure(stream: TcpStream, tls: Option<&TlsAcceptor>) -> io::Result<Box<dyn Transport>> {
    Ok(match tls {
        None => Box::new(stream),
        Some(tls) => Box::new(tls.accept(stream).await?),
    })
}

/// Reads up to the empty line that ends a request's head.
async fn read_head(transport: &mut Box<dyn Transport>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD_BYTES {
        let byte = transport.read_u8().await?;
        head.push(byte);
    }
    Ok(())
}

/// Looks at the token in the query of a request.
struct TokenCheck<'a> {
    expected: Option<&'a Secret>,
    shown: &'a mut String,
}

impl Callback for TokenCheck<'_> {
    fn on_request(self, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
        let query = request.uri().query().unwrap_or_default();
        let token = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("token="));
        let token = token.unwrap_or_default();
        let welcome = match self.expected {
            None => !token.is_empty(),
            Some(expected) => expected.matches_query(token),
        };
        if welcome {
            token.clone_into(self.shown);
            return Ok(response);
        }
        let mut answer = ErrorResponse::new(Some("Invalid API key\n".to_owned()));
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
        Err(answer)
    }
}
