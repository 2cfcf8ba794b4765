//! Going back: what the broker has lost, or an analyzer asks for, is published once more.

use anyhow::bail;
use stock_up_io::queue::QueueError;

use super::{Publish, Publisher};
use crate::queue::QueueProducer;

impl Publisher {
    /// Does what [`QueueProducer::next_rewind`] asks for.
    pub(super) async fn send_again(
        &mut self,
        producer: &mut QueueProducer,
        request: Result<Vec<u8>, QueueError>,
    ) -> anyhow::Result<Result<(), QueueError>> {
        match request {
            Ok(request) => {
                self.rewind(&request)?;
                Ok(producer.rewound().await)
            }
            Err(error) => Ok(Err(error)),
        }
    }

    /// Goes back to where the broker is, if it has lost what it had confirmed: a stream is written
    /// to disk later, and may have been deleted.
    pub(super) fn meet(&mut self, stored: u64) -> anyhow::Result<()> {
        let Publish { log, published, .. } = &self.publish;
        let (first, end) = (log.first_seq(), log.durable_end());
        let position = published.base.saturating_add(stored);
        let confirmed = match self.waiting.first() {
            Some(message) => published.base.saturating_add(message.first_seq),
            None => published.position,
        };
        if position > end {
            bail!(
                "the broker holds records of this log up to {position}, but the log ends at \
                 {end}: it has lost its end, or another copy of it was published; use a new queue"
            );
        }
        if position >= confirmed {
            return Ok(());
        }
        if position < first {
            bail!(
                "the broker has lost the records from {position} on, and the log begins at \
                 {first}; set up a new queue, give the analyzers empty data directories, and run \
                 `stock-up republish --new-queue` on this data directory"
            );
        }
        tracing::warn!(
            from = position,
            confirmed,
            "the broker has lost records that it had confirmed; sending them again"
        );
        self.waiting.clear();
        self.go_to(position)
    }

    /// Publishes on from a record of the log, which has one partition.
    fn go_to(&mut self, position: u64) -> anyhow::Result<()> {
        let Publish { log, published, .. } = &mut self.publish;
        self.reader = log.reader(position)?;
        published.position = position;
        if let Some(splitter) = &mut published.splitter {
            splitter.seek(position - published.base);
        }
        Ok(())
    }

    /// Goes back to a record that an analyzer asks for.
    fn rewind(&mut self, request: &[u8]) -> anyhow::Result<()> {
        let Publish { log, published, .. } = &self.publish;
        let text = String::from_utf8_lossy(request);
        let Ok(wanted) = text.trim().parse::<u64>() else {
            let shown: String = text.escape_debug().take(40).collect();
            tracing::warn!(
                request = shown,
                "a request to send records again is no number"
            );
            return Ok(());
        };
        let position = published.base.saturating_add(wanted);
        if position < log.first_seq() || position > published.position {
            tracing::error!(
                wanted,
                first = log.first_seq().saturating_sub(published.base),
                "an analyzer asks for records that the log does not hold"
            );
            return Ok(());
        }
        tracing::info!(
            from = wanted,
            "sending records again, for an analyzer that lost its state"
        );
        self.go_to(position)
    }
}
