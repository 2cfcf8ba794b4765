//! The bytes of a shared checkpoint.

use thiserror::Error;

/// The format that is written; described in `docs/formats/shared-checkpoint.md`.
pub const SHARED_CHECKPOINT_FORMAT: u8 = 1;

/// Largest state of an analyzer that is shared, in bytes. Redis takes up to 512 MiB.
pub const MAX_STATE_BYTES: usize = 256 << 20;

/// What every value begins with.
const MAGIC: [u8; 4] = *b"SuSC";

/// Magic, version, position, next emission, checksum.
const HEAD_BYTES: usize = 4 + 1 + 8 + 8 + 4;

/// Where the checksum is.
const CRC_AT: usize = HEAD_BYTES - 4;

/// A state of the analyzer with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedCheckpoint {
    /// The position in the log up to which everything is applied.
    pub position: u64,
    /// The number of the next point that is emitted after it.
    pub next_emission: u64,
    /// The analyzer's own bytes.
    pub state: Vec<u8>,
}

/// Why bytes are no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Damage {
    /// Another program wrote them, or only a part is there.
    #[error("its value is no checkpoint of stock-up")]
    Foreign,
    /// A newer program wrote them.
    #[error(
        "its value has format {0}; this program knows {SHARED_CHECKPOINT_FORMAT}; use a newer \
         stock-up"
    )]
    TooNew(u8),
    /// They are not what was written.
    #[error("its value has checksum {found:#010x}, expected {expected:#010x}")]
    Checksum {
        /// What the bytes give.
        found: u32,
        /// What they say.
        expected: u32,
    },
}

impl SharedCheckpoint {
    /// The value that is stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + self.state.len());
        out.extend_from_slice(&MAGIC);
        out.push(SHARED_CHECKPOINT_FORMAT);
        out.extend_from_slice(&self.position.to_le_bytes());
        out.extend_from_slice(&self.next_emission.to_le_bytes());
        let crc = checksum(&out, &self.state);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&self.state);
        out
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`Damage`] says why it is none.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let version = bytes.strip_prefix(&MAGIC).and_then(|rest| rest.first());
        match version {
            Some(&SHARED_CHECKPOINT_FORMAT) => {}
            Some(&newer) if newer > SHARED_CHECKPOINT_FORMAT => return Err(Damage::TooNew(newer)),
            _ => return Err(Damage::Foreign),
        }
        let (Some(head), Some(state)) = (bytes.get(..HEAD_BYTES), bytes.get(HEAD_BYTES..)) else {
            return Err(Damage::Foreign);
        };
        let (fields, crc) = head.split_at(CRC_AT);
        let expected = u32::from_le_bytes(crc.try_into().unwrap_or_default());
        let found = checksum(fields, state);
        if found != expected {
            return Err(Damage::Checksum { found, expected });
        }
        Ok(Self {
            position: number(fields, 5),
            next_emission: number(fields, 13),
            state: state.to_vec(),
        })
    }
}

fn checksum(fields: &[u8], state: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(fields), state)
}

/// The eight bytes at `at`, which the caller knows to be there.
fn number(bytes: &[u8], at: usize) -> u64 {
    let eight = bytes
        .get(at..at + 8)
        .and_then(|eight| eight.try_into().ok());
    u64::from_le_bytes(eight.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> SharedCheckpoint {
        SharedCheckpoint {
            position: 0x0102_0304_0506_0708,
            next_emission: 77,
            state: b"state".to_vec(),
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_page() {
        let bytes = sample().encode();
        assert_eq!(&bytes[..13], b"SuSC\x01\x08\x07\x06\x05\x04\x03\x02\x01");
        assert_eq!(&bytes[13..21], &77_u64.to_le_bytes());
        assert_eq!(&bytes[25..], b"state");
        assert_eq!(SharedCheckpoint::decode(&bytes), Ok(sample()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = sample().encode();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(SharedCheckpoint::decode(&bytes).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(
                SharedCheckpoint::decode(&bytes[..length]).is_err(),
                "{length}"
            );
        }
        let newer = SharedCheckpoint::decode(b"SuSC\x02").unwrap_err();
        assert_eq!(newer, Damage::TooNew(2));
    }
}
