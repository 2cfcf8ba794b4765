//! The feed that the configuration asks for: the one place where a venue is chosen.

use anyhow::Context;
use stock_up_core::Span;
use stock_up_io::clock::Clock;
use stock_up_io::feed::{self, Endpoint, Feed, FeedSettings, FeedSignal, Finnhub, Heartbeat, demo};
use tokio::sync::{mpsc, watch};

use crate::collect::Venue;
use crate::config::{Config, DuplicateFrames, VenueKind, duration};

/// Signals that wait for the log before the venue's socket is no longer read.
const QUEUE: usize = 1_024;

/// A feed that is ready to run.
pub(crate) enum Source {
    Demo(demo::DemoSettings),
    Finnhub(Box<Feed<Finnhub>>),
}

impl Source {
    /// The feed of `config`, not yet connected.
    pub(crate) fn new(config: &Config, clock: &Clock) -> anyhow::Result<Self> {
        if config.venue.kind != VenueKind::Finnhub {
            return Ok(Self::Demo(demo::DemoSettings::default()));
        }
        let venue = &config.venue;
        let mut endpoint = Endpoint::parse(&venue.server)
            .context("venue server")?
            .with_query("token", config.venue_token()?);
        if !venue.ca_file.as_os_str().is_empty() {
            endpoint = endpoint.with_ca_file(venue.ca_file.clone());
        }
        if venue.allow_plain {
            endpoint = endpoint.allow_plain();
        }
        let heartbeat = Heartbeat {
            silence: duration(venue.silence),
            ..Heartbeat::default()
        };
        let finnhub = Finnhub::at(endpoint)
            .with_max_symbols(venue.max_symbols)
            .with_heartbeat(heartbeat);
        let settings = FeedSettings {
            stale_after: Some(venue.stale_after)
                .filter(|after| *after != Span::ZERO)
                .map(duration),
            duplicate_frames: match venue.duplicate_frames {
                DuplicateFrames::Keep => feed::DuplicateFrames::Keep,
                DuplicateFrames::Collapse => feed::DuplicateFrames::Collapse,
            },
            ..FeedSettings::default()
        };
        let feed = Feed::new(finnhub, settings, clock.clone()).context("venue server")?;
        Ok(Self::Finnhub(Box::new(feed)))
    }

    /// Its name, and whether its market is simulated.
    pub(crate) fn venue(kind: VenueKind) -> Venue {
        match kind {
            VenueKind::Finnhub => Venue {
                name: "finnhub",
                simulated: false,
            },
            VenueKind::Auto | VenueKind::Demo => Venue {
                name: demo::NAME,
                simulated: true,
            },
        }
    }

    /// What is worth watching when nobody said anything.
    pub(crate) fn default_symbols(kind: VenueKind) -> Vec<String> {
        match kind {
            VenueKind::Finnhub => Vec::new(),
            VenueKind::Auto | VenueKind::Demo => demo::DEFAULT_SYMBOLS
                .iter()
                .map(|symbol| (*symbol).to_owned())
                .collect(),
        }
    }

    pub(crate) fn channel() -> (mpsc::Sender<FeedSignal>, mpsc::Receiver<FeedSignal>) {
        mpsc::channel(QUEUE)
    }

    /// Keeps the feed up until `shutdown`.
    pub(crate) async fn run(
        self,
        wishes: watch::Receiver<Vec<String>>,
        signals: mpsc::Sender<FeedSignal>,
        clock: Clock,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        match self {
            Self::Demo(settings) => demo::run(settings, clock, wishes, signals, shutdown).await,
            Self::Finnhub(feed) => feed.run(wishes, signals, shutdown).await,
        }
    }
}
