//! Frame codec against any bytes.

use proptest::prelude::*;

use super::*;

fn encoded(header: &FrameHeader, payload: &[u8], seed: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(header, payload, seed, &mut bytes);
    bytes
}

prop_compose! {
    fn frame()(
        seq in any::<u64>(),
        time in any::<i64>(),
        count in 1..=MAX_COUNT,
        back in any::<u32>(),
        payload in prop::collection::vec(any::<u8>(), 1..300),
    ) -> (FrameHeader, Vec<u8>) {
        let len = u32::try_from(payload.len()).unwrap();
        (FrameHeader { len, seq, time, count, back }, payload)
    }
}

proptest! {
    #[test]
    fn decode_of_encode_is_the_same((header, payload) in frame(), seed in any::<u32>()) {
        let bytes = encoded(&header, &payload, seed);
        prop_assert_eq!(bytes.len(), header.total());
        prop_assert_eq!(decode(&bytes, seed), Decoded::Frame(header));
        prop_assert_eq!(&bytes[FRAME_HEADER_BYTES..], &payload[..]);
    }

    #[test]
    fn a_part_of_a_frame_asks_for_the_rest(
        (header, payload) in frame(), cut in any::<prop::sample::Index>(),
    ) {
        let bytes = encoded(&header, &payload, 1);
        let cut = cut.index(bytes.len());
        let needed = if cut < FRAME_HEADER_BYTES { FRAME_HEADER_BYTES } else { bytes.len() };
        prop_assert_eq!(decode(&bytes[..cut], 1), Decoded::NeedMore(needed));
    }

    #[test]
    fn a_flipped_bit_is_never_a_frame(
        (header, payload) in frame(), bit in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encoded(&header, &payload, 1);
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!matches!(decode(&bytes, 1), Decoded::Frame(_)));
    }

    #[test]
    fn another_segment_s_frame_is_not_a_frame((header, payload) in frame(), seed in any::<u32>()) {
        let bytes = encoded(&header, &payload, seed);
        let other = decode(&bytes, seed.wrapping_add(1));
        let refused = matches!(other, Decoded::Bad(Damage::Checksum { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn any_bytes_are_decoded_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200), seed in any::<u32>(),
    ) {
        prop_assert!(!matches!(decode(&bytes, seed), Decoded::Frame(_)));
    }
}

#[test]
fn zeros_are_not_a_frame() {
    let damage = Damage::Length { found: 0 };
    assert_eq!(decode(&[0; 64], 0), Decoded::Bad(damage));
}

#[test]
fn sizes_are_checked_before_anything_is_written() {
    assert!(matches!(check(0, 1), Err(Error::FrameCount { count: 0 })));
    assert!(matches!(
        check(MAX_COUNT + 1, 1),
        Err(Error::FrameCount { .. })
    ));
    assert!(matches!(check(1, 0), Err(Error::PayloadSize { bytes: 0 })));
    let most = MAX_PAYLOAD_BYTES as usize;
    assert!(matches!(check(1, most + 1), Err(Error::PayloadSize { .. })));
    assert_eq!(check(MAX_COUNT, most).unwrap(), MAX_PAYLOAD_BYTES);
}
