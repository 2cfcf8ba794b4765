//! What the venue is doing, for tests and for people.

use tokio::sync::watch;

/// Where the tape is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TapePhase {
    /// Nobody has subscribed yet, or not any more.
    #[default]
    Waiting,
    /// Requests are coming in.
    Settling,
    /// Trades go out.
    Playing,
    /// Every trade was played.
    Ended,
}

impl TapePhase {
    /// The phase as one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Settling => "settling",
            Self::Playing => "playing",
            Self::Ended => "ended",
        }
    }
}

/// Counts of the venue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VenueStatus {
    /// Where the tape is.
    pub phase: TapePhase,
    /// Trades of the tape that were played, to somebody or to nobody.
    pub position: u64,
    /// Trades that were put into frames, for each client.
    pub sent: u64,
    /// Connections that were tried, refused ones too.
    pub tries: u64,
    /// Connections that are open.
    pub clients: usize,
    /// Symbols that they observe, together.
    pub subscriptions: usize,
}

impl VenueStatus {
    /// The status as one JSON object.
    pub(super) fn to_json(&self) -> String {
        format!(
            "{{\"phase\":\"{}\",\"position\":{},\"sent\":{},\"tries\":{},\"clients\":{},\
             \"subscriptions\":{}}}\n",
            self.phase.name(),
            self.position,
            self.sent,
            self.tries,
            self.clients,
            self.subscriptions
        )
    }
}

pub(super) fn channel() -> (watch::Sender<VenueStatus>, watch::Receiver<VenueStatus>) {
    watch::channel(VenueStatus::default())
}
