//! The live stream: server-sent events to every client, at most ten of each kind a second.
//!
//! One task ([`sender`]) owns all clients. It takes what changed from the hub, writes each event
//! once per distinct filter, and puts it into each client's bounded queue. A client whose queue is
//! full is dropped, connection and all: nobody waits for it, and nothing piles up. The page
//! reconnects and starts from a new snapshot.

mod client;
mod event;
mod pace;
mod sender;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{Semaphore, mpsc};

pub(super) use client::Filter;
use client::{Client, LiveBody};
pub(super) use event::PipelineEvent;
pub(super) use sender::Sender;

use super::refusal::Refusal;
use super::request::Hangup;

/// Events that wait for one client before it is dropped.
pub(super) const MAX_WAITING: usize = 64;

/// Clients that wait to be taken in.
const MAX_JOINING: usize = 64;

/// Where clients come in.
#[derive(Debug)]
pub(super) struct LiveDoor {
    joins: mpsc::Sender<Client>,
    slots: Arc<Semaphore>,
    gauge: Gauge,
}

impl LiveDoor {
    /// The door, and what the sender takes the clients from.
    pub(super) fn new(most: usize, gauge: Gauge) -> (Self, mpsc::Receiver<Client>) {
        let (joins, joining) = mpsc::channel(MAX_JOINING);
        let door = Self {
            joins,
            slots: Arc::new(Semaphore::new(most)),
            gauge,
        };
        (door, joining)
    }

    /// Takes a client in: the answer is its stream.
    pub(super) async fn enter(&self, filter: Filter, hangup: Hangup) -> Result<Response, Refusal> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| {
            let detail = "too many clients follow the live stream; close some, or raise the limit";
            Refusal::too_many("too_many_live", detail, 5)
        })?;
        let (events, waiting) = mpsc::channel(MAX_WAITING);
        let client = Client::new(filter, events, hangup);
        self.joins.send(client).await.map_err(|_| {
            let status = axum::http::StatusCode::SERVICE_UNAVAILABLE;
            Refusal::new(status, "stopping", "the server is stopping; reconnect soon")
        })?;
        let body = Body::new(LiveBody::new(waiting, slot, self.gauge.clone()));
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("text/event-stream");
        headers.insert(header::CONTENT_TYPE, kind);
        // Proxies that collect answers would hold the events back.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        Ok(response)
    }
}
