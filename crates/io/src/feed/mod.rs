//! Live trades: venues, and the one driver that connects to all of them.
//!
//! A [`Venue`] is a protocol without I/O. [`Feed`] owns the socket and tells what happens as
//! [`FeedSignal`]s; it never gives up and never panics over what a venue sends. [`demo`] simulates
//! a market in process, and [`tape_venue`] is a venue of our own, for tests and for trying things
//! out.

mod bad;
pub mod demo;
pub(crate) mod dial;
mod driver;
mod endpoint;
pub mod finnhub;
mod handshake;
mod liveness;
mod repeats;
mod secret;
mod session;
mod signal;
mod stop;
mod subscriptions;
pub mod tape_venue;
pub(crate) mod tls;
mod venue;

pub use crate::backoff::BackoffPolicy;
pub use bad::{BadCount, BadCounts, BadFrame, BadTrade};
pub use driver::{Feed, FeedError, FeedSettings};
pub use endpoint::{Endpoint, EndpointError};
pub use finnhub::Finnhub;
pub use repeats::DuplicateFrames;
pub use secret::Secret;
pub use signal::{FeedReport, FeedSignal};
pub use subscriptions::{RefusedSymbol, SubscriptionChange};
pub(crate) use tls::client_config;
pub use tls::{TlsError, acceptor};
pub use venue::{
    FrameKind, FrameRules, Heartbeat, Intake, Venue, VenueError, VenueErrorKind, VenueProfile,
};
