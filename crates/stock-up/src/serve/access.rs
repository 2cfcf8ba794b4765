//! Who may ask: the token, the sessions of browsers that showed it, and the brake on guessing.
//!
//! Only hashes are kept, so that nothing that is printed, dumped or compared byte by byte is a key.
//! Sessions are lost with the process: the page asks for the token again.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, StatusCode, header};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use stock_up_io::clock::Clock;
use subtle::ConstantTimeEq as _;

use super::config::Limits;
use super::refusal::Refusal;

/// The cookie of a session.
const COOKIE: &str = "stock_up_session";

/// How long a session lasts.
const SESSION_NS: i64 = 24 * 3_600 * 1_000_000_000;

/// The time over which wrong tokens are counted.
const COUNTING_NS: i64 = 60 * 1_000_000_000;

/// Addresses whose wrong tokens are remembered; more push out the oldest.
const MAX_GUESSERS: usize = 4_096;

type Hash = [u8; 32];

/// The token that opens the server, as its hash.
#[derive(Clone, Copy)]
pub(crate) struct TokenHash(Hash);

impl TokenHash {
    /// Forgets the token and keeps its hash.
    pub(crate) fn of(token: &str) -> Self {
        Self(hash(token.as_bytes()))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Decides who may ask.
#[derive(Debug)]
pub(super) struct Access {
    token: Option<TokenHash>,
    clock: Clock,
    wrong_tokens: u32,
    max_sessions: usize,
    /// The cookie goes over TLS only.
    secure: Secure,
    state: Mutex<State>,
}

/// Whether the server speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secure {
    Tls,
    Plain,
}

#[derive(Default)]
struct State {
    /// Hash of the session's key → when it ends.
    sessions: BTreeMap<Hash, i64>,
    guesses: BTreeMap<IpAddr, Guesses>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State({} sessions)", self.sessions.len())
    }
}

#[derive(Clone, Copy)]
struct Guesses {
    since: i64,
    wrong: u32,
}

impl Access {
    pub(super) fn new(
        token: Option<TokenHash>,
        clock: Clock,
        limits: &Limits,
        secure: Secure,
    ) -> Self {
        Self {
            token,
            clock,
            wrong_tokens: limits.wrong_tokens,
            max_sessions: limits.sessions,
            secure,
            state: Mutex::default(),
        }
    }

    /// Lets a request through that shows the token, or the cookie of a session.
    pub(super) fn check(&self, headers: &HeaderMap, from: IpAddr) -> Result<(), Refusal> {
        let Some(token) = self.token else {
            return Ok(());
        };
        if let Some(shown) = bearer(headers) {
            return self.compare(token, shown, from);
        }
        if self.has_session(headers) {
            return Ok(());
        }
        let detail = "this server asks for its token: send `authorization: Bearer <token>`, \
            or log in on the page";
        Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            detail,
        ))
    }

    /// Exchanges the token for a cookie; `None` when the server asks for no token.
    pub(super) fn log_in(&self, shown: &str, from: IpAddr) -> Result<Option<String>, Refusal> {
        let Some(token) = self.token else {
            return Ok(None);
        };
        self.compare(token, shown, from)?;
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).map_err(|_| {
            let error = anyhow::anyhow!("the system gives no random bytes");
            Refusal::internal("starting a session", &error)
        })?;
        let key = key.map(|byte| format!("{byte:02x}")).concat();
        self.remember(hash(key.as_bytes()));
        let secure = match self.secure {
            Secure::Tls => "; Secure",
            Secure::Plain => "",
        };
        let seconds = SESSION_NS / 1_000_000_000;
        Ok(Some(format!(
            "{COOKIE}={key}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"
        )))
    }

    fn compare(&self, token: TokenHash, shown: &str, from: IpAddr) -> Result<(), Refusal> {
        // Order matters: an address that guessed too often is not told whether it is right now.
        self.check_guesses(from)?;
        if bool::from(hash(shown.as_bytes()).ct_eq(&token.0)) {
            return Ok(());
        }
        self.count_guess(from);
        let detail = "the token is wrong; it is the one that the server was started with";
        Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "wrong_token",
            detail,
        ))
    }

    fn check_guesses(&self, from: IpAddr) -> Result<(), Refusal> {
        let now = self.clock.now();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(guesses) = state.guesses.get(&from) else {
            return Ok(());
        };
        let left = COUNTING_NS.saturating_sub(now.saturating_sub(guesses.since));
        if guesses.wrong < self.wrong_tokens || left <= 0 {
            return Ok(());
        }
        let secs = u64::try_from(left / 1_000_000_000).unwrap_or(0) + 1;
        let detail = format!("too many wrong tokens from {from}; try again in {secs} s");
        Err(Refusal::too_many("too_many_attempts", detail, secs))
    }

    fn count_guess(&self, from: IpAddr) {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let guesses = &mut state.guesses;
        if guesses.len() >= MAX_GUESSERS && !guesses.contains_key(&from) {
            let oldest = guesses.iter().min_by_key(|(_, guess)| guess.since);
            if let Some(oldest) = oldest.map(|(ip, _)| *ip) {
                guesses.remove(&oldest);
            }
        }
        let fresh = Guesses {
            since: now,
            wrong: 0,
        };
        let guess = guesses.entry(from).or_insert(fresh);
        if now.saturating_sub(guess.since) >= COUNTING_NS {
            *guess = fresh;
        }
        guess.wrong = guess.wrong.saturating_add(1);
    }

    fn remember(&self, session: Hash) {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.sessions.retain(|_, end| *end > now);
        if state.sessions.len() >= self.max_sessions {
            let oldest = state.sessions.iter().min_by_key(|(_, end)| **end);
            if let Some(oldest) = oldest.map(|(session, _)| *session) {
                state.sessions.remove(&oldest);
            }
        }
        state
            .sessions
            .insert(session, now.saturating_add(SESSION_NS));
    }

    fn has_session(&self, headers: &HeaderMap) -> bool {
        let now = self.clock.now();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // The key is looked up by its hash: how long the search takes says nothing about the key.
        cookies(headers)
            .filter_map(|key| state.sessions.get(&hash(key.as_bytes())))
            .any(|end| *end > now)
    }
}

fn hash(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE)
        .map(|(_, key)| key)
}
