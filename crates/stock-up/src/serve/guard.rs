//! What every request passes and every answer carries, whatever the endpoint.
//!
//! The Host is checked because a stranger's name can be made to resolve to 127.0.0.1 (DNS
//! rebinding): then the browser takes the stranger's page and our server for one site. It cannot
//! lie about the name, so only names that are ours are answered.

use std::net::IpAddr;

use axum::extract::{Extension, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::App;
use super::query::refuse_secret;
use super::refusal::Refusal;
use super::request::Peer;

/// What a page of ours may load and who may frame it: itself, and nobody.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self'; \
    script-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
    form-action 'self'";

/// Headers of every answer.
pub(super) const SEAL: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Checks the request, bounds the time of its answer, and seals it.
pub(super) async fn guard(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match check(&app, &peer, &request) {
        Ok(()) => {
            let patience = app.limits().answer_time;
            let late = |_| {
                let detail = format!("the answer took longer than {patience:?}; ask for less");
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "slow_answer", detail).into_response()
            };
            let answer = tokio::time::timeout(patience, next.run(request)).await;
            answer.unwrap_or_else(late)
        }
        Err(refusal) => refusal.into_response(),
    };
    app.count_response(response.status());
    seal(&mut response);
    response
}

fn seal(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in SEAL {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What is not a file of the page is true only now.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

fn check(app: &App, peer: &Peer, request: &Request) -> Result<(), Refusal> {
    check_host(app, peer, request)?;
    refuse_secret(request.uri().query().unwrap_or_default())?;
    if needs_token(request.uri().path()) {
        app.access().check(request.headers(), peer.remote.ip())?;
    }
    Ok(())
}

/// The page's files and the probes are open; the login is how one gets in.
fn needs_token(path: &str) -> bool {
    (path.starts_with("/api/") && path != "/api/v1/session") || path == "/metrics"
}

fn check_host(app: &App, peer: &Peer, request: &Request) -> Result<(), Refusal> {
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    let (host, more) = (hosts.next(), hosts.next());
    let host = host.and_then(|host| host.to_str().ok());
    let (Some(host), None) = (host, more) else {
        let detail = "exactly one Host header is needed";
        return Err(Refusal::bad_request("bad_host", detail));
    };
    let asked = request.uri().authority().map(Authority::as_str);
    for host in asked.into_iter().chain([host]) {
        if !is_ours(app, peer, host) {
            let detail = format!(
                "`{host}` is not a name of this server; add it to the allowed hosts, or use an address"
            );
            return Err(Refusal::new(
                StatusCode::MISDIRECTED_REQUEST,
                "unknown_host",
                detail,
            ));
        }
    }
    Ok(())
}

fn is_ours(app: &App, peer: &Peer, host: &str) -> bool {
    if host.contains('@') {
        return false;
    }
    let Ok(uri) = Uri::builder()
        .authority(host)
        .scheme("http")
        .path_and_query("/")
        .build()
    else {
        return false;
    };
    let Some(name) = uri.host() else {
        return false;
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = address.parse::<IpAddr>() {
        // The address that the client connected to cannot be a stranger's name.
        let ip = ip.to_canonical();
        return ip.is_loopback() || ip == peer.local.ip().to_canonical();
    }
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost")
        || app
            .hosts()
            .iter()
            .any(|ours| ours.eq_ignore_ascii_case(name))
}
