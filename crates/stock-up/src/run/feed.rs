//! The feed as it runs beside collect.

use stock_up_io::clock::Clock;
use stock_up_io::feed::FeedSignal;
use tokio::sync::{mpsc, watch};

use super::stop::Stop;
use crate::venue::Source;

/// The feed, ready to run.
pub(super) struct FeedTask {
    pub(super) source: Source,
    /// The symbols that shall be followed.
    pub(super) wished: watch::Receiver<Vec<String>>,
    pub(super) signals: mpsc::Sender<FeedSignal>,
    pub(super) clock: Clock,
    pub(super) told: Stop,
}

impl FeedTask {
    /// Keeps the feed up until it is told to stop.
    pub(super) async fn run(self) {
        let Self {
            source,
            wished,
            signals,
            clock,
            told,
        } = self;
        source.run(wished, signals, clock, told.told()).await;
    }
}
