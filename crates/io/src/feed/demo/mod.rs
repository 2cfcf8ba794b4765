//! The demo venue: a simulated market in this process, for a first look and for tests.
//!
//! It needs no account, no network and no tape; whatever symbol is wanted is simulated. It speaks
//! the same signals as a real [`super::Feed`], and its name is `demo` wherever it shows, so that
//! nobody takes its prices for real ones.

mod market;
mod noise;

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::driver::changed;
use super::signal::{FeedReport, FeedSignal};
use super::stop::Stop;
use super::subscriptions::Subscriptions;
use crate::clock::Clock;

pub use market::Market;

/// The name of the venue in records, metrics and on the page.
pub const NAME: &str = "demo";

/// What is worth watching when nobody said anything else.
pub const DEFAULT_SYMBOLS: [&str; 8] = ["SPY", "AAPL", "MSFT", "NVDA", "AMZN", "TSLA", "JPM", "KO"];

/// Most symbols that are simulated at once.
pub const MAX_SYMBOLS: usize = 5_000;

/// Trades are handed on so often.
const STEP: Duration = Duration::from_millis(50);

/// Steps from one proof of life to the next: one second.
const STEPS_PER_BEAT: u32 = 20;

/// How the market is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoSettings {
    /// The same seed gives the same trades at the same time of day.
    pub seed: u64,
    /// How busy it is, in percent of a quiet day at the exchange.
    pub pace_percent: u32,
}

impl Default for DemoSettings {
    fn default() -> Self {
        Self {
            seed: 20_200_427,
            pace_percent: 100,
        }
    }
}

/// Simulates until `shutdown` completes or nobody receives the signals any more.
pub async fn run(
    settings: DemoSettings,
    clock: Clock,
    wishes: watch::Receiver<Vec<String>>,
    signals: mpsc::Sender<FeedSignal>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let mut demo = Demo {
        market: Market::new(settings, clock.now()),
        clock,
        subscriptions: Subscriptions::default(),
        wishes,
        signals,
        report: FeedReport::default(),
    };
    // Nobody left to tell is as good an end as being told.
    drop(demo.run(Stop::new(shutdown)).await);
}

struct Demo {
    market: Market,
    clock: Clock,
    subscriptions: Subscriptions,
    wishes: watch::Receiver<Vec<String>>,
    signals: mpsc::Sender<FeedSignal>,
    report: FeedReport,
}

type Told = Result<(), mpsc::error::SendError<FeedSignal>>;

impl Demo {
    async fn run(&mut self, mut stop: Stop) -> Told {
        self.signals.send(FeedSignal::Connecting).await?;
        let ts = self.clock.now();
        self.signals.send(FeedSignal::Connected { ts }).await?;
        self.wish().await?;
        let mut steps = interval(STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut to_beat = STEPS_PER_BEAT;
        loop {
            tokio::select! {
                biased;
                () = stop.told() => break,
                () = changed(&mut self.wishes) => self.wish().await?,
                _ = steps.tick() => {
                    self.step().await?;
                    to_beat -= 1;
                    if to_beat == 0 {
                        to_beat = STEPS_PER_BEAT;
                        self.beat().await?;
                    }
                }
            }
        }
        self.signals.send(FeedSignal::Ended).await
    }

    async fn step(&mut self) -> Told {
        let now = self.clock.now();
        let batch = self.market.step(self.subscriptions.wanted(), now);
        if batch.trades.is_empty() {
            return Ok(());
        }
        self.report.frames += 1;
        self.report.trades += u64::try_from(batch.trades.len()).unwrap_or(u64::MAX);
        self.signals.send(FeedSignal::Trades(batch)).await
    }

    async fn beat(&mut self) -> Told {
        let ts = self.clock.now();
        self.signals.send(FeedSignal::Heard { ts }).await?;
        match self.report.take() {
            Some(report) => self.signals.send(FeedSignal::Report(report)).await,
            None => Ok(()),
        }
    }

    async fn wish(&mut self) -> Told {
        let wish = self.wishes.borrow_and_update().clone();
        let (change, refused) = self.subscriptions.wish(&wish, MAX_SYMBOLS);
        let ts = self.clock.now();
        if !refused.is_empty() {
            self.signals
                .send(FeedSignal::RefusedSymbols(refused))
                .await?;
        }
        if !change.remove.is_empty() {
            let symbols = change.remove;
            self.signals
                .send(FeedSignal::Unsubscribed { ts, symbols })
                .await?;
        }
        if !change.add.is_empty() {
            let symbols = change.add;
            self.signals
                .send(FeedSignal::Subscribed { ts, symbols })
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
