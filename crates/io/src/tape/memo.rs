//! The names of texts that were looked up a moment ago.
//!
//! A tape says the same few symbols and conditions millions of times. A small table that is indexed by a
//! cheap mix of the bytes answers most of these without hashing, comparing and checking them again.

use stock_up_core::NameId;

/// Longer texts are not remembered: they are mostly said once.
const MAX_TEXT_BYTES: usize = 32;

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

/// A short text with its length, padded with zeros.
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
        let mut bytes = [0; MAX_TEXT_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let (chunks, _) = bytes.as_chunks::<8>();
        let mut words = [0; 4];
        for (word, chunk) in words.iter_mut().zip(chunks) {
            *word = u64::from_le_bytes(*chunk);
        }
        Some(Self {
            words,
            length: text.len(),
        })
    }

    #[inline]
    fn slot(self) -> usize {
        let [first, second, third, fourth] = self.words;
        let mixed = first ^ second.rotate_left(17) ^ third.rotate_left(31) ^ fourth.rotate_left(47);
        let spread = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
        usize::try_from(spread).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
