//! Role serve: the page, the API of `docs/http.md`, and the metrics.
//!
//! It reads: what is live from the [`Hub`], what is stored through [`Sources`]. The only thing that
//! it changes is the settings, and those through the one who owns them. Everything it does for a
//! client is bounded by [`Limits`], so that a client can only harm itself.
//!
//! The way of a request: [`server`] accepts the connection, [`connection`] reads it (over
//! [`wire`]), [`guard`] checks it and seals the answer, [`routes`] finds the handler. [`openapi`]
//! describes the same routes.

mod access;
mod admission;
mod answers;
mod config;
mod connection;
mod guard;
mod handlers;
mod live;
mod openapi;
mod page;
mod query;
mod refusal;
mod request;
mod routes;
mod server;
mod sources;
mod stored;
mod tls;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::http::StatusCode;
use stock_up_io::settings::SettingsHandle;

use crate::hub::Hub;
use crate::telemetry::Telemetry;
use access::Access;
use live::LiveDoor;
use sources::Reads;

pub(crate) use access::TokenHash;
pub(crate) use config::{Exposure, Limits, TlsFiles};
pub(crate) use openapi::openapi_text;
pub(crate) use server::{Serve, Server};
pub(crate) use sources::{
    GapQuery, History, SeriesPage, SeriesQuery, Sources, TradeRow, TradeSource, TradesPage,
    TradesQuery,
};

/// What the handlers share; a clone is another handle.
#[derive(Debug, Clone)]
struct App(Arc<AppParts>);

#[derive(Debug)]
struct AppParts {
    hub: Hub,
    telemetry: Arc<Telemetry>,
    sources: Sources,
    reads: Reads,
    access: Access,
    live: LiveDoor,
    hosts: Vec<String>,
    limits: Limits,
}

impl App {
    fn new(parts: AppParts) -> Self {
        Self(Arc::new(parts))
    }

    fn hub(&self) -> &Hub {
        &self.0.hub
    }

    fn telemetry(&self) -> &Telemetry {
        &self.0.telemetry
    }

    fn history(&self) -> Arc<dyn History> {
        Arc::clone(&self.0.sources.history)
    }

    fn trades(&self) -> Arc<dyn TradeSource> {
        Arc::clone(&self.0.sources.trades)
    }

    fn settings(&self) -> &SettingsHandle {
        &self.0.sources.settings
    }

    fn settings_elsewhere(&self) -> bool {
        self.0.sources.settings_elsewhere
    }

    fn reads(&self) -> &Reads {
        &self.0.reads
    }

    fn access(&self) -> &Access {
        &self.0.access
    }

    fn live(&self) -> &LiveDoor {
        &self.0.live
    }

    fn hosts(&self) -> &[String] {
        &self.0.hosts
    }

    fn limits(&self) -> &Limits {
        &self.0.limits
    }

    fn count_response(&self, status: StatusCode) {
        let code = match status.as_u16() {
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        let counter = &self.0.telemetry.http_responses;
        counter.get_or_create(&[("code", code)]).inc();
    }
}
