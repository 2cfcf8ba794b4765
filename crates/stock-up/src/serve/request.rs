//! Where a request comes from, and what a request that changes something must show.
//!
//! A browser sends a stranger's form or picture to us with our cookie. It cannot send `x-stock-up`
//! or JSON that way without asking first, and we never answer that question; it always says where a
//! change comes from. So a change needs all three: the header, the content type, our own origin.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use super::App;
use super::refusal::Refusal;

/// The connection of a request.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) remote: SocketAddr,
    pub(super) local: SocketAddr,
    pub(super) hangup: Hangup,
}

/// Closes a connection from outside of the request that it serves: a client that does not read also
/// keeps its own handler from running.
#[derive(Debug, Clone, Default)]
pub(super) struct Hangup(Arc<Notify>);

impl Hangup {
    pub(super) fn hang_up(&self) {
        self.0.notify_one();
    }

    pub(super) async fn wanted(&self) {
        self.0.notified().await;
    }
}

/// Refuses what another site's page sends in the name of our user.
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let foreign = |from: &str| {
        let detail = format!(
            "the request comes from `{from}`, another site than this one; open the page of this server"
        );
        Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            detail,
        ))
    };
    let text = |value: Option<&axum::http::HeaderValue>| {
        value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    if let Some(site) = text(headers.get("sec-fetch-site"))
        && !matches!(site.as_str(), "same-origin" | "none")
    {
        return foreign(&site);
    }
    let Some(origin) = text(headers.get(header::ORIGIN)) else {
        return Ok(());
    };
    let host = text(headers.get(header::HOST)).unwrap_or_default();
    match origin.split_once("://") {
        Some(("http" | "https", authority)) if authority.eq_ignore_ascii_case(&host) => Ok(()),
        _ => foreign(&origin),
    }
}

/// The body of a request that changes something.
#[derive(Debug)]
pub(super) struct Change<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Change<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let headers = request.headers();
        check_origin(headers)?;
        check_marks(headers)?;
        let limits = app.limits();
        check_length(headers, limits.body_bytes)?;
        let body = read(request, limits.body_bytes, limits.body_time).await?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            let detail = format!("request body: {error}");
            Refusal::bad_request("bad_json", detail)
        })
    }
}

fn check_marks(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim());
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        let detail = "a change needs `content-type: application/json`";
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            detail,
        ));
    }
    if headers.get("x-stock-up").is_none_or(|value| value != "1") {
        let detail = "a change needs the header `x-stock-up: 1`, which other sites cannot send";
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "header_missing",
            detail,
        ));
    }
    Ok(())
}

fn check_length(headers: &HeaderMap, most: usize) -> Result<(), Refusal> {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > most as u64 => Err(too_large(most)),
        _ => Ok(()),
    }
}

fn too_large(most: usize) -> Refusal {
    let detail = format!("the request body is larger than {most} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

async fn read(request: Request, most: usize, patience: Duration) -> Result<Bytes, Refusal> {
    let body = axum::body::to_bytes(request.into_body(), most);
    match tokio::time::timeout(patience, body).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_length_limit(&error) => Err(too_large(most)),
        Ok(Err(error)) => {
            let detail = format!("the request body broke off: {error}");
            Err(Refusal::bad_request("bad_body", detail))
        }
        Err(_) => {
            let detail = format!("the request body did not come within {patience:?}");
            Err(Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "slow_body",
                detail,
            ))
        }
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
