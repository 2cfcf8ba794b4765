//! Short texts seen before in the same batch, found by their bytes as they stand in the frame.
//!
//! A frame names few symbols and few conditions, many times. A text of up to 16 bytes with its end
//! is one number, so finding it again is one comparison; a longer one is found by a few of its
//! bytes and compared whole. No copy, and no look into the dictionary.

use stock_up_core::NameId;

/// Bytes that are looked at for one text, its last one included.
const WINDOW: usize = 16;

/// Short texts, and long ones, that are remembered at once; a new one takes the place of an old
/// one.
const SLOTS: usize = 16;

/// Where the eight bytes stand by which long texts differ besides their beginning.
const LATER: usize = 16;

/// Texts that end with a given byte.
#[derive(Debug)]
pub(super) struct Memo<'a> {
    /// The byte that ends a text and is part of it.
    last: u8,
    /// Each short text as a number, 0 for none: no text is empty, as its last byte belongs to it.
    texts: [u128; SLOTS],
    ids: [NameId; SLOTS],
    long: [(&'a [u8], NameId); SLOTS],
}

impl<'a> Memo<'a> {
    pub(super) fn new(last: u8) -> Self {
        Self {
            last,
            texts: [0; SLOTS],
            ids: [NameId(0); SLOTS],
            long: [(b"", NameId(0)); SLOTS],
        }
    }

    /// The id of the text that begins at `bytes`, and its length with its last byte.
    #[inline]
    pub(super) fn find(&self, bytes: &[u8]) -> Option<(NameId, usize)> {
        let window = window_of(bytes)?;
        let Some(length) = self.short_length(window) else {
            let (text, id) = self.long.get(long_slot(window, bytes)?)?;
            let known = !text.is_empty() && bytes.starts_with(text);
            return known.then_some((*id, text.len()));
        };
        let text = first_bytes(window, length);
        let slot = slot_of(text);
        if *self.texts.get(slot)? != text {
            return None;
        }
        Some((*self.ids.get(slot)?, length))
    }

    /// Remembers that the text at `bytes`, `length` long with its last byte, has this id.
    ///
    /// Nothing is remembered when an end byte stands within the text, or when the frame ends near
    /// it.
    pub(super) fn add(&mut self, bytes: &'a [u8], length: usize, id: NameId) {
        let Some(window) = window_of(bytes) else {
            return;
        };
        let Some(short) = self.short_length(window) else {
            let slot = long_slot(window, bytes).and_then(|slot| self.long.get_mut(slot));
            if let (Some(slot), Some(text)) = (slot, bytes.get(..length)) {
                *slot = (text, id);
            }
            return;
        };
        let text = first_bytes(window, short);
        let slot = slot_of(text);
        if let (Some(place), Some(known)) = (self.texts.get_mut(slot), self.ids.get_mut(slot))
            && short == length
        {
            (*place, *known) = (text, id);
        }
    }

    /// How many bytes there are up to the first end byte, if it is within the window.
    #[inline]
    fn short_length(&self, window: u128) -> Option<usize> {
        // The lowest set bit of this is the highest of the first byte that equals `last`.
        let differences = window ^ (EACH * u128::from(self.last));
        let zeros = differences.wrapping_sub(EACH) & !differences & (EACH << 7);
        (zeros != 0).then(|| zeros.trailing_zeros() as usize / 8 + 1)
    }
}

#[inline]
fn window_of(bytes: &[u8]) -> Option<u128> {
    Some(u128::from_le_bytes(*bytes.first_chunk::<WINDOW>()?))
}

/// The first `length` bytes of a window as a number; from 1 to 16 of them.
#[inline]
fn first_bytes(window: u128, length: usize) -> u128 {
    let rest = 8 * (WINDOW - length);
    (window << rest) >> rest
}

/// The place of a long text, by its beginning and some later bytes; these need not belong to it.
#[inline]
fn long_slot(window: u128, bytes: &[u8]) -> Option<usize> {
    let later = u64::from_le_bytes(*bytes.get(LATER..)?.first_chunk()?);
    Some(slot_of(window ^ u128::from(later)))
}

/// A one in every byte.
const EACH: u128 = u128::MAX / 255;

#[inline]
fn slot_of(text: u128) -> usize {
    let bytes = text.to_le_bytes();
    let (low, high) = bytes.split_at(8);
    let half = |half: &[u8]| half.try_into().map_or(0, u64::from_le_bytes);
    let mixed = (half(low) ^ half(high).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 60) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found_and_nothing_else() {
        let texts = ["AAPL\"", "A\"", "\"", "BINANCE:BTCUSDT\"", "é\u{ff}\""];
        let padded = |text: &str| format!("{text},\"t\":1672348887666,\"v\":1").into_bytes();
        let frames = texts.map(padded);
        let mut memo = Memo::new(b'"');
        for ((text, frame), id) in texts.iter().zip(&frames).zip(0..) {
            assert_eq!(memo.find(frame), None, "{text}");
            memo.add(frame, text.len(), NameId(id));
            assert_eq!(memo.find(frame), Some((NameId(id), text.len())));
        }
        for text in [
            "AAP\"",
            "AAPLE\"",
            "BINANCE:BTCUSDX\"",
            "BINANCE:BTCUSDTX\"",
        ] {
            assert_eq!(memo.find(&padded(text)), None, "{text}");
        }
        assert_eq!(
            memo.find(b"AAPL\""),
            None,
            "too near to the end of the frame"
        );
    }

    #[test]
    fn long_texts_are_found_as_a_whole() {
        let lists = ["Q;flags=2000", "P;flags=2000", "Q;flags=20002020"].map(|conditions| {
            format!("[\"ex={conditions};susp=0\"],\"p\":167.42,\"s\":\"SPY\"").into_bytes()
        });
        let mut memo = Memo::new(b']');
        for (list, id) in lists.iter().zip(0..) {
            let length = list.iter().position(|byte| *byte == b']').unwrap() + 1;
            assert_eq!(memo.find(list), None);
            memo.add(list, length, NameId(id));
            assert_eq!(memo.find(list), Some((NameId(id), length)));
        }
        let other = lists[0]
            .iter()
            .map(|byte| if *byte == b'5' { b'6' } else { *byte });
        let other: Vec<u8> = other.collect();
        assert_eq!(memo.find(&other), Some((NameId(0), 26)));
        let other = String::from_utf8(other)
            .unwrap()
            .replace("susp=0", "susp=1");
        assert_eq!(memo.find(other.as_bytes()), None);
    }

    #[test]
    fn an_end_byte_within_a_text_is_never_taken_for_its_end() {
        let mut memo = Memo::new(b']');
        let list = br#"["a]b"],"p":1.5,"s":"SPY""#;
        memo.add(list, 7, NameId(3));
        assert_eq!(memo.find(list), None);
        assert_eq!(memo.find(br#"["a],"p":1.5,"s":"SPY""#), None);
    }
}
