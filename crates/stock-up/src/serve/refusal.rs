//! The one shape of an error answer: a status and `{"error", "detail"}`.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    /// A short code for programs.
    error: &'static str,
    /// What, where, why; what to do.
    detail: String,
    retry_after_secs: Option<u64>,
}

/// What an error looks like.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(super) struct RefusalBody<'a> {
    /// A short code for programs.
    pub(super) error: &'a str,
    /// What, where, why; what to do.
    pub(super) detail: &'a str,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            error,
            detail: detail.into(),
            retry_after_secs: None,
        }
    }

    /// 400: the request says something that cannot be meant.
    pub(super) fn bad_request(error: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, detail)
    }

    /// 404: there is no such thing.
    pub(super) fn not_found(error: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error, detail)
    }

    /// 429: later.
    pub(super) fn too_many(error: &'static str, detail: impl Into<String>, secs: u64) -> Self {
        let mut refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, error, detail);
        refusal.retry_after_secs = Some(secs);
        refusal
    }

    /// 500: the fault is ours; it is logged here, where the decision to answer so is taken.
    pub(super) fn internal(what: &'static str, error: &anyhow::Error) -> Self {
        tracing::error!(what, error = format!("{error:#}"), "a request failed");
        let detail = format!("{what} failed: {error:#}; the server's log says more");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The body as JSON.
    pub(super) fn body_text(&self) -> String {
        let body = RefusalBody {
            error: self.error,
            detail: &self.detail,
        };
        serde_json::to_string(&body).expect("two texts are always JSON")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = json_response(self.status, Body::from(self.body_text()));
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(secs) = self.retry_after_secs {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}

/// An answer of JSON text.
pub(super) fn json_response(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// An answer as JSON.
#[derive(Debug)]
pub(super) struct Answer<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(text) => json_response(StatusCode::OK, Body::from(text)),
            Err(error) => Refusal::internal("writing the answer", &error.into()).into_response(),
        }
    }
}
