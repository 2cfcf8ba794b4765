//! The feed as it runs beside collect.

use stock_up_io::clock::Clock;
use stock_up_io::feed::FeedSignal;
use stock_up_io::settings::SettingsHandle;
use tokio::sync::{mpsc, watch};

use super::stop::Stop;
use crate::venue::Source;

/// The feed, ready to run.
pub(super) struct FeedTask {
    source: Source,
    /// The symbols that shall be followed.
    wished: watch::Receiver<Vec<String>>,
    signals: mpsc::Sender<FeedSignal>,
    clock: Clock,
    pub(super) stop: Stop,
}

/// What leads to the feed and from it.
pub(super) struct FeedEnds {
    /// Takes the symbols that shall be followed.
    pub(super) wishes: watch::Sender<Vec<String>>,
    pub(super) signals: mpsc::Receiver<FeedSignal>,
}

impl FeedTask {
    /// A feed that follows what `settings` say now, until it is told otherwise.
    pub(super) fn new(
        source: Source,
        settings: &SettingsHandle,
        clock: Clock,
        stop: Stop,
    ) -> (Self, FeedEnds) {
        let (wishes, wished) = watch::channel(settings.current().settings.subscriptions.clone());
        let (signals, received) = Source::channel();
        let feed = Self {
            source,
            wished,
            signals,
            clock,
            stop,
        };
        let ends = FeedEnds {
            wishes,
            signals: received,
        };
        (feed, ends)
    }

    /// Keeps the feed up until it is told to stop.
    pub(super) async fn run(self) {
        let Self {
            source,
            wished,
            signals,
            clock,
            stop,
        } = self;
        source.run(wished, signals, clock, stop.told()).await;
    }
}
