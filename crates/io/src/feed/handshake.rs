//! What an answer to the handshake means, and how long to wait after it.
//!
//! All refusals are HTTP answers before any websocket exists. A bad key is not mended by trying
//! again, so it is tried once a minute at most; a limit of tries says itself how long it lasts; the
//! rest are troubles of the venue that pass. Redirects are not followed: they could carry the token
//! elsewhere.

use std::time::Duration;

use tokio_tungstenite::tungstenite::http::{Response, StatusCode, header};

use super::dial::DialError;

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// As after any failure that passes.
    Backoff,
    /// Long: people must mend it.
    Long,
    /// As the venue says.
    Asked(Duration),
}

/// A failed try, judged.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Somebody answered, and the answer was no.
    pub(super) refused: bool,
    pub(super) reason: String,
    pub(super) wait: Wait,
}

/// Judges a failed try.
pub(super) fn judge(error: &DialError) -> Verdict {
    if let DialError::Answer(answer) = error {
        let (meaning, wait) = judge_status(answer);
        return Verdict {
            refused: true,
            reason: format!("the venue {error}: {meaning}"),
            wait,
        };
    }
    if error.is_certificate() {
        return Verdict {
            refused: true,
            reason: format!("{error}; check the server's name, or give the authority's file"),
            wait: Wait::Long,
        };
    }
    Verdict {
        refused: error.is_nonsense(),
        reason: error.to_string(),
        wait: Wait::Backoff,
    }
}

fn judge_status<B>(answer: &Response<B>) -> (&'static str, Wait) {
    match answer.status() {
        StatusCode::UNAUTHORIZED => ("the token is missing or wrong", Wait::Long),
        StatusCode::FORBIDDEN => ("the token may not do this", Wait::Long),
        StatusCode::TOO_MANY_REQUESTS => ("too many tries", asked_wait(answer)),
        status if status.is_redirection() => ("redirects are not followed", Wait::Long),
        StatusCode::OK => ("an ordinary page, no websocket", Wait::Backoff),
        StatusCode::REQUEST_TIMEOUT => ("it took too long", Wait::Backoff),
        status if status.is_client_error() => ("check the server's address", Wait::Long),
        StatusCode::SERVICE_UNAVAILABLE => ("it is not available", asked_or(answer, Wait::Backoff)),
        _ => ("the venue has a trouble of its own", Wait::Backoff),
    }
}

/// `Retry-After` in seconds; without one, or with a date, a long wait.
fn asked_wait<B>(answer: &Response<B>) -> Wait {
    asked_or(answer, Wait::Long)
}

fn asked_or<B>(answer: &Response<B>, otherwise: Wait) -> Wait {
    let value = answer.headers().get(header::RETRY_AFTER);
    let seconds = value.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds.map_or(otherwise, |seconds| {
        Wait::Asked(Duration::from_secs(seconds))
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio_tungstenite::tungstenite::Error as SocketError;

    use super::*;

    #[track_caller]
    fn check(status: u16, retry_after: Option<&str>, wait: Wait, reason: &str) {
        let mut answer = Response::builder().status(status);
        if let Some(value) = retry_after {
            answer = answer.header("Retry-After", value);
        }
        let verdict = judge(&DialError::Answer(Box::new(answer.body(None).unwrap())));
        assert_eq!((verdict.refused, verdict.wait), (true, wait), "{status}");
        assert!(verdict.reason.contains(reason), "{}", verdict.reason);
    }

    #[test]
    fn a_connection_that_breaks_off_is_no_refusal() {
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let verdict = judge(&DialError::Handshake(SocketError::Io(reset)));
        assert_eq!((verdict.refused, verdict.wait), (false, Wait::Backoff));
    }

    #[test]
    fn every_answer_has_its_reason_and_its_wait() {
        check(
            401,
            None,
            Wait::Long,
            "401 Unauthorized to the handshake: the token",
        );
        check(403, None, Wait::Long, "may not do this");
        check(404, None, Wait::Long, "check the server's address");
        check(302, None, Wait::Long, "redirects are not followed");
        check(200, None, Wait::Backoff, "an ordinary page");
        check(502, None, Wait::Backoff, "502 Bad Gateway");
        check(524, None, Wait::Backoff, "524");
        check(429, None, Wait::Long, "too many tries");
        check(429, Some("soon"), Wait::Long, "too many tries");
        let asked = Wait::Asked(Duration::from_secs(7));
        check(429, Some("7"), asked, "too many tries");
        check(503, Some(" 7 "), asked, "not available");
        check(503, None, Wait::Backoff, "not available");
    }

    #[test]
    fn a_dead_network_is_no_refusal() {
        let error = io::Error::from(io::ErrorKind::ConnectionRefused);
        let verdict = judge(&DialError::Connect(error));
        assert_eq!((verdict.refused, verdict.wait), (false, Wait::Backoff));
        assert_eq!(verdict.reason, "cannot connect: connection refused");
    }
}
