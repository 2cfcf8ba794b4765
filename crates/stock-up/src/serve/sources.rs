//! Where answers come from: the stored series and gaps, the trades of the log.
//!
//! These are the seams that wiring fills in. Both block on files, so [`Reads`] calls them off
//! the async threads and lets only a few run at once: a page that asks for much cannot starve the
//! writer of the same disk.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use stock_up_core::Span;
use stock_up_io::settings::SettingsHandle;
use stock_up_io::store::Gap;
use tokio::sync::Semaphore;

use super::refusal::Refusal;
use crate::hub::Row;

/// Which part of a stored series is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeriesQuery {
    pub(crate) symbol: String,
    pub(crate) window: Span,
    /// ns since the Unix epoch, both ends included.
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// One point per step, the last, with the worst status and the least coverage of the step.
    pub(crate) step: Span,
    /// Most points; the newest are kept.
    pub(crate) limit: usize,
}

/// A part of a series, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SeriesPage {
    pub(crate) rows: Vec<Row>,
    /// There was more than the limit.
    pub(crate) truncated: bool,
}

/// Which trades are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TradesQuery {
    pub(crate) symbol: String,
    /// ns since the Unix epoch, both ends included; `None` is unbounded.
    pub(crate) from: Option<i64>,
    pub(crate) to: Option<i64>,
    /// Most trades; the newest are kept.
    pub(crate) limit: usize,
}

/// A trade as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TradeRow {
    pub(crate) ts_event: i64,
    pub(crate) ts_recv: i64,
    /// Its number in the log.
    pub(crate) seq: u64,
    pub(crate) price: stock_up_core::Decimal,
    pub(crate) size: stock_up_core::Decimal,
    /// The venue's conditions; may be empty.
    pub(crate) conditions: String,
}

/// Trades in log order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TradesPage {
    pub(crate) trades: Vec<TradeRow>,
    /// There was more than the limit.
    pub(crate) truncated: bool,
}

/// Which gaps are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GapQuery {
    /// Gaps that concern this symbol; `None` for all.
    pub(crate) symbol: Option<String>,
    /// Gaps that overlap this range; `None` is unbounded.
    pub(crate) from: Option<i64>,
    pub(crate) to: Option<i64>,
}

/// What analyze has stored.
pub(crate) trait History: Send + Sync {
    /// A part of a series.
    fn series(&self, query: &SeriesQuery) -> anyhow::Result<SeriesPage>;
    /// Gaps, oldest first.
    fn gaps(&self, query: &GapQuery) -> anyhow::Result<Vec<Gap>>;
    /// Whether anything is stored of the symbol.
    fn knows(&self, symbol: &str) -> anyhow::Result<bool>;
}

/// The trades of the log.
pub(crate) trait TradeSource: Send + Sync {
    /// The newest trades of a range, in log order.
    fn trades(&self, query: &TradesQuery) -> anyhow::Result<TradesPage>;
}

/// All that is read on request.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) history: Arc<dyn History>,
    pub(crate) trades: Arc<dyn TradeSource>,
    pub(crate) settings: SettingsHandle,
    /// Of the settings only the log level counts here: the others are kept where `collect` runs.
    pub(crate) settings_elsewhere: bool,
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sources")
    }
}

/// Runs blocking reads, a few at once.
#[derive(Debug)]
pub(super) struct Reads {
    slots: Arc<Semaphore>,
    patience: Duration,
}

impl Reads {
    pub(super) fn new(at_once: usize, patience: Duration) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(at_once)),
            patience,
        }
    }

    /// Runs `read` on a thread that may block.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        what: &'static str,
        read: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let slot = Arc::clone(&self.slots).acquire_owned();
        let Ok(Ok(slot)) = tokio::time::timeout(self.patience, slot).await else {
            let detail = "too many reads wait for the disk; try again, or ask for less";
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                detail,
            ));
        };
        // Order matters: the slot moves into the read, which goes on when the client has left.
        let read = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            read()
        });
        match read.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Refusal::internal(what, &error)),
            Err(panic) => Err(Refusal::internal(what, &panic.into())),
        }
    }
}
