//! The queue: whether the broker is there, lets us in, and has what is configured.

use stock_up_io::queue::QueueError;

use super::Findings;
use crate::config::{Config, QueueKind};
use crate::failure::{Kind, Outcome};
use crate::queue::Queue;

/// Connects and looks, without putting or taking anything.
pub(super) fn look_at_queue(config: &Config, findings: &mut Findings) -> Outcome {
    if config.queue.kind == QueueKind::Embedded {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let looked = runtime.block_on(Queue::new(config.queue.clone()).probe());
    runtime.shutdown_background();
    match looked {
        Ok(found) => findings.good("queue", format_args!("{found}"))?,
        Err(error) => {
            let kind = match error {
                QueueError::Refused { .. } => Kind::Auth,
                _ => Kind::Failed,
            };
            findings.bad("queue", &error.into(), kind)?;
        }
    }
    Ok(())
}
