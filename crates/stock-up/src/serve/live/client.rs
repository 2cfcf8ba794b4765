//! One client of the live stream: what it wants, and the queue to it.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use hyper::body::Frame;
use prometheus_client::metrics::gauge::Gauge;
use stock_up_core::Span;
use stock_up_io::store::Gap;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::hub::Row;
use crate::serve::request::Hangup;

/// What a client wants to hear of.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::serve) struct Filter {
    /// Empty: all.
    pub(in crate::serve) symbols: BTreeSet<String>,
    /// `None`: all.
    pub(in crate::serve) window: Option<Span>,
}

impl Filter {
    pub(in crate::serve) fn wants_symbol(&self, symbol: &str) -> bool {
        self.symbols.is_empty() || self.symbols.contains(symbol)
    }

    pub(in crate::serve) fn wants_window(&self, window: Span) -> bool {
        self.window.is_none_or(|wanted| wanted == window)
    }

    pub(super) fn wants_row(&self, row: &Row) -> bool {
        self.wants_window(row.point.window) && self.wants_symbol(&row.symbol)
    }

    pub(super) fn wants_gap(&self, gap: &Gap) -> bool {
        gap.symbols.is_empty() || gap.symbols.iter().any(|symbol| self.wants_symbol(symbol))
    }
}

/// A client, as the sender sees it.
#[derive(Debug)]
pub(in crate::serve) struct Client {
    pub(super) filter: Arc<Filter>,
    events: mpsc::Sender<Bytes>,
    hangup: Hangup,
}

/// What became of an event for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Queued,
    /// The client has left.
    Gone,
    /// The client did not read, and is cut off.
    Dropped,
}

impl Client {
    pub(super) fn new(filter: Filter, events: mpsc::Sender<Bytes>, hangup: Hangup) -> Self {
        Self {
            filter: Arc::new(filter),
            events,
            hangup,
        }
    }

    /// Queues an event without waiting.
    pub(super) fn send(&self, event: Bytes) -> Sent {
        match self.events.try_send(event) {
            Ok(()) => Sent::Queued,
            Err(TrySendError::Closed(_)) => Sent::Gone,
            Err(TrySendError::Full(_)) => {
                self.hangup.hang_up();
                Sent::Dropped
            }
        }
    }
}

/// The body of the answer: the queue, read by the connection.
pub(super) struct LiveBody {
    waiting: mpsc::Receiver<Bytes>,
    gauge: Gauge,
    /// Frees the place when the client leaves.
    _slot: OwnedSemaphorePermit,
}

impl LiveBody {
    pub(super) fn new(
        waiting: mpsc::Receiver<Bytes>,
        slot: OwnedSemaphorePermit,
        gauge: Gauge,
    ) -> Self {
        gauge.inc();
        Self {
            waiting,
            gauge,
            _slot: slot,
        }
    }
}

impl Drop for LiveBody {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

impl HttpBody for LiveBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let event = self.waiting.poll_recv(cx);
        event.map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}
