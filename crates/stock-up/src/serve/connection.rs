//! One connection: the TLS handshake, then requests until either side has enough.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

use super::config::Limits;
use super::refusal::Refusal;
use super::request::Peer;
use super::wire::{Wire, last_words};

/// What all connections share.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) router: Router,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) limits: Limits,
    /// Becomes `true` when the server stops.
    pub(super) stopping: watch::Receiver<bool>,
}

impl Connections {
    /// Serves until the connection ends.
    pub(super) async fn serve(self, socket: TcpStream, peer: Peer) {
        let Some(tls) = self.tls.clone() else {
            return self.talk(socket, peer).await;
        };
        let handshake = tokio::time::timeout(self.limits.handshake_time, tls.accept(socket));
        match handshake.await {
            Ok(Ok(stream)) => self.talk(stream, peer).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn talk<S>(self, stream: S, peer: Peer)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let Self {
            router,
            limits,
            mut stopping,
            ..
        } = self;
        let hangup = peer.hangup.clone();
        let service = service_fn(move |request| answer(router.clone(), peer.clone(), request));
        let io = TokioIo::new(Wire::new(stream, limits.stall_time));
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_time)
            .max_headers(limits.headers)
            .max_header_size(limits.header_bytes)
            // Headers that do not end are noticed here, those that do above.
            .max_buf_size(2 * limits.header_bytes)
            .serve_connection(io, service);
        let mut told = false;
        let result = loop {
            let ended = tokio::select! {
                result = &mut connection => Some(result),
                () = hangup.wanted() => return,
                _ = stopping.wait_for(|stopping| *stopping), if !told => None,
            };
            if let Some(result) = ended {
                break result;
            }
            told = true;
            Pin::new(&mut connection).graceful_shutdown();
        };
        let Err(error) = result else { return };
        tracing::debug!(%error, "a connection broke");
        let parts = connection.into_parts();
        // A connection that only idled is closed without a word.
        if error.is_timeout() && !parts.read_buf.is_empty() {
            say_too_slow(parts.io.into_inner()).await;
        }
    }
}

async fn say_too_slow(mut stream: impl AsyncWrite + Unpin) {
    let detail = "the request's headers did not come in time";
    let status = StatusCode::REQUEST_TIMEOUT;
    let words = last_words(status, &Refusal::new(status, "slow_headers", detail));
    let said = async {
        stream.write_all(&words).await?;
        stream.shutdown().await
    };
    if let Err(error) = said.await {
        tracing::debug!(%error, "a slow client has left");
    }
}

async fn answer(
    mut router: Router,
    peer: Peer,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    router.call(request).await
}

/// Says why a connection is turned away, and waits a little for the client to take it.
pub(super) async fn turn_away(mut socket: TcpStream, refusal: Refusal, status: StatusCode) {
    let words = last_words(status, &refusal);
    let said = async {
        socket.write_all(&words).await?;
        socket.shutdown().await?;
        // Closing with unread bytes would reset the connection, and the words with it.
        tokio::io::copy(&mut socket, &mut tokio::io::sink()).await
    };
    if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(1), said).await {
        tracing::debug!(%error, "a client left before it was turned away");
    }
}
