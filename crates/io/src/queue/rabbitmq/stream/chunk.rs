//! Chunks: the unit in which a stream is stored and delivered.
//!
//! The layout is that of osiris (`osiris_log.erl`, "chunk format"): a head of 48 bytes, the
//! entries, then what the broker notes for itself. The CRC-32 is over the entries.

use flate2::Crc;

use super::body;
use super::wire::{Malformed, Reader};

/// Magic number 5, version 0.
const MAGIC: u8 = 0x50;
/// A chunk of messages; the other types are the broker's own notes.
const USER: u8 = 0;
/// The bit that tells a batch of several messages from one message.
const BATCH: u32 = 1 << 31;

/// The messages of a chunk, with their offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Offset of the first message.
    pub(super) first: u64,
    /// Offset after the last one.
    pub(super) end: u64,
    /// The payloads, in the order of their offsets.
    pub(super) payloads: Vec<Vec<u8>>,
}

impl Chunk {
    /// Reads a chunk.
    ///
    /// # Errors
    /// [`Malformed`] also names a chunk that is damaged or written by something else.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes, "chunk");
        let (magic, kind) = (reader.u8()?, reader.u8()?);
        if magic != MAGIC {
            return Err(Malformed("chunk: it has an unknown version"));
        }
        let entries = reader.u16()?;
        let records = u64::from(reader.u32()?);
        let _timestamp = reader.u64()?;
        let _epoch = reader.u64()?;
        let first = reader.u64()?;
        let crc = reader.u32()?;
        let data_length = reader.u32()?;
        let _trailer_length = reader.u32()?;
        let _reserved = reader.u32()?;
        let data = reader.take(usize::try_from(data_length).map_err(|_| Malformed("chunk"))?)?;
        let mut sum = Crc::new();
        sum.update(data);
        if sum.sum() != crc {
            return Err(Malformed("chunk: its checksum is wrong"));
        }
        let end = first.checked_add(records).ok_or(Malformed("chunk"))?;
        let payloads = if kind == USER {
            read(data, usize::from(entries))?
        } else {
            Vec::new()
        };
        if kind == USER && payloads.len() as u64 != records {
            return Err(Malformed("chunk: it counts its messages wrongly"));
        }
        Ok(Self {
            first,
            end,
            payloads,
        })
    }
}

fn read(data: &[u8], entries: usize) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut reader = Reader::new(data, "chunk");
    let mut payloads = Vec::new();
    for _ in 0..entries {
        let length = reader.u32()?;
        if length & BATCH != 0 {
            return Err(Malformed(
                "chunk: it holds a batch of messages in one, which stock-up never writes",
            ));
        }
        let length = usize::try_from(length).map_err(|_| Malformed("chunk"))?;
        payloads.push(body::payload(reader.take(length)?).to_vec());
    }
    Ok(payloads)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::wire::Put as _;
    use super::*;

    /// A chunk as the broker makes it.
    fn encode(first: u64, payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut data = Vec::new();
        for payload in payloads {
            let mut message = Vec::new();
            body::put(&mut message, payload);
            data.put_block(&message);
        }
        let mut crc = Crc::new();
        crc.update(&data);
        let count = u16::try_from(payloads.len()).unwrap();
        let mut out = vec![MAGIC, USER];
        out.put_u16(count);
        out.put_u32(u32::from(count));
        out.put_u64(1_790_000_000_000);
        out.put_u64(1);
        out.put_u64(first);
        out.put_u32(crc.sum());
        out.put_u32(u32::try_from(data.len()).unwrap());
        out.put_u32(0);
        out.put_u32(0);
        out.extend_from_slice(&data);
        out
    }

    fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..20)
    }

    proptest! {
        #[test]
        fn messages_come_back_with_their_offsets(first in 0..u64::MAX / 2, payloads in payloads()) {
            let chunk = Chunk::decode(&encode(first, &payloads)).unwrap();
            prop_assert_eq!(chunk.end, first + payloads.len() as u64);
            prop_assert_eq!(chunk.first, first);
            prop_assert_eq!(chunk.payloads, payloads);
        }

        #[test]
        fn any_bytes_are_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Chunk::decode(&bytes).is_err());
        }

        #[test]
        fn a_cut_or_changed_chunk_is_refused(
            payloads in payloads(), at in any::<prop::sample::Index>(), bit in 0..8_u8,
        ) {
            prop_assume!(!payloads.is_empty());
            let whole = encode(7, &payloads);
            let cut = at.index(whole.len());
            prop_assert!(Chunk::decode(&whole[..cut]).is_err());
            // From the checksum on; what stands before it is not covered by it.
            let mut changed = whole.clone();
            let flipped = 48 + at.index(whole.len() - 48);
            changed[flipped] ^= 1 << bit;
            prop_assert!(Chunk::decode(&changed).is_err());
        }
    }

    #[test]
    fn lengths_are_not_believed() {
        let mut lying = encode(0, &[b"a".to_vec()]);
        lying[36..40].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(Chunk::decode(&lying).is_err());
        let mut counting = encode(0, &[b"a".to_vec()]);
        counting[2..4].copy_from_slice(&u16::MAX.to_be_bytes());
        assert!(Chunk::decode(&counting).is_err());
        let mut far = encode(u64::MAX, &[b"a".to_vec()]);
        assert!(Chunk::decode(&far).is_err());
        far[0] = 0x51;
        assert_eq!(
            Chunk::decode(&far),
            Err(Malformed("chunk: it has an unknown version"))
        );
    }
}
