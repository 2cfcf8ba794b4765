//! A handle on a venue that runs: make it fail, watch it.

use tokio::sync::{mpsc, watch};

use super::fault::Action;
use super::hub::Event;
use super::status::VenueStatus;

/// A handle on a venue that runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {
    events: mpsc::Sender<Event>,
    status: watch::Receiver<VenueStatus>,
}

impl Control {
    pub(super) fn new(events: mpsc::Sender<Event>, status: watch::Receiver<VenueStatus>) -> Self {
        Self { events, status }
    }

    /// Does `action` now; false when the venue has ended.
    pub async fn act(&self, action: Action) -> bool {
        self.events.send(Event::Act(action)).await.is_ok()
    }

    /// What the venue is doing; can be waited on.
    pub fn status(&self) -> watch::Receiver<VenueStatus> {
        self.status.clone()
    }
}
