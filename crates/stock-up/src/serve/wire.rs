//! The byte stream under a connection: plain or TLS, with a bound on how long a write may stall,
//! and with words where the HTTP library has none.
//!
//! hyper refuses a request that it cannot read with a bare status (400, 414 or 431, no body). Our
//! contract is that an error says what and why, so the stream recognises those answers, which
//! nothing else writes at the start of a write, and sends ours in their place.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::guard::SEAL;
use super::refusal::Refusal;

/// A stream with the two additions.
pub(super) struct Wire<S> {
    inner: S,
    stall_time: Duration,
    /// Runs while the client takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
    /// What is written in place of a bare refusal.
    plain: Option<Plain>,
}

struct Plain {
    text: Vec<u8>,
    written: usize,
    /// Bytes of the bare refusal that this stands for.
    replaces: usize,
}

impl<S> Wire<S> {
    pub(super) fn new(inner: S, stall_time: Duration) -> Self {
        Self {
            inner,
            stall_time,
            stall: None,
            plain: None,
        }
    }

    fn watch(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let patience = self.stall_time;
        let stall = self
            .stall
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + patience)));
        if stall.as_mut().poll(cx).is_ready() {
            let text = "the client takes nothing";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    fn poll_plain(&mut self, cx: &mut Context<'_>, mut plain: Plain) -> Poll<io::Result<usize>> {
        while plain.written < plain.text.len() {
            let rest = &plain.text[plain.written..];
            let written = Pin::new(&mut self.inner).poll_write(cx, rest);
            match self.watch(cx, written) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => plain.written += written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.plain = Some(plain);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(plain.replaces))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let plain = this.plain.take().or_else(|| {
            Some(Plain {
                text: words_for(bytes)?,
                written: 0,
                replaces: bytes.len(),
            })
        });
        if let Some(plain) = plain {
            return this.poll_plain(cx, plain);
        }
        let written = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.watch(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Our words for a bare refusal; `None` for anything else.
fn words_for(bytes: &[u8]) -> Option<Vec<u8>> {
    let status = match bytes.get(..13)? {
        b"HTTP/1.1 400 " => 400,
        b"HTTP/1.1 414 " => 414,
        b"HTTP/1.1 431 " => 431,
        _ => return None,
    };
    // Ours have a type and a seal; the bare ones have neither.
    let text = std::str::from_utf8(bytes).ok()?.to_ascii_lowercase();
    if text.contains("content-type:") || !text.ends_with("\r\n\r\n") {
        return None;
    }
    let refusal = match status {
        400 => Refusal::bad_request("bad_request", "this is not a request of HTTP/1.1"),
        414 => Refusal::new(
            StatusCode::URI_TOO_LONG,
            "uri_too_long",
            "the address is too long",
        ),
        _ => Refusal::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "headers_too_large",
            "the request's headers are too many or larger than 16 KiB",
        ),
    };
    Some(last_words(StatusCode::from_u16(status).ok()?, &refusal))
}

/// A whole answer that closes its connection.
pub(super) fn last_words(status: StatusCode, refusal: &Refusal) -> Vec<u8> {
    let body = refusal.body_text();
    let reason = status.canonical_reason().unwrap_or_default();
    let first = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16());
    let seal = SEAL.map(|(name, value)| format!("{name}: {value}\r\n"));
    let length = body.len();
    [
        first.as_str(),
        &seal.concat(),
        "cache-control: no-store\r\ncontent-type: application/json\r\nconnection: close\r\n",
        &format!("content-length: {length}\r\n\r\n{body}"),
    ]
    .concat()
    .into_bytes()
}
