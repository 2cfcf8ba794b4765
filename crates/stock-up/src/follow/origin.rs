//! What a saved state of a partition says of where its records come from, and of their feed.
//!
//! It stands before the analyzer's own bytes, so that state and position can never part.

use anyhow::bail;
use stock_up_core::bytes::{Decoder, Encoder};
use stock_up_core::record::codec;
use stock_up_core::{FeedChange, FeedEvent, Record};
use stock_up_io::queue::Place;
use stock_up_io::queue::message::Header;

/// Marks the bytes; their version follows.
const MARK: [u8; 4] = *b"SuPa";

/// The version that is written. The first one knew nothing of the feed.
const VERSION: u8 = 2;

/// Longest record of a change of the feed that is kept.
const MAX_CHANGE_BYTES: usize = 65_536;

/// Where the records of a partition come from, and how far they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Whose log it is.
    pub(crate) source: [u8; 16],
    pub(crate) partition: u32,
    /// Into how many the log is split.
    pub(crate) partitions: u32,
    /// Where the queue goes on.
    pub(crate) place: Place,
    /// The feed, as the records up to there tell of it.
    pub(crate) feed: FeedNotes,
}

/// What records have told of the feed: `collect` is elsewhere, and they do not come again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FeedNotes {
    /// Which venue it is, and whether its market is simulated.
    started: Option<FeedChange>,
    /// The last change of its state.
    state: Option<FeedChange>,
}

impl FeedNotes {
    /// Follows the feed by its next change.
    pub(crate) fn note(&mut self, change: &FeedChange) {
        match &change.event {
            FeedEvent::Started { .. } => self.started = Some(change.clone()),
            FeedEvent::Clock(_) | FeedEvent::Subscribed(_) | FeedEvent::Unsubscribed(_) => {}
            FeedEvent::Connected
            | FeedEvent::GapOpened { .. }
            | FeedEvent::GapClosed
            | FeedEvent::Stale
            | FeedEvent::Fresh
            | FeedEvent::Refused(_)
            | FeedEvent::Ended => self.state = Some(change.clone()),
        }
    }

    /// What a reader must be told to know the feed as it was left.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &FeedChange> {
        self.started.iter().chain(&self.state)
    }
}

impl Origin {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut to = Encoder::new(out);
        for byte in MARK.iter().chain(&[VERSION]).chain(&self.source) {
            to.byte(*byte);
        }
        to.unsigned(u64::from(self.partition));
        to.unsigned(u64::from(self.partitions));
        to.unsigned(self.place.0);
        let changes: Vec<_> = self.feed.changes().map(record).collect();
        to.count(changes.len());
        for change in changes {
            to.count(change.len());
            for byte in change {
                to.byte(byte);
            }
        }
    }

    /// The origin at the start of a saved state, and the analyzer's bytes after it.
    ///
    /// # Errors
    /// If the state is not that of a partition.
    pub(crate) fn decode(state: &[u8]) -> anyhow::Result<(Self, &[u8])> {
        let Some(rest) = state.strip_prefix(&MARK) else {
            bail!("the saved state is not that of a partition of a queue");
        };
        let mut from = Decoder::new(rest);
        let version = from.byte("version")?;
        if version == 0 || version > VERSION {
            bail!("the saved state is of version {version}, and this program knows {VERSION}");
        }
        let mut source = [0; 16];
        for byte in &mut source {
            *byte = from.byte("source")?;
        }
        let partition = u32::try_from(from.unsigned("partition")?)?;
        let partitions = u32::try_from(from.unsigned("partitions")?)?;
        let place = Place(from.unsigned("place")?);
        let feed = if version > 1 {
            notes(&mut from)?
        } else {
            FeedNotes::default()
        };
        let analyzer = rest.get(from.position()..).unwrap_or_default();
        let origin = Self {
            source,
            partition,
            partitions,
            place,
            feed,
        };
        Ok((origin, analyzer))
    }

    /// The analyzer's bytes of a state that may or may not be that of a partition.
    #[cfg(feature = "redis")]
    pub(crate) fn strip(state: &[u8]) -> &[u8] {
        Self::decode(state).map_or(state, |(_, analyzer)| analyzer)
    }

    /// Why a message cannot follow this state; `None` if it can.
    pub(crate) fn conflict(&self, header: &Header) -> Option<String> {
        if header.source != self.source {
            return Some(format!(
                "records of another log ({:032x} instead of {:032x}): two collectors write here, \
                 or its data directory was made anew; give this analyzer an empty data directory",
                u128::from_be_bytes(header.source),
                u128::from_be_bytes(self.source)
            ));
        }
        if header.partitions != self.partitions || header.partition != self.partition {
            return Some(format!(
                "records of partition {} of {}, instead of {} of {}: the number of partitions was \
                 changed, so that symbols changed their place; use a new topic",
                header.partition, header.partitions, self.partition, self.partitions
            ));
        }
        None
    }
}

/// A change as the bytes of its record.
fn record(change: &FeedChange) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::encode(&Record::Feed(change.clone()), &mut bytes);
    bytes
}

fn notes(from: &mut Decoder<'_>) -> anyhow::Result<FeedNotes> {
    let mut notes = FeedNotes::default();
    for _ in 0..from.count("changes of the feed", 1, 2)? {
        let length = from.count("a change of the feed", 1, MAX_CHANGE_BYTES)?;
        let bytes: Result<Vec<u8>, _> = (0..length).map(|_| from.byte("change")).collect();
        let Record::Feed(change) = codec::decode(&bytes?)? else {
            bail!("no change of the feed stands where it should");
        };
        notes.note(&change);
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use stock_up_core::{Clock, GapCause};

    use super::*;

    fn change(at: i64, event: FeedEvent) -> FeedChange {
        FeedChange {
            at,
            ts_recv: at,
            event,
        }
    }

    #[test]
    fn an_origin_stands_before_the_state_it_belongs_to() {
        let mut feed = FeedNotes::default();
        let venue = "demo".to_owned();
        let (cause, simulated) = (GapCause::Silent, true);
        for event in [
            FeedEvent::Clock(Clock::Wall),
            FeedEvent::Started { venue, simulated },
            FeedEvent::Connected,
            FeedEvent::GapOpened { from: 3, cause },
            FeedEvent::Subscribed(vec!["SPY".to_owned()]),
        ] {
            feed.note(&change(4, event));
        }
        assert_eq!(feed.changes().count(), 2);
        let origin = Origin {
            source: *b"0123456789abcdef",
            partition: 3,
            partitions: 12,
            place: Place(77_000),
            feed,
        };
        let mut state = Vec::new();
        origin.encode(&mut state);
        state.extend_from_slice(b"analyzer");
        let (read, rest) = Origin::decode(&state).expect("what was written is read");
        assert_eq!((read, rest), (origin, b"analyzer".as_slice()));
        assert!(Origin::decode(b"analyzer").is_err());
        assert!(Origin::decode(state.get(..20).expect("longer")).is_err());
        state[4] = VERSION + 1;
        let newer = Origin::decode(&state).expect_err("it is of a newer program");
        assert!(newer.to_string().contains("version 3"), "{newer}");
    }

    #[test]
    fn a_state_of_the_first_version_is_read_on() {
        let old = b"SuPa\x010123456789abcdef\x03\x0c\x2aanalyzer";
        let (read, rest) = Origin::decode(old).expect("it is of an older program");
        assert_eq!((read.partition, read.partitions), (3, 12));
        assert_eq!((read.place, read.feed), (Place(42), FeedNotes::default()));
        assert_eq!(rest, b"analyzer");
    }
}
