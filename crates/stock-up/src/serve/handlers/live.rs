//! The live stream.

use std::collections::BTreeSet;

use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::serve::App;
use crate::serve::live::Filter;
use crate::serve::query::{Query, given, span};
use crate::serve::refusal::Refusal;
use crate::serve::request::{Peer, check_origin};

/// What a client wants to hear of.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct LiveParams {
    /// Symbols, comma separated; empty: all.
    symbols: Option<String>,
    /// Length of the window, such as `60s`; empty: all.
    window: Option<String>,
}

pub(in crate::serve) async fn live(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Query(params): Query<LiveParams>,
) -> Result<Response, Refusal> {
    check_origin(&headers)?;
    let symbols = given(params.symbols.as_ref()).unwrap_or_default();
    let symbols: BTreeSet<String> = symbols
        .split(',')
        .map(|symbol| symbol.trim().to_owned())
        .filter(|symbol| !symbol.is_empty())
        .collect();
    let window = span("window", params.window.as_ref())?;
    app.live()
        .enter(Filter { symbols, window }, peer.hangup)
        .await
}
