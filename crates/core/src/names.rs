//! A small dictionary of texts: symbols and trade conditions, each held once.
//!
//! A batch of trades names a handful of symbols many times. Holding each text once and naming it by
//! a number keeps a [`crate::Trade`] small and `Copy`, makes the record short, and lets the
//! analyzer look a symbol up once per batch instead of once per trade.

/// Names one text of one [`Names`]; meaningless for another dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(pub u32);

impl NameId {
    /// The id as a position in a list that is parallel to the dictionary.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

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
    hash: u32,
}

/// A place in the table.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// 0 is a free slot.
    id_and_one: u32,
    /// Tells nearly all other texts without a look at them.
    hash: u32,
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
        if (self.entries.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let hash = hash(name.as_bytes());
        let place = self.slot_of(name, hash);
        if let Some(found) = self.id_at(place) {
            return found;
        }
        self.text.push_str(name);
        let end = u32::try_from(self.text.len()).expect("frames bound a dictionary below 4 GiB");
        let id = u32::try_from(self.entries.len()).expect("texts are fewer than their bytes");
        self.entries.push(Entry { end, hash });
        self.occupy(place, id, hash);
        NameId(id)
    }

    /// The id of `name`, if it is known.
    pub fn find(&self, name: &str) -> Option<NameId> {
        self.id_at(self.slot_of(name, hash(name.as_bytes())))
    }

    /// For every text of `other`, in the order of their ids, its id here if it is known.
    pub(crate) fn find_all(&self, other: &Self) -> impl Iterator<Item = Option<NameId>> {
        other
            .iter()
            .zip(&other.entries)
            .map(|(name, entry)| self.id_at(self.slot_of(name, entry.hash)))
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

    /// The slot that holds `name`, or the free one where it belongs; 0 when there is no table.
    #[inline]
    fn slot_of(&self, name: &str, hash: u32) -> usize {
        let Some(mask) = self.slots.len().checked_sub(1) else {
            return 0;
        };
        let mut place = hash as usize & mask;
        loop {
            let slot = self.slots.get(place).copied().unwrap_or_default();
            let Some(id) = slot.id_and_one.checked_sub(1) else {
                return place;
            };
            if slot.hash == hash && self.get(NameId(id)) == name {
                return place;
            }
            place = (place + 1) & mask;
        }
    }

    /// What the slot holds.
    fn id_at(&self, place: usize) -> Option<NameId> {
        let slot = self.slots.get(place)?;
        slot.id_and_one.checked_sub(1).map(NameId)
    }

    fn occupy(&mut self, place: usize, id: u32, hash: u32) {
        if let Some(free) = self.slots.get_mut(place) {
            *free = Slot {
                id_and_one: id + 1,
                hash,
            };
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(16);
        self.slots.clear();
        self.slots.resize(size, Slot::default());
        for id in 0..self.known() {
            let hash = self.entries.get(id as usize).map_or(0, |entry| entry.hash);
            let place = self.slot_of(self.get(NameId(id)), hash);
            self.occupy(place, id, hash);
        }
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.iter().eq(other.iter())
    }
}

impl Eq for Names {}

/// A fold of eight bytes at a time: short keys, and the number of distinct ones is bounded by the
/// caller.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves of a product are what is folded"
)]
fn hash(bytes: &[u8]) -> u32 {
    let mut hash = bytes.len() as u64;
    let mut mix = |word: u64| {
        let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15_u128;
        hash = (product >> 64) as u64 ^ product as u64;
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        mix(u64::from_le_bytes(*word));
    }
    mix(rest
        .iter()
        .fold(0, |word, byte| word << 8 | u64::from(*byte)));
    (hash >> 32) as u32 ^ hash as u32
}

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
