//! What a saved state of a partition says of where its records come from.
//!
//! It stands before the analyzer's own bytes, so that state and position can never part.

use anyhow::bail;
use stock_up_core::bytes::{Decoder, Encoder};
use stock_up_io::queue::Place;
use stock_up_io::queue::message::Header;

/// Marks the bytes: `SuPa`, and their version.
const MARK: [u8; 5] = *b"SuPa\x01";

/// Where the records of a partition come from, and how far they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Whose log it is.
    pub(crate) source: [u8; 16],
    pub(crate) partition: u32,
    /// Into how many the log is split.
    pub(crate) partitions: u32,
    /// Where the queue goes on.
    pub(crate) place: Place,
}

impl Origin {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut to = Encoder::new(out);
        for byte in MARK.iter().chain(&self.source) {
            to.byte(*byte);
        }
        to.unsigned(u64::from(self.partition));
        to.unsigned(u64::from(self.partitions));
        to.unsigned(self.place.0);
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
        let mut source = [0; 16];
        for byte in &mut source {
            *byte = from.byte("source")?;
        }
        let partition = u32::try_from(from.unsigned("partition")?)?;
        let partitions = u32::try_from(from.unsigned("partitions")?)?;
        let place = Place(from.unsigned("place")?);
        let analyzer = rest.get(from.position()..).unwrap_or_default();
        let origin = Self {
            source,
            partition,
            partitions,
            place,
        };
        Ok((origin, analyzer))
    }

    /// The analyzer's bytes of a state that may or may not be that of a partition.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_stands_before_the_state_it_belongs_to() {
        let origin = Origin {
            source: *b"0123456789abcdef",
            partition: 3,
            partitions: 12,
            place: Place(77_000),
        };
        let mut state = Vec::new();
        origin.encode(&mut state);
        state.extend_from_slice(b"analyzer");
        let (read, rest) = Origin::decode(&state).expect("what was written is read");
        assert_eq!((read, rest), (origin, b"analyzer".as_slice()));
        assert!(Origin::decode(b"analyzer").is_err());
        assert!(Origin::decode(state.get(..20).expect("longer")).is_err());
    }
}
