//! What the program writes to standard error, and how much of it.

use std::io::{self, IsTerminal};

use stock_up_io::settings::LogLevel;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;

/// Changes how much is logged while the program runs.
#[derive(Debug, Clone)]
pub(super) struct Logging(Option<Handle<LevelFilter, Registry>>);

impl Logging {
    /// Begins to log at level info.
    pub(super) fn start() -> Self {
        let (filter, handle) = reload::Layer::new(LevelFilter::INFO);
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .with_target(false);
        // A second start in one process, as in tests, keeps the first one's.
        let started = tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .try_init();
        Self(started.is_ok().then_some(handle))
    }

    pub(super) fn set_level(&self, level: LogLevel) {
        let filter = match level {
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        };
        if let Some(handle) = &self.0 {
            // It fails only when the subscriber is gone, and then nobody logs.
            drop(handle.reload(filter));
        }
    }
}
