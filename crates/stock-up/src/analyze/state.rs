//! Where analysis begins: at the newest checkpoint, or at the start of the log.

use anyhow::{Context, bail};
use stock_up_core::{Analyzer, AnalyzerSettings, Emission};
use stock_up_io::store::Store;
use stock_up_log::Log;

use crate::collect::Known;

/// The analyzer that goes on where `store` was last saved.
///
/// # Errors
/// If log and store do not belong together.
pub(crate) fn restore(store: &Store, log: &Log) -> anyhow::Result<Analyzer> {
    let (first, end) = (log.first_seq(), log.durable_end());
    let Some(checkpoint) = store.checkpoint()? else {
        if !store.is_new() && first > 0 {
            tracing::warn!(
                first,
                "the store holds no state; it is rebuilt from what the log still holds"
            );
        }
        return Ok(Analyzer::new(
            AnalyzerSettings::default(),
            Emission::Grid,
            first,
        ));
    };
    let file = store.path().display();
    let analyzer = Analyzer::restore(&checkpoint.state)
        .with_context(|| format!("checkpoint in `{file}` cannot be used"))?;
    let position = analyzer.position();
    if position > end {
        bail!(
            "store `{file}` stands at record {position}, but the log ends at {end}: \
             they do not belong together, or the log lost its end; restore the log, \
             or move the store away to rebuild it from the log"
        );
    }
    if position < first {
        bail!(
            "store `{file}` stands at record {position}, but the log begins at {first}; \
             move the store away to rebuild it from the log"
        );
    }
    Ok(analyzer)
}

/// What `collect` must know of the log that it takes up.
pub(crate) fn known(analyzer: &Analyzer) -> Known {
    Known {
        has_records: analyzer.position() > 0,
        has_trades: analyzer.has_begun(),
        clock: analyzer.clock(),
        time: analyzer.log_time(),
        heard: analyzer.heard(),
        gap_is_open: analyzer.gap_is_open(),
        subscribed: analyzer.subscribed().map(str::to_owned).collect(),
        settings: analyzer.settings().clone(),
        settings_revision: analyzer.settings_revision(),
    }
}
