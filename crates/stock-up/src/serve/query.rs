//! What stands behind the `?`: read strictly, because a misspelt parameter that is ignored answers
//! another question than the one that was asked.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use stock_up_core::Span;

use super::refusal::Refusal;

/// Names under which people put a secret into an address, where proxies and histories keep it.
const SECRET_NAMES: [&str; 7] = [
    "token",
    "access_token",
    "auth",
    "authorization",
    "api_key",
    "apikey",
    "password",
];

/// The query of a request as `T`, whose fields are optional texts.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let text = parts.uri.query().unwrap_or_default();
        serde_urlencoded::from_str(text)
            .map(Self)
            .map_err(|error| Refusal::bad_request("bad_query", format!("query: {error}")))
    }
}

/// Refuses a query that carries a secret, whatever the endpoint.
pub(super) fn refuse_secret(query: &str) -> Result<(), Refusal> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let is_secret = |name: &str| SECRET_NAMES.iter().any(|n| name.eq_ignore_ascii_case(n));
    if pairs.iter().any(|(name, _)| is_secret(name)) {
        let detail = "a token in the address is kept by proxies, logs and histories; \
            send it as the header `authorization: Bearer <token>`, and replace this one";
        return Err(Refusal::bad_request("token_in_query", detail));
    }
    Ok(())
}

/// A parameter that is left out or empty is not given.
pub(super) fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// A time: integer ns since the Unix epoch, or RFC 3339.
pub(super) fn time(name: &str, text: Option<&String>) -> Result<Option<i64>, Refusal> {
    given(text).map(|text| read_time(name, text)).transpose()
}

fn read_time(name: &str, text: &str) -> Result<i64, Refusal> {
    if let Ok(ns) = text.parse() {
        return Ok(ns);
    }
    let bad = || {
        let detail = format!(
            "`{name}` is `{text}`, which is no time; \
            expected ns since the Unix epoch or RFC 3339, such as 2026-01-31T14:30:00Z"
        );
        Refusal::bad_request("bad_time", detail)
    };
    let stamp: jiff::Timestamp = text.parse().map_err(|_| bad())?;
    i64::try_from(stamp.as_nanosecond()).map_err(|_| bad())
}

/// Refuses a range whose end is before its beginning.
pub(super) fn check_range(from: Option<i64>, to: Option<i64>) -> Result<(), Refusal> {
    match (from, to) {
        (Some(from), Some(to)) if from > to => {
            let detail = format!("`from` ({from}) is after `to` ({to}); exchange them");
            Err(Refusal::bad_request("bad_range", detail))
        }
        _ => Ok(()),
    }
}

/// A length of time above zero.
pub(super) fn span(name: &str, text: Option<&String>) -> Result<Option<Span>, Refusal> {
    let Some(text) = given(text) else {
        return Ok(None);
    };
    let bad = |why: String| Refusal::bad_request("bad_duration", format!("`{name}`: {why}"));
    match Span::parse(text) {
        Ok(Span::ZERO) => Err(bad(format!("`{text}` is no time at all"))),
        Ok(span) => Ok(Some(span)),
        Err(error) => Err(bad(error.to_string())),
    }
}

/// A number of things to return.
pub(super) fn limit(text: Option<&String>, default: usize, most: usize) -> Result<usize, Refusal> {
    let Some(text) = given(text) else {
        return Ok(default);
    };
    match text.parse() {
        Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
        _ => {
            let detail = format!("`limit` is `{text}`; limit must be 1..={most}");
            Err(Refusal::bad_request("bad_limit", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_or_rfc_3339() {
        let read = |text: &str| time("from", Some(&text.to_owned()));
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("17"), Ok(Some(17)));
        assert_eq!(read("-17"), Ok(Some(-17)));
        assert_eq!(read("1970-01-01T00:00:01Z"), Ok(Some(1_000_000_000)));
        assert_eq!(read("1970-01-01T01:00:00.000000001+01:00"), Ok(Some(1)));
        for text in [
            "yesterday",
            "1.5",
            "99999999999999999999",
            "9999-01-01T00:00:00Z",
            "1970-01-01",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_limit_is_within_its_bounds() {
        let read = |text: &str| limit(Some(&text.to_owned()), 1_000, 10_000);
        assert_eq!(read(""), Ok(1_000));
        assert_eq!(read("1"), Ok(1));
        assert_eq!(read("10000"), Ok(10_000));
        for text in ["0", "10001", "-1", "1e9", "1000000000"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_is_seen_under_any_spelling() {
        for query in ["token=x", "a=1&TOKEN=x", "tok%65n=", "access_token=1"] {
            assert!(refuse_secret(query).is_err(), "{query}");
        }
        assert_eq!(refuse_secret("symbol=token"), Ok(()));
    }
}
