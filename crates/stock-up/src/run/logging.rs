//! What the program writes to standard error, and how much of it.

use std::io::{self, IsTerminal};

use stock_up_io::settings::LogLevel;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::filter_fn;
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
            .with(filter_fn(|said| may_speak(said.target(), *said.level())))
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

/// Whether something may be logged at all.
///
/// Libraries are heard up to info: in their details they print what they send, and to log in to
/// RabbitMQ means to send the password. The client of RabbitMQ is not heard at all: it calls the
/// end of a connection that we cut an error, and what it returns we tell ourselves.
fn may_speak(target: &str, level: Level) -> bool {
    let is_ours = target.starts_with("stock_up");
    is_ours || (level <= Level::INFO && !target.starts_with("lapin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_details_of_libraries_are_never_logged() {
        for (target, level, expected) in [
            ("stock_up::run", Level::TRACE, true),
            ("stock_up_io::queue", Level::DEBUG, true),
            ("etcd_client", Level::TRACE, false),
            ("etcd_client", Level::DEBUG, false),
            ("etcd_client", Level::INFO, true),
            ("lapin::io_loop", Level::DEBUG, false),
            ("lapin::io_loop", Level::ERROR, false),
            ("rustls", Level::WARN, true),
        ] {
            assert_eq!(may_speak(target, level), expected, "{target} {level}");
        }
    }
}
