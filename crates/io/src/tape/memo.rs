//! What was looked up a moment ago: the names of texts.
//!
//! A tape says the same few symbols and conditions millions of times. A small table that is indexed
//! by a cheap mix of the bytes answers most of these without hashing, comparing and checking them
//! again. What stood in an earlier batch has no name in this one, but needs no check either.

use stock_up_core::NameId;

/// Slots of a table: a power of two, and so many that a hundred symbols rarely share one.
const SLOTS: usize = 1_024;

/// The names of recent texts, in the dictionary of the current batch.
#[derive(Debug)]
pub(super) struct Memo {
    slots: Vec<Slot>,
    /// The batch whose dictionary the names belong to; 0 is none.
    batch: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    text: Text,
    batch: u32,
    id: u32,
}

/// What is known of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Its name in this batch.
    Here(NameId),
    /// It was named in an earlier batch, so nothing is wrong with it.
    Before,
}

/// A text of less than 32 bytes with the mark behind it, padded with zeros.
///
/// The mark (a comma or a line end) cannot stand in the text, so that no two texts give the same
/// words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Text([u64; 4]);

impl Memo {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![Slot::default(); SLOTS],
            batch: 1,
        }
    }

    /// Begins a batch: what was remembered belongs to another dictionary.
    pub(super) fn begin(&mut self) {
        self.batch = self.batch.wrapping_add(1);
        if self.batch == 0 {
            *self = Self::new();
        }
    }

    #[inline]
    pub(super) fn get(&self, text: Text) -> Option<Seen> {
        let slot = self.slots.get(text.slot())?;
        if slot.text != text || slot.batch == 0 {
            return None;
        }
        Some(if slot.batch == self.batch {
            Seen::Here(NameId(slot.id))
        } else {
            Seen::Before
        })
    }

    pub(super) fn put(&mut self, text: Text, id: NameId) {
        if let Some(slot) = self.slots.get_mut(text.slot()) {
            *slot = Slot {
                text,
                batch: self.batch,
                id: id.0,
            };
        }
    }
}

impl Text {
    /// The text up to the first `mark`, and its length; `None` if that is far or the input is near
    /// its end.
    #[inline]
    pub(super) fn before(mark: u8, mut input: &[u8]) -> Option<(Self, usize)> {
        let marks = u64::from(mark) * LOW_BITS;
        let (mut words, mut length) = ([0; 4], 0);
        for place in &mut words {
            let (block, after) = input.split_first_chunk()?;
            let word = u64::from_le_bytes(*block);
            let others = word ^ marks;
            // The lowest bit that is set belongs to the first zero byte; above it there may be
            // more.
            let zeros = others.wrapping_sub(LOW_BITS) & !others & (LOW_BITS << 7);
            if zeros != 0 {
                let at = zeros.trailing_zeros() / 8;
                *place = word << (56 - 8 * at) >> (56 - 8 * at);
                return Some((Self(words), length + at as usize));
            }
            *place = word;
            input = after;
            length += 8;
        }
        None
    }

    #[inline]
    fn slot(self) -> usize {
        let [first, second, third, fourth] = self.0;
        slot(first ^ second.rotate_left(17) ^ third.rotate_left(31) ^ fourth.rotate_left(47))
    }
}

const LOW_BITS: u64 = u64::from_le_bytes([1; 8]);

/// Spreads the bits over the slots. The highest bits, where a symbol of eight letters has its last,
/// reach the highest of a product only, so they are folded down before.
#[inline]
fn slot(mixed: u64) -> usize {
    let spread = (mixed ^ (mixed >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(spread >> (64 - SLOTS.trailing_zeros())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_is_known_up_to_its_mark(
            left in "[ab\\x00+-]{0,35}", right in "[ab\\x00+-]{0,35}", more in "[a,]{8,12}",
        ) {
            let text = |text: &str| Text::before(b',', format!("{text},{more}").as_bytes());
            let (one, other) = (text(&left), text(&right));
            prop_assert_eq!(one.map(|one| one.1), Some(left.len()).filter(|length| *length < 32));
            prop_assert_eq!(one.is_some() && one == other, left.len() < 32 && left == right);
            let end = left.len() + 1;
            let whole = end.next_multiple_of(8);
            let padded = format!("{left},{}", "x".repeat(whole - end));
            prop_assert_eq!(Text::before(b',', padded.as_bytes()), one);
            prop_assert_eq!(Text::before(b',', left.as_bytes()), None);
        }
    }

    #[test]
    fn a_text_is_named_for_one_batch_and_known_longer() {
        let text = |text: &[u8]| Text::before(b',', text).unwrap().0;
        let mut memo = Memo::new();
        assert_eq!(memo.get(text(b",.......")), None);
        memo.put(text(b",......."), NameId(0));
        assert_eq!(memo.get(text(b",,,,,,,,")), Some(Seen::Here(NameId(0))));
        memo.put(text(b"SPY,1,2,"), NameId(3));
        assert_eq!(memo.get(text(b"SPY,3,4,")), Some(Seen::Here(NameId(3))));
        assert_eq!(memo.get(text(b"SPY\0,1,2")), None);
        memo.begin();
        assert_eq!(memo.get(text(b"SPY,1,2,")), Some(Seen::Before));
        assert_eq!(memo.get(text(b"IBM,1,2,")), None);
    }
}
