//! The HTTP side: one request, one answer. The key travels in a header and is never shown.

use std::fmt;
use std::io::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, Url, redirect};
use thiserror::Error;

use crate::feed::{Secret, TlsError, client_config};

use super::super::SinkError;
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
    /// User, password or token hold what no header can.
    #[error("the user, password or token holds a character that cannot be sent; write it anew")]
    Credentials,
    /// The file of certificate authorities cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Http(String),
}

/// Whether an address is one of this machine.
pub fn is_local(url: &str) -> bool {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The way to one `InfluxDB`; a clone shares its connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    base: Url,
    write: Url,
    authorization: Option<HeaderValue>,
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
            authorization: authorization(&settings.api)?,
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
            base,
            authorization,
            ..
        } = &*self.0;
        authorization.is_some() && base.scheme() == "http" && !is_local(base.as_str())
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
        match &self.0.authorization {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
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

fn base_url(text: &str) -> Result<Url, ClientError> {
    let refuse = |why: String| {
        let url = text.split('@').next_back().unwrap_or_default();
        let url = url.split('?').next().unwrap_or_default().to_owned();
        Err(ClientError::Url { url, why })
    };
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return refuse(error.to_string()),
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return refuse("it begins with neither http:// nor https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("user and password have keys of their own".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("it has more after the path".to_owned());
    }
    Ok(url)
}

fn write_url(base: &Url, settings: &InfluxSettings) -> Url {
    let mut url = base.clone();
    let precision = settings.layout.precision(&settings.api);
    match &settings.api {
        Api::V1 {
            database,
            retention_policy,
            ..
        } => {
            extend(&mut url, &["write"]);
            let mut query = url.query_pairs_mut();
            query.append_pair("db", database);
            if !retention_policy.is_empty() {
                query.append_pair("rp", retention_policy);
            }
            query.append_pair("precision", precision);
        }
        Api::V2 { org, bucket, .. } => {
            extend(&mut url, &["api", "v2", "write"]);
            let mut query = url.query_pairs_mut();
            query.append_pair("org", org).append_pair("bucket", bucket);
            query.append_pair("precision", precision);
        }
        Api::V3 { database, .. } => {
            extend(&mut url, &["api", "v2", "write"]);
            let mut query = url.query_pairs_mut();
            query
                .append_pair("bucket", database)
                .append_pair("precision", precision);
        }
    }
    url
}

fn extend(url: &mut Url, path: &[&str]) {
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
}

fn authorization(api: &Api) -> Result<Option<HeaderValue>, ClientError> {
    let text = match api {
        Api::V1 { user, .. } if user.is_empty() => return Ok(None),
        Api::V1 { user, password, .. } => Secret::new(&basic(user, password.expose())),
        Api::V2 { token, .. } | Api::V3 { token, .. } if token.is_empty() => return Ok(None),
        Api::V2 { token, .. } | Api::V3 { token, .. } => {
            Secret::new(&format!("Token {}", token.expose()))
        }
    };
    let value = HeaderValue::from_str(text.expose());
    let mut value = value.map_err(|_| ClientError::Credentials)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// RFC 7617.
fn basic(user: &str, password: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("Basic ");
    for part in format!("{user}:{password}").as_bytes().chunks(3) {
        let byte = |index: usize| u32::from(part.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = (bits >> (18 - 6 * index)) & 63;
            let digit = DIGITS.get(digit as usize).copied().unwrap_or(b'=');
            text.push(if index <= part.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

fn gzipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    encoder
        .write_all(text)
        .expect("writing to a Vec does not fail");
    encoder.finish().expect("writing to a Vec does not fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_written_as_rfc_7617_does() {
        assert_eq!(
            basic("Aladdin", "open sesame"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(basic("a", "b"), "Basic YTpi");
        assert_eq!(basic("test", "123£"), "Basic dGVzdDoxMjPCow==");
    }

    #[test]
    fn addresses_that_are_none_are_refused_without_a_secret() {
        for (url, expected) in [
            ("influxdb", "`influxdb` is no address"),
            ("ftp://a", "begins with neither"),
            ("http://u:CANARY@host", "have keys of their own"),
            ("http://host?p=CANARY", "has more after the path"),
        ] {
            let error = base_url(url).unwrap_err().to_string();
            assert!(
                error.contains(expected) && !error.contains("CANARY"),
                "{error}"
            );
        }
    }

    #[test]
    fn this_machine_is_told_from_others_that_are_called_alike() {
        for url in [
            "http://localhost:8086",
            "http://127.0.0.1:8086/db",
            "http://127.9.9.9",
            "http://[::1]:8086",
        ] {
            assert!(is_local(url), "{url}");
        }
        for url in [
            "http://influxdb:8086",
            "http://127.example.com",
            "http://10.0.0.1",
            "http://[2001:db8::1]",
            "localhost",
        ] {
            assert!(!is_local(url), "{url}");
        }
    }
}
