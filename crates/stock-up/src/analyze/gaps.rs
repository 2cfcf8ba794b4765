//! The gaps of the log, as the page and the store are told of them.

use stock_up_core::{FeedChange, FeedEvent, GapCause};
use stock_up_io::store::{Gap, GapState};

/// Follows the gaps that records open and close.
#[derive(Debug, Default)]
pub(crate) struct GapBook {
    open: Option<Gap>,
    unsaved: Vec<Gap>,
}

impl GapBook {
    /// Goes on where the state was saved; `open` was open then.
    pub(crate) fn resume(open: Option<Gap>) -> Self {
        Self {
            open,
            unsaved: Vec::new(),
        }
    }

    /// What a change of the feed at `seq` means for gaps; `None` if nothing.
    pub(crate) fn note(&mut self, seq: u64, change: &FeedChange) -> Option<Gap> {
        let gap = match change.event {
            FeedEvent::GapOpened { from, cause } if self.open.is_none() => {
                self.opened(seq, from, cause)
            }
            FeedEvent::GapClosed => self.closed(change.at)?,
            _ => return None,
        };
        self.unsaved.push(gap.clone());
        Some(gap)
    }

    /// Gaps that changed since this was last asked.
    pub(crate) fn take_unsaved(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.unsaved)
    }

    /// Gaps that could not be saved, to be saved with the next.
    pub(crate) fn put_back(&mut self, mut gaps: Vec<Gap>) {
        gaps.append(&mut self.unsaved);
        self.unsaved = gaps;
    }

    fn opened(&mut self, id: u64, from: i64, cause: GapCause) -> Gap {
        let gap = Gap {
            id,
            from,
            to: None,
            symbols: Vec::new(),
            cause,
            state: GapState::Open,
        };
        self.open = Some(gap.clone());
        gap
    }

    fn closed(&mut self, at: i64) -> Option<Gap> {
        let gap = self.open.take()?;
        Some(Gap {
            to: Some(at.max(gap.from)),
            state: GapState::GivenUp,
            ..gap
        })
    }
}
