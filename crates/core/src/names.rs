//! A small dictionary of texts: symbols and trade conditions, each held once.
//!
//! A batch of trades names a handful of symbols many times. Holding each text once and naming it by
//! a number keeps a [`crate::Trade`] small and `Copy`, makes the record short, and lets the
//! analyzer look a symbol up once per batch instead of once per trade.

mod key;

use key::Key;

/// Names one text of one [`Names`]; meaningless for another dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(pub u32);

impl NameId {
    /// The id as a position in a list that is parallel to the dictionary.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// There are at least so many slots for each text: a step to the next slot is hard to predict.
const SPARSE: usize = 3;

/// An ordered set of texts, numbered from 0 in the order of their first appearance.
#[derive(Debug, Clone, Default)]
pub struct Names {
    text: String,
    entries: Vec<Entry>,
    /// Open-addressing table. Its length is a power of two or 0.
    slots: Vec<Slot>,
}

/// One text of a dictionary: it starts where the one before ends.
#[derive(Debug, Clone, Copy)]
struct Entry {
    end: u32,
    /// Kept, because another dictionary will be asked for the same text.
    key: Key,
}

/// A place in the table.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// 0 is a free slot.
    id_and_one: u32,
    /// Is a short text, and tells a long one from nearly all others.
    key: Key,
}

impl Names {
    /// An empty dictionary.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all texts and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
        self.slots.fill(Slot::default());
    }

    /// The id of `name`, adding it if it is new.
    pub fn intern(&mut self, name: &str) -> NameId {
        if (self.entries.len() + 1) * SPARSE > self.slots.len() {
            self.grow();
        }
        let key = Key::of(name);
        let place = match self.look_up(name, key) {
            Ok(found) => return found,
            Err(free) => free,
        };
        self.text.push_str(name);
        let end = u32::try_from(self.text.len()).expect("frames bound a dictionary below 4 GiB");
        let id = u32::try_from(self.entries.len()).expect("texts are fewer than their bytes");
        self.entries.push(Entry { end, key });
        self.occupy(place, id, key);
        NameId(id)
    }

    /// The id of `name`, if it is known.
    pub fn find(&self, name: &str) -> Option<NameId> {
        self.look_up(name, Key::of(name)).ok()
    }

    /// For every text of `other`, in the order of their ids, its id here if it is known.
    pub(crate) fn find_all(&self, other: &Self) -> impl Iterator<Item = Option<NameId>> {
        (0..).zip(&other.entries).map(|(id, entry)| {
            let is_same = |here| entry.key.is_whole() || self.get(here) == other.get(NameId(id));
            self.look_up_where(entry.key, is_same).ok()
        })
    }

    /// The text of `id`; empty for an id of another dictionary.
    pub fn get(&self, id: NameId) -> &str {
        let index = id.index();
        let Some(entry) = self.entries.get(index) else {
            return "";
        };
        let before = index
            .checked_sub(1)
            .and_then(|before| self.entries.get(before));
        let start = before.map_or(0, |before| before.end as usize);
        self.text.get(start..entry.end as usize).unwrap_or_default()
    }

    /// All texts in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.known()).map(|id| self.get(NameId(id)))
    }

    fn known(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// The id of `name`, or else the free slot where it belongs; 0 when there is no table.
    #[inline]
    fn look_up(&self, name: &str, key: Key) -> Result<NameId, usize> {
        self.look_up_where(key, |id| key.is_whole() || self.get(id) == name)
    }

    /// As [`Names::look_up`], for the text with this key for which `is_same` says so.
    #[inline]
    fn look_up_where(&self, key: Key, is_same: impl Fn(NameId) -> bool) -> Result<NameId, usize> {
        let Some(mask) = self.slots.len().checked_sub(1) else {
            return Err(0);
        };
        let mut place = key.hash() & mask;
        loop {
            let slot = self.slots.get(place).copied().unwrap_or_default();
            let Some(id) = slot.id_and_one.checked_sub(1).map(NameId) else {
                return Err(place);
            };
            if slot.key == key && is_same(id) {
                return Ok(id);
            }
            place = (place + 1) & mask;
        }
    }

    fn occupy(&mut self, place: usize, id: u32, key: Key) {
        if let Some(free) = self.slots.get_mut(place) {
            *free = Slot {
                id_and_one: id + 1,
                key,
            };
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(16);
        self.slots.clear();
        self.slots.resize(size, Slot::default());
        for id in 0..self.known() {
            let Some(Entry { key, .. }) = self.entries.get(id as usize).copied() else {
                break;
            };
            if let Err(place) = self.look_up_where(key, |_| false) {
                self.occupy(place, id, key);
            }
        }
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.iter().eq(other.iter())
    }
}

impl Eq for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_held_once_and_found_again() {
        let mut names = Names::new();
        for round in 0..2 {
            for number in 0..5_000_u32 {
                let id = names.intern(&format!("S{number}"));
                assert_eq!(id, NameId(number), "round {round}");
            }
        }
        assert_eq!(names.len(), 5_000);
        assert_eq!(names.get(NameId(4_999)), "S4999");
        assert_eq!(names.find("S77"), Some(NameId(77)));
        assert_eq!(names.find("T77"), None);
    }

    #[test]
    fn long_and_short_texts_are_found_by_another_dictionary() {
        let (mut all, mut some) = (Names::new(), Names::new());
        for number in 0..1_000 {
            all.intern(&format!("{number}"));
            all.intern(&format!("BINANCE:{number}USDT"));
        }
        for text in ["BINANCE:7USDT", "7", "BINANCE:7USDC", "BINANCE:999USDT"] {
            some.intern(text);
        }
        let found: Vec<_> = all.find_all(&some).collect();
        let expected = [Some(15), Some(14), None, Some(1_999)];
        assert_eq!(found, expected.map(|id| id.map(NameId)));
    }

    #[test]
    fn a_cleared_dictionary_knows_nothing() {
        let mut names = Names::new();
        names.intern("SPY");
        names.clear();
        assert_eq!(names.find("SPY"), None);
        assert_eq!(names.intern(""), NameId(0));
        assert_eq!(names.get(NameId(0)), "");
        assert_eq!(names.intern("IBM"), NameId(1));
    }
}
