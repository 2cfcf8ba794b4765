//! What a dictionary compares instead of texts.
//!
//! Nearly every symbol has at most eight bytes: these are its key, and no text is looked at. What
//! is longer has a key by which nearly all others are told apart; its text decides.

/// Pads a short text, and begins the key of a long one: no text has such a byte.
const PAD: u8 = 0xff;

/// Bytes of the longest text that is a key by itself.
const WHOLE: usize = 8;

/// Stands for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Key(u64);

impl Key {
    #[inline]
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        if bytes.len() > WHOLE {
            return Self::of_long(bytes);
        }
        Self(padded(bytes))
    }

    /// A number that is spread over all its bits.
    #[inline]
    pub(super) fn hash(self) -> usize {
        usize::try_from(mix(0, self.0) >> 32).unwrap_or_default()
    }

    /// Whether two texts with this key are the same.
    #[inline]
    pub(super) fn is_whole(self) -> bool {
        let [first, second, ..] = self.0.to_le_bytes();
        first != PAD || second == PAD
    }

    #[inline(never)]
    fn of_long(bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<WHOLE>();
        let mixed = words.iter().fold(bytes.len() as u64, |mixed, word| {
            mix(mixed, u64::from_le_bytes(*word))
        });
        let mixed = mix(mixed, padded(rest));
        Self(mixed << 16 | u64::from(PAD))
    }
}

/// At most eight bytes as a word, the first lowest.
#[inline]
fn padded(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    let word = if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        // They overlap where there are fewer than eight.
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        u64::from(first) | u64::from(last) << ((length - 4) * 8)
    } else {
        let shifted = |(place, byte): (usize, &u8)| u64::from(*byte) << (place * 8);
        bytes.iter().enumerate().map(shifted).fold(0, |a, b| a | b)
    };
    match length {
        WHOLE.. => word,
        _ => word | u64::MAX << (length * 8),
    }
}

#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves of a product are what is mixed"
)]
fn mix(mixed: u64, word: u64) -> u64 {
    let product = u128::from(mixed ^ word) * 0x9e37_79b9_7f4a_7c15_u128;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{NameId, Names};

    #[test]
    fn a_short_text_is_its_key() {
        let texts = [
            "",
            "\0",
            "A",
            "A\0",
            "AB",
            "ABC",
            "ABCD",
            "ABCDE",
            "ABCDEF",
            "ABCDEFG",
            "ABCDEFGH",
            "Ä",
            "\u{10ffff}",
        ];
        for (place, text) in texts.iter().enumerate() {
            assert!(Key::of(text).is_whole(), "{text:?}");
            for other in &texts[..place] {
                assert_ne!(Key::of(text), Key::of(other), "{text:?} {other:?}");
            }
        }
    }

    #[test]
    fn the_bytes_of_a_short_text_can_be_read_from_its_key() {
        for text in [
            "", "A", "AB", "ABC", "ABCD", "ABCDE", "ABCDEF", "ABCDEFG", "ABCDEFGH",
        ] {
            let word = Key::of(text).0.to_le_bytes();
            let (bytes, pad) = word.split_at(text.len());
            assert_eq!(bytes, text.as_bytes());
            assert!(pad.iter().all(|byte| *byte == PAD), "{text}: {pad:?}");
        }
    }

    #[test]
    fn a_long_text_is_not_its_key() {
        assert!(!Key::of("BINANCE:BTCUSDT").is_whole());
        assert!(!Key::of("123456789").is_whole());
        assert_ne!(Key::of("BINANCE:BTCUSDT"), Key::of("BINANCE:BTCUSDC"));
    }

    #[test]
    fn long_texts_with_the_same_key_are_two() {
        let texts = ["BINANCE0ABCDEFGH", "00000824OyzP:oh\\"];
        assert_eq!(Key::of(texts[0]), Key::of(texts[1]));
        let [mut both, mut second] = [Names::new(), Names::new()];
        assert_eq!(texts.map(|text| both.intern(text).0), [0, 1]);
        assert_eq!(
            texts.map(|text| both.find(text)),
            [0, 1].map(|id| Some(NameId(id)))
        );
        second.intern(texts[1]);
        assert_eq!(
            both.find_all(&second).collect::<Vec<_>>(),
            [Some(NameId(1))]
        );
        let found: Vec<_> = second.find_all(&both).collect();
        assert_eq!(found, [None, Some(NameId(0))]);
    }
}
