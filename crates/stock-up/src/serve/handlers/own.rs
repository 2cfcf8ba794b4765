//! What the program says about itself: its health, its metrics, its interface; and the login.

use axum::extract::{Extension, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::market::NoParams;
use crate::serve::App;
use crate::serve::answers::Login;
use crate::serve::openapi::openapi_text;
use crate::serve::query::Query;
use crate::serve::refusal::{Refusal, json_response};
use crate::serve::request::{Change, Peer};

/// What the text for Prometheus is.
pub(in crate::serve) const METRICS_TYPE: &str =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(in crate::serve) async fn healthz() -> &'static str {
    "ok"
}

pub(in crate::serve) async fn readyz(State(app): State<App>) -> Response {
    match app.hub().readiness() {
        Ok(()) => "ready".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
    }
}

pub(in crate::serve) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let open = i64::try_from(app.hub().gaps_open()).unwrap_or(i64::MAX);
    app.telemetry().gaps_open.set(open);
    let kind = [(header::CONTENT_TYPE, METRICS_TYPE)];
    (kind, app.telemetry().prometheus_text())
}

pub(in crate::serve) async fn openapi(Query(NoParams {}): Query<NoParams>) -> Response {
    json_response(StatusCode::OK, openapi_text().into())
}

pub(in crate::serve) async fn log_in(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Change(login): Change<Login>,
) -> Result<Response, Refusal> {
    let cookie = app.access().log_in(&login.token, peer.remote.ip())?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = cookie {
        let cookie = HeaderValue::try_from(cookie).expect("a cookie of ours is ASCII");
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
