//! Finnhub: trades of US stocks, crypto and forex over a websocket.
//!
//! Protocol: <https://finnhub.io/docs/api/websocket-trades>, version of 2020 to 2026. One connection
//! per key, one symbol per request, no acknowledgement of any kind, no trade ids, times in
//! milliseconds. Frames are read by hand, in one pass and without a tree: numbers go from their
//! text to exact decimals, and a frame is mostly trades, of which all have one shape.
//!
//! How to try it locally: `stock-up venue serve --tape trades.csv --listen 127.0.0.1:9010` speaks
//! this protocol; then set `QUOTE_SERVER=ws://127.0.0.1:9010` and any `QUOTE_API_TOKEN`, and
//! `stock-up run`.

mod conditions;
mod decode;
mod fast;
mod item;
mod lookup;
mod memo;
mod request;
mod scan;
#[cfg(test)]
mod tests;
mod text;

use super::bad::BadFrame;
use super::endpoint::{Endpoint, EndpointError};
use super::secret::Secret;
use super::subscriptions::SubscriptionChange;
use super::venue::{FrameKind, FrameRules, Heartbeat, Intake, Venue, VenueProfile};

pub use decode::{MAX_FRAME_BYTES, MAX_FRAME_TRADES, decode};
pub(crate) use memo::BatchTexts;
pub(super) use request::{Request, read_field, read_request};
pub(super) use text::write_quoted;

/// Where Finnhub is, unless the configuration says otherwise.
pub const DEFAULT_SERVER: &str = "ws.finnhub.io";

/// Symbols that one key may observe on the free plan; measured in 2026 by two users.
pub const DEFAULT_MAX_SYMBOLS: usize = 50;

/// Finnhub's protocol as a [`Venue`].
#[derive(Debug, Clone)]
pub struct Finnhub {
    profile: VenueProfile,
}

impl Finnhub {
    /// Finnhub with its documented limits, at `server` (`ws.finnhub.io`, `ws://127.0.0.1:9010`).
    ///
    /// # Errors
    /// [`EndpointError`] when `server` is no address.
    pub fn new(server: &str, token: Secret) -> Result<Self, EndpointError> {
        Ok(Self::at(
            Endpoint::parse(server)?.with_query("token", token),
        ))
    }

    /// Finnhub at an endpoint that has its token and its certificates.
    pub fn at(endpoint: Endpoint) -> Self {
        Self {
            profile: VenueProfile {
                name: "finnhub",
                endpoint,
                max_symbols: DEFAULT_MAX_SYMBOLS,
                heartbeat: Heartbeat::default(),
            },
        }
    }

    /// The same with another limit of symbols, for plans that allow more.
    #[must_use]
    pub fn with_max_symbols(mut self, max_symbols: usize) -> Self {
        self.profile.max_symbols = max_symbols;
        self
    }

    /// The same with another heartbeat.
    #[must_use]
    pub fn with_heartbeat(mut self, heartbeat: Heartbeat) -> Self {
        self.profile.heartbeat = heartbeat;
        self
    }
}

impl Venue for Finnhub {
    fn profile(&self) -> &VenueProfile {
        &self.profile
    }

    /// Removals first: they free the places that additions need.
    fn requests(&self, change: &SubscriptionChange, messages: &mut Vec<String>) {
        for (action, symbols) in [("unsubscribe", &change.remove), ("subscribe", &change.add)] {
            messages.extend(symbols.iter().map(|symbol| request(action, symbol)));
        }
    }

    fn decode(
        &self,
        frame: &[u8],
        rules: &FrameRules<'_>,
        intake: &mut Intake,
    ) -> Result<FrameKind, BadFrame> {
        decode(frame, rules, intake)
    }
}

/// `{"type":"subscribe","symbol":"AAPL"}`
fn request(action: &str, symbol: &str) -> String {
    let mut message = format!("{{\"type\":\"{action}\",\"symbol\":");
    write_quoted(symbol, &mut message);
    message.push('}');
    message
}
