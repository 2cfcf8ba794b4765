//! The page's files, built into the binary.
//!
//! `build.rs` lists what `npm run build` left in `web/dist`. When there is nothing, the program
//! still builds and runs, and `/` says how to get the page. Files under `assets/` have a hash in
//! their name and never change; the others are asked for again each time.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::refusal::Refusal;

include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

const NO_PAGE: &str = "The page is not built into this binary.\n\
    Build it with `npm ci && npm run build` in `web`, then build stock-up again; `make run` does both.\n\
    The API works without it: see /api/v1/openapi.json.\n";

/// Serves a file of the page; anything else does not exist.
pub(super) async fn page(request: Request) -> Response {
    let path = request.uri().path();
    let name = if path == "/" {
        "index.html"
    } else {
        path.trim_start_matches('/')
    };
    let found = FILES.binary_search_by_key(&name, |(name, _)| name);
    match found {
        Ok(_) if !matches!(*request.method(), Method::GET | Method::HEAD) => {
            method_not_allowed(request).await
        }
        Ok(at) => file(name, FILES[at].1),
        Err(_) if path == "/" => (StatusCode::SERVICE_UNAVAILABLE, NO_PAGE).into_response(),
        Err(_) => {
            let detail = format!("there is no `{path}`; the interface is in /api/v1/openapi.json");
            Refusal::not_found("not_found", detail).into_response()
        }
    }
}

/// The path exists, but not for this method.
pub(super) async fn method_not_allowed(request: Request) -> Response {
    let detail = format!(
        "`{}` does not take {}; the interface is in /api/v1/openapi.json",
        request.uri().path(),
        request.method()
    );
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).into_response()
}

fn file(name: &str, bytes: &'static [u8]) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let cache = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(name)));
    response
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
