//! Texts seen before, found by their bytes as they stand in the frame.
//!
//! Frames name few symbols and few conditions, many times. A text of up to 16 bytes with its end is
//! one number, so finding it again is one comparison, for as long as the batch lasts; a longer one
//! is found by a few of its bytes and compared whole, within one frame. No copy, and no look into
//! the dictionary.

use stock_up_core::NameId;

/// Bytes that are looked at for one text, its last one included.
const WINDOW: usize = 16;

/// These bytes, eight and eight.
type Window = [u64; 2];

/// Short texts that are remembered at once: a power of two. A new one takes the place of an old
/// one.
const SHORT_SLOTS: usize = 512;

/// Long texts that are remembered at once.
const LONG_SLOTS: usize = 16;

/// Where the eight bytes stand by which long texts differ besides their beginning.
const LATER: usize = 16;

/// The short texts of a batch, and those of earlier batches until others take their place.
#[derive(Debug, Default)]
pub(crate) struct BatchTexts {
    pub(super) symbols: Memo<b'"'>,
    pub(super) lists: Memo<b']'>,
}

impl BatchTexts {
    /// Begins a batch: what was remembered belongs to another dictionary.
    pub(super) fn begin(&mut self) {
        self.symbols.begin();
        self.lists.begin();
    }
}

/// Short texts that end with the byte `LAST`.
#[derive(Debug, Default)]
pub(super) struct Memo<const LAST: u8> {
    /// Empty before the first batch.
    slots: Vec<Slot>,
    /// The batch whose dictionary the ids belong to; 0 is none.
    batch: u32,
}

/// A short text as a number, and its id in the dictionary of a batch.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    text: u128,
    batch: u32,
    id: u32,
    /// Its id among the subscriptions, which also another batch may ask for.
    subscribed: Option<NameId>,
}

/// What a text is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids {
    /// In the dictionary of the batch.
    pub(super) here: NameId,
    /// Among the subscriptions, if it is a symbol.
    pub(super) subscribed: Option<NameId>,
}

impl<const LAST: u8> Memo<LAST> {
    fn begin(&mut self) {
        self.batch = self.batch.wrapping_add(1);
        if self.batch == 0 || self.slots.is_empty() {
            self.slots = vec![Slot::default(); SHORT_SLOTS];
            self.batch = 1;
        }
    }

    #[inline]
    fn get(&self, text: u128) -> Option<NameId> {
        let slot = self.slots.get(slot_of(text, SHORT_SLOTS))?;
        (slot.text == text && slot.batch == self.batch).then_some(NameId(slot.id))
    }

    fn put(&mut self, text: u128, ids: Ids) {
        if let Some(slot) = self.slots.get_mut(slot_of(text, SHORT_SLOTS)) {
            *slot = Slot {
                text,
                batch: self.batch,
                id: ids.here.0,
                subscribed: ids.subscribed,
            };
        }
    }

    /// What the short text that begins at `bytes` was called among the subscriptions when it was
    /// last seen, and its length with its last byte. They may have changed since: ask them.
    #[inline]
    pub(super) fn find_subscribed(&self, bytes: &[u8]) -> Option<(NameId, usize)> {
        let (text, length) = short::<LAST>(window_of(bytes)?)?;
        let slot = self.slots.get(slot_of(text, SHORT_SLOTS))?;
        let subscribed = slot.subscribed.filter(|_| slot.text == text)?;
        Some((subscribed, length))
    }

    /// The id of the text that begins at `bytes`, and its length with its last byte.
    #[inline]
    pub(super) fn find(&self, long: &LongTexts<'_>, bytes: &[u8]) -> Option<(NameId, usize)> {
        let window = window_of(bytes)?;
        match short::<LAST>(window) {
            Some((text, length)) => Some((self.get(text)?, length)),
            None => long.find(window, bytes),
        }
    }

    /// Remembers that the text at `bytes`, `length` long with its last byte, has these ids.
    ///
    /// Nothing is remembered when an end byte stands within the text, or when the frame ends near
    /// it.
    pub(super) fn add<'a>(
        &mut self,
        long: &mut LongTexts<'a>,
        (bytes, length): (&'a [u8], usize),
        ids: Ids,
    ) {
        let Some(window) = window_of(bytes) else {
            return;
        };
        match short::<LAST>(window) {
            Some((text, end)) if end == length => self.put(text, ids),
            Some(_) => {}
            None => long.add(window, (bytes, length), ids.here),
        }
    }
}

/// The long texts of one frame.
#[derive(Debug)]
pub(super) struct LongTexts<'a>([(&'a [u8], NameId); LONG_SLOTS]);

impl<'a> LongTexts<'a> {
    pub(super) fn new() -> Self {
        Self([(b"", NameId(0)); LONG_SLOTS])
    }

    #[inline]
    fn find(&self, window: Window, bytes: &[u8]) -> Option<(NameId, usize)> {
        let (text, id) = self.0.get(long_slot(window, bytes)?)?;
        let known = !text.is_empty() && bytes.starts_with(text);
        known.then_some((*id, text.len()))
    }

    fn add(&mut self, window: Window, (bytes, length): (&'a [u8], usize), id: NameId) {
        let slot = long_slot(window, bytes).and_then(|slot| self.0.get_mut(slot));
        if let (Some(slot), Some(text)) = (slot, bytes.get(..length)) {
            *slot = (text, id);
        }
    }
}

/// The text up to the first end byte and how many bytes it has, if that is within the window.
#[inline]
fn short<const LAST: u8>(window: Window) -> Option<(u128, usize)> {
    let [low, high] = window;
    if let Some((text, length)) = up_to::<LAST>(low) {
        return Some((text.into(), length));
    }
    let (text, length) = up_to::<LAST>(high)?;
    Some((joined([low, text]), 8 + length))
}

/// The same within eight bytes.
#[inline]
fn up_to<const LAST: u8>(word: u64) -> Option<(u64, usize)> {
    let differences = word ^ (EACH * u64::from(LAST));
    // Its lowest set bit is the highest of the first byte that equals `LAST`.
    let ends = differences.wrapping_sub(EACH) & !differences & (EACH << 7);
    if ends == 0 {
        return None;
    }
    let text = word & (ends ^ (ends - 1));
    Some((text, ends.trailing_zeros() as usize / 8 + 1))
}

#[inline]
fn window_of(bytes: &[u8]) -> Option<Window> {
    let bytes = bytes.first_chunk::<WINDOW>()?;
    let word = |word: Option<&[u8; 8]>| word.map(|word| u64::from_le_bytes(*word));
    Some([word(bytes.first_chunk())?, word(bytes.last_chunk())?])
}

#[inline]
fn joined([low, high]: Window) -> u128 {
    u128::from(low) | u128::from(high) << 64
}

/// The place of a long text, by its beginning and some later bytes; these need not belong to it.
#[inline]
fn long_slot(window: Window, bytes: &[u8]) -> Option<usize> {
    let later = u64::from_le_bytes(*bytes.get(LATER..)?.first_chunk()?);
    Some(slot_of(joined(window) ^ u128::from(later), LONG_SLOTS))
}

/// A one in every byte.
const EACH: u64 = u64::MAX / 255;

/// The place of a text in a table of so many slots, a power of two.
#[inline]
fn slot_of(text: u128, slots: usize) -> usize {
    let bytes = text.to_le_bytes();
    let (low, high) = bytes.split_at(8);
    let half = |half: &[u8]| half.try_into().map_or(0, u64::from_le_bytes);
    let mixed = (half(low) ^ half(high).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> (64 - slots.trailing_zeros())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch with nothing in it yet.
    fn begun<const LAST: u8>() -> (Memo<LAST>, LongTexts<'static>) {
        let mut memo = Memo::default();
        memo.begin();
        (memo, LongTexts::new())
    }

    fn ids(here: u32) -> Ids {
        Ids {
            here: NameId(here),
            subscribed: Some(NameId(here + 100)),
        }
    }

    fn leaked(text: &str) -> &'static [u8] {
        text.to_owned().leak().as_bytes()
    }

    #[test]
    fn what_was_added_is_found_and_nothing_else() {
        let texts = ["AAPL\"", "A\"", "\"", "BINANCE:BTCUSDT\"", "é\u{ff}\""];
        let padded = |text: &str| leaked(&format!("{text},\"t\":1672348887666,\"v\":1"));
        let (mut memo, mut long) = begun::<b'"'>();
        for (text, id) in texts.iter().zip(0..) {
            let frame = padded(text);
            assert_eq!(memo.find(&long, frame), None, "{text}");
            memo.add(&mut long, (frame, text.len()), ids(id));
            assert_eq!(memo.find(&long, frame), Some((NameId(id), text.len())));
        }
        for text in [
            "AAP\"",
            "AAPLE\"",
            "BINANCE:BTCUSDX\"",
            "BINANCE:BTCUSDTX\"",
        ] {
            assert_eq!(memo.find(&long, padded(text)), None, "{text}");
        }
        assert_eq!(
            memo.find(&long, b"AAPL\""),
            None,
            "too near to the end of the frame"
        );
        memo.begin();
        let found = memo.find(&long, padded("AAPL\""));
        assert_eq!(found, None, "another batch has another dictionary");
        for (text, id) in texts.iter().zip(100..) {
            let found = memo.find_subscribed(padded(text));
            let wanted = Some((NameId(id), text.len()));
            assert_eq!(found, wanted, "and the same subscriptions");
        }
        assert_eq!(memo.find_subscribed(padded("AAP\"")), None);
    }

    #[test]
    fn long_texts_are_found_as_a_whole() {
        let lists = ["Q;flags=2000", "P;flags=2000", "Q;flags=20002020"].map(|conditions| {
            leaked(&format!(
                "[\"ex={conditions};susp=0\"],\"p\":167.42,\"s\":\"SPY\""
            ))
        });
        let (mut memo, mut long) = begun::<b']'>();
        for (list, id) in lists.into_iter().zip(0..) {
            let length = list.iter().position(|byte| *byte == b']').unwrap() + 1;
            assert_eq!(memo.find(&long, list), None);
            memo.add(&mut long, (list, length), ids(id));
            assert_eq!(memo.find(&long, list), Some((NameId(id), length)));
        }
        let other = lists[0]
            .iter()
            .map(|byte| if *byte == b'5' { b'6' } else { *byte });
        let other: Vec<u8> = other.collect();
        assert_eq!(memo.find(&long, &other), Some((NameId(0), 26)));
        let other = String::from_utf8(other)
            .unwrap()
            .replace("susp=0", "susp=1");
        assert_eq!(memo.find(&long, other.as_bytes()), None);
    }

    #[test]
    fn an_end_byte_within_a_text_is_never_taken_for_its_end() {
        let (mut memo, mut long) = begun::<b']'>();
        let list = br#"["a]b"],"p":1.5,"s":"SPY""#;
        memo.add(&mut long, (list, 7), ids(3));
        assert_eq!(memo.find(&long, list), None);
        assert_eq!(memo.find(&long, br#"["a],"p":1.5,"s":"SPY""#), None);
    }
}
