//! The HTTP side: one request, one answer. The key travels in a header and is never shown.

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, Url, redirect};
use thiserror::Error;

use crate::feed::{Secret, TlsError, client_config};

use super::super::SinkError;
use super::address::{base_url, extend, is_local, write_url};
use super::answer::{self, Answer, Head};
use super::settings::{Api, InfluxSettings};

/// A server that does not take a connection for so long is not there.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Idle connections are closed before a server or a middlebox does it unseen.
const IDLE_TIME: Duration = Duration::from_secs(50);

/// Idle connections that are kept: one for each sink that shares the client.
const MAX_IDLE: usize = 16;

/// Bytes of an answer that are read at most.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// Smaller requests are sent as they are: compressing them saves nothing.
const MIN_GZIP_BYTES: usize = 4 << 10;

/// A write of nothing is answered 204 or 400 once the key and the database are accepted.
pub(super) const NOTHING: &[u8] = b"\n";

/// Why there can be no client.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address is none.
    #[error("`{url}` is no address of an InfluxDB: {why}; write http://HOST:PORT or https://HOST")]
    Url {
        /// As it was given, without what could be a secret.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The token holds what no header can.
    #[error("the token holds a character that cannot be sent; write it anew")]
    Token,
    /// The file of certificate authorities cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Http(String),
}

/// The way to one `InfluxDB`; a clone shares its connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    base: Url,
    write: Url,
    token: Option<HeaderValue>,
    api: Api,
    gzip: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.0.base.as_str())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Checks the settings; nothing is sent yet.
    pub fn new(settings: &InfluxSettings) -> Result<Self, ClientError> {
        let base = base_url(&settings.url)?;
        let write = write_url(&base, settings);
        let tls = client_config(settings.ca_file.as_deref())?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIME)
            .timeout(settings.timeout)
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(MAX_IDLE)
            .user_agent(concat!("stock-up/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError::Http(chain(&error)))?;
        Ok(Self(Arc::new(Inner {
            http,
            base,
            write,
            token: token(&settings.api)?,
            api: settings.api.clone(),
            gzip: settings.gzip,
        })))
    }

    pub(super) fn api(&self) -> &Api {
        &self.0.api
    }

    pub(super) fn failure(&self, head: &Head, said: &str) -> SinkError {
        answer::failure(&self.0.base, &self.0.api, head, said)
    }

    /// Whether the key crosses the network where others can read it.
    pub fn exposes_key(&self) -> bool {
        let Inner {
            base, token, api, ..
        } = &*self.0;
        let has_key = token.is_some() || user_and_password(api).is_some();
        has_key && base.scheme() == "http" && !is_local(base.as_str())
    }

    /// Asks for nothing but an answer: who is there?
    ///
    /// # Errors
    /// What is wrong, as for a write; also when the key or the database is not accepted.
    pub async fn probe(&self) -> Result<String, SinkError> {
        let (head, _) = self.ask(self.request(Method::GET, &["ping"])).await?;
        let version = head
            .version
            .clone()
            .unwrap_or_else(|| "of unknown version".to_owned());
        if !matches!(head.status, 200 | 204) {
            return Err(answer::not_influx(&self.0.base, head.status));
        }
        match self.write(NOTHING).await? {
            Answer::Stored | Answer::Fault(_) | Answer::TooLarge => Ok(version),
        }
    }

    /// Writes lines.
    pub(super) async fn write(&self, text: &[u8]) -> Result<Answer, SinkError> {
        let mut request = self.authorized(self.0.http.post(self.0.write.clone()));
        request = request.header(CONTENT_TYPE, "text/plain; charset=utf-8");
        request = if self.0.gzip && text.len() >= MIN_GZIP_BYTES {
            request.header(CONTENT_ENCODING, "gzip").body(gzipped(text))
        } else {
            request.body(text.to_vec())
        };
        let (head, body) = self.ask(request).await?;
        answer::of_write(&self.0.base, &self.0.api, &head, &body)
    }

    /// A request with the key, to a path below the base.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.request_with(method, path, None)
    }

    /// The same with a query.
    pub(super) fn request_with(
        &self,
        method: Method,
        path: &[&str],
        query: Option<(&str, &str)>,
    ) -> RequestBuilder {
        let mut url = self.0.base.clone();
        extend(&mut url, path);
        if let Some((name, value)) = query {
            url.query_pairs_mut().append_pair(name, value);
        }
        self.authorized(self.0.http.request(method, url))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match (&self.0.token, user_and_password(&self.0.api)) {
            (Some(token), _) => request.header(AUTHORIZATION, token),
            (None, Some((user, password))) => request.basic_auth(user, Some(password.expose())),
            (None, None) => request,
        }
    }

    /// The answer, with as much of its body as errors need.
    pub(super) async fn ask(&self, request: RequestBuilder) -> Result<(Head, String), SinkError> {
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let head = Head {
            status: response.status().as_u16(),
            retry_after: header(RETRY_AFTER.as_str()),
            version: header("x-influxdb-version"),
        };
        let body = self.body(response).await?;
        Ok((head, self.0.api.secret().scrub(&body)))
    }

    async fn body(&self, mut response: Response) -> Result<String, SinkError> {
        let mut body = Vec::new();
        while body.len() < MAX_ANSWER_BYTES {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Err(self.unreachable(&error)),
            }
        }
        body.truncate(MAX_ANSWER_BYTES);
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    fn unreachable(&self, error: &reqwest::Error) -> SinkError {
        let what = if error.is_timeout() {
            "does not answer in time"
        } else {
            "cannot be reached"
        };
        let (url, why) = (
            self.0.base.as_str(),
            self.0.api.secret().scrub(&chain(error)),
        );
        SinkError::Unavailable {
            reason: format!("InfluxDB at {url} {what}: {why}"),
            retry_after: None,
        }
    }
}

/// The causes of an error without the first, which names the whole URL.
fn chain(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.dedup();
    if causes.is_empty() {
        return "the request failed".to_owned();
    }
    causes.join(": ")
}

fn user_and_password(api: &Api) -> Option<(&str, &Secret)> {
    match api {
        Api::V1 { user, password, .. } if !user.is_empty() => Some((user, password)),
        Api::V1 { .. } | Api::V2 { .. } | Api::V3 { .. } => None,
    }
}

/// The header of a token, where one is used.
fn token(api: &Api) -> Result<Option<HeaderValue>, ClientError> {
    let token = match api {
        Api::V2 { token, .. } | Api::V3 { token, .. } if !token.is_empty() => token,
        Api::V1 { .. } | Api::V2 { .. } | Api::V3 { .. } => return Ok(None),
    };
    let text = Secret::new(&format!("Token {}", token.expose()));
    let value = HeaderValue::from_str(text.expose());
    let mut value = value.map_err(|_| ClientError::Token)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn gzipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    encoder
        .write_all(text)
        .expect("writing to a Vec does not fail");
    encoder.finish().expect("writing to a Vec does not fail")
}
