//! Which partition a symbol belongs to: as Kafka's own clients decide for a key.

/// The seed of Kafka's hash (`org.apache.kafka.common.utils.Utils.murmur2`).
const SEED: u32 = 0x9747_b28c;

const M: u32 = 0x5bd1_e995;

/// The partition of a symbol among `partitions`; 0 if there is none.
///
/// `MurmurHash2` of its UTF-8 without the sign bit, modulo the number of partitions: what the
/// default partitioner of Kafka's clients does with the symbol as key, so that other programs find
/// it too.
pub fn partition_of(symbol: &str, partitions: u32) -> u32 {
    (murmur2(symbol.as_bytes()) & 0x7fff_ffff)
        .checked_rem(partitions)
        .unwrap_or(0)
}

/// `MurmurHash2`, 32 bit, by Austin Appleby (public domain), little-endian.
fn murmur2(data: &[u8]) -> u32 {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ length;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let mut last = 0;
        for byte in rest.iter().rev() {
            last = (last << 8) | u32::from(*byte);
        }
        hash = (hash ^ last).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn hashes_are_those_of_kafka() {
        for (text, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), hash, "{text}");
        }
    }

    #[test]
    fn a_symbol_has_a_partition_however_many_there_are() {
        assert_eq!(partition_of("SPY", 0), 0);
        assert_eq!(partition_of("SPY", 1), 0);
        for partitions in 1..50 {
            assert!(partition_of("SPY", partitions) < partitions);
        }
    }
}
