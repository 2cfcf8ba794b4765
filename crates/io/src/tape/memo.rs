//! What was looked up a moment ago: the names of texts, and the values of decimals.
//!
//! A tape says the same few symbols, conditions, prices and sizes millions of times. A small table that is
//! indexed by a cheap mix of the bytes answers most of these without hashing, comparing and checking them
//! again.

use stock_up_core::{Decimal, NameId};

/// Slots of a table: a power of two, and few enough to stay in the first-level cache.
const SLOTS: usize = 256;

/// The names of recent texts, in the dictionary of the current batch.
#[derive(Debug)]
pub(super) struct Memo {
    slots: Vec<Slot>,
    /// The batch whose dictionary the names belong to.
    batch: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    text: Text,
    batch: u32,
    id: u32,
}

/// All of a text of up to 32 bytes, in words that overlap in the middle; longer ones are not remembered,
/// because they are mostly said once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Text {
    words: [u64; 4],
    length: usize,
}

impl Memo {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![Slot::default(); SLOTS],
            batch: 0,
        }
    }

    /// Begins a batch: what was remembered belongs to another dictionary.
    pub(super) fn begin(&mut self) {
        self.batch = self.batch.wrapping_add(1);
        if self.batch == 0 {
            *self = Self::new();
            self.batch = 1;
        }
    }

    #[inline]
    pub(super) fn get(&self, text: &[u8]) -> Option<NameId> {
        let text = Text::of(text)?;
        let slot = self.slots.get(text.slot())?;
        (slot.batch == self.batch && slot.text == text).then_some(NameId(slot.id))
    }

    pub(super) fn put(&mut self, text: &[u8], id: NameId) {
        if let Some(text) = Text::of(text)
            && let Some(slot) = self.slots.get_mut(text.slot())
        {
            *slot = Slot {
                text,
                batch: self.batch,
                id: id.0,
            };
        }
    }
}

impl Text {
    #[inline]
    fn of(text: &[u8]) -> Option<Self> {
        let length = text.len();
        let words = match length {
            0 => [0; 4],
            1..4 => {
                let at = |index: usize| text.get(index).copied().map(u64::from);
                [at(0)?, at(length / 2)?, at(length - 1)?, 0]
            }
            4..8 => {
                let (first, last) = (text.first_chunk()?, text.last_chunk()?);
                let word = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
                [word(first), word(last), 0, 0]
            }
            8..=16 => [first_word(text)?, last_word(text)?, 0, 0],
            17..=32 => {
                let (front, back) = (text.get(8..)?, text.get(..length - 8)?);
                [
                    first_word(text)?,
                    last_word(text)?,
                    first_word(front)?,
                    last_word(back)?,
                ]
            }
            _ => return None,
        };
        Some(Self { words, length })
    }

    #[inline]
    fn slot(self) -> usize {
        let [first, second, third, fourth] = self.words;
        slot(first ^ second.rotate_left(17) ^ third.rotate_left(31) ^ fourth.rotate_left(47))
    }
}

#[inline]
fn first_word(text: &[u8]) -> Option<u64> {
    text.first_chunk().copied().map(u64::from_le_bytes)
}

#[inline]
fn last_word(text: &[u8]) -> Option<u64> {
    text.last_chunk().copied().map(u64::from_le_bytes)
}

/// Spreads the bits over the slots of a table.
#[inline]
fn slot(mixed: u64) -> usize {
    let spread = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
    usize::try_from(spread).unwrap_or(0)
}

/// Recent decimals by their digits and places.
#[derive(Debug)]
pub(super) struct Decimals(Vec<(u64, u8, Decimal)>);

impl Decimals {
    pub(super) fn new() -> Self {
        Self(vec![(0, 0, Decimal::ZERO); SLOTS])
    }

    /// The value `units * 10^-scale`, if it is in range.
    #[inline]
    pub(super) fn get(&mut self, units: u64, scale: u8) -> Option<Decimal> {
        let held = self.0.get_mut(slot(units ^ u64::from(scale) << 56))?;
        if (held.0, held.1) != (units, scale) {
            *held = (units, scale, Decimal::new(units, scale).ok()?);
        }
        Some(held.2)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn different_texts_are_told_apart(left in "[ab\\x00]{0,33}", right in "[ab\\x00]{0,33}") {
            let (one, other) = (Text::of(left.as_bytes()), Text::of(right.as_bytes()));
            prop_assert_eq!(one.is_some(), left.len() <= 32);
            prop_assert_eq!(one.is_some() && one == other, left.len() <= 32 && left == right);
        }

        #[test]
        fn decimals_are_those_of_core(
            pairs in proptest::collection::vec((0_u64..400, 0_u8..4), 0..1_000),
        ) {
            let mut decimals = Decimals::new();
            for (units, scale) in pairs {
                let (found, exact) = (decimals.get(units, scale), Decimal::new(units, scale).ok());
                prop_assert_eq!(found, exact);
            }
        }
    }

    #[test]
    fn a_text_is_remembered_for_one_batch() {
        let mut memo = Memo::new();
        memo.begin();
        memo.put(b"SPY", NameId(3));
        memo.put(b"", NameId(0));
        assert_eq!(memo.get(b"SPY"), Some(NameId(3)));
        assert_eq!(memo.get(b""), Some(NameId(0)));
        assert_eq!(memo.get(b"SPY\0"), None);
        memo.put(&[b'x'; 33], NameId(1));
        assert_eq!(memo.get(&[b'x'; 33]), None);
        memo.begin();
        assert_eq!(memo.get(b"SPY"), None);
    }
}
