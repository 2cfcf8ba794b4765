//! The queue, and the topic of the points: whether the broker is there, lets us in, and has what
//! is configured.

use stock_up_io::queue::QueueError;

use super::Findings;
use crate::config::{Config, QueueKind};
use crate::failure::{Kind, Outcome};
use crate::queue::Queue;

/// Connects and looks, without putting or taking anything.
pub(super) fn look_at_queue(config: &Config, findings: &mut Findings) -> Outcome {
    let queue = Queue::new(config.queue.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    if config.queue.kind != QueueKind::Embedded {
        tell("queue", runtime.block_on(queue.probe()), findings)?;
    }
    if let Some(points) = runtime.block_on(queue.probe_points()) {
        tell("points in Kafka", points, findings)?;
    }
    runtime.shutdown_background();
    Ok(())
}

fn tell(what: &str, looked: Result<String, QueueError>, findings: &mut Findings) -> Outcome {
    match looked {
        Ok(found) => findings.good(what, found)?,
        Err(error) => {
            let kind = match error {
                QueueError::Refused { .. } => Kind::Auth,
                _ => Kind::Failed,
            };
            findings.bad(what, &error.into(), kind)?;
        }
    }
    Ok(())
}
