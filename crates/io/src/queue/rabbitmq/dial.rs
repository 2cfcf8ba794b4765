//! From the configuration to an open transport, for both protocols.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::rustls::pki_types::ServerName;

use super::config::RabbitmqConfig;
use crate::feed::dial::{DialError, Transport, connect};
use crate::feed::tls::connector;
use crate::form::duration;
use crate::queue::QueueError;

/// TCP, encrypted or not, which can be cut from outside.
pub(super) struct Wire {
    inner: Box<dyn Transport>,
    cut: Arc<Cut>,
}

#[derive(Default)]
struct Cut {
    done: AtomicBool,
    reader: AtomicWaker,
}

/// Cuts its wire when it is dropped, if it was not [disarmed](Scissors::disarm) before.
///
/// A client that waits in its handshake for a broker that never answers would hold its socket and
/// its thread for ever, also when nobody waits for the client any more.
pub(super) struct Scissors(Option<Arc<Cut>>);

impl Scissors {
    /// Leaves the wire to its owner.
    pub(super) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Scissors {
    fn drop(&mut self) {
        if let Some(cut) = self.0.take() {
            cut.done.store(true, Ordering::Release);
            cut.reader.wake();
        }
    }
}

impl Wire {
    /// What cuts this wire.
    pub(super) fn scissors(&self) -> Scissors {
        Scissors(Some(Arc::clone(&self.cut)))
    }
}

impl fmt::Debug for Scissors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scissors")
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

/// Connects to a port of the broker, in the time that the configuration gives.
pub(super) async fn dial(config: &RabbitmqConfig, port: u16) -> Result<Wire, QueueError> {
    let limit = duration(config.connect_timeout);
    match tokio::time::timeout(limit, open(config, port)).await {
        Ok(opened) => opened,
        Err(_) => Err(late(config, port, limit)),
    }
}

/// The broker did not answer in time.
pub(super) fn late(config: &RabbitmqConfig, port: u16, limit: Duration) -> QueueError {
    QueueError::Lost {
        broker: config.broker(port),
        reason: format!("no answer within {limit:?}"),
    }
}

async fn open(config: &RabbitmqConfig, port: u16) -> Result<Wire, QueueError> {
    let failed = |error: DialError| from_dial(config, port, &error);
    let stream = connect(&config.host, port).await.map_err(failed)?;
    // Confirmations and acknowledgements are small and must not wait for company.
    stream
        .set_nodelay(true)
        .map_err(|error| failed(DialError::Connect(error)))?;
    let inner: Box<dyn Transport> = if config.tls {
        let ca_file = Some(config.ca_file.as_path()).filter(|file| !file.as_os_str().is_empty());
        let tls = connector(ca_file).map_err(|error| QueueError::Misconfigured {
            broker: config.broker(port),
            reason: format!("{error}; check `ca_file`"),
        })?;
        let name = ServerName::try_from(config.host.clone())
            .map_err(|error| failed(DialError::Tls(io::Error::other(error))))?;
        let secured = tls.connect(name, stream).await;
        Box::new(secured.map_err(|error| failed(DialError::Tls(error)))?)
    } else {
        Box::new(stream)
    };
    let cut = Arc::default();
    Ok(Wire { inner, cut })
}

fn from_dial(config: &RabbitmqConfig, port: u16, error: &DialError) -> QueueError {
    let broker = config.broker(port);
    if error.is_certificate() {
        let reason =
            format!("{error}; give the authority that signed its certificate in `ca_file`");
        return QueueError::Misconfigured { broker, reason };
    }
    let reason = error.to_string();
    QueueError::Lost { broker, reason }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.cut.reader.register(cx.waker());
        if self.cut.done.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.cut.done.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
