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
    /// End of each text in `text`; text `i` starts where `i - 1` ends.
    ends: Vec<u32>,
    /// Open-addressing table of id + 1; 0 is a free slot. Its length is a power of two or 0.
    slots: Vec<u32>,
}

impl Names {
    /// An empty dictionary.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Forgets all texts and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.slots.fill(0);
    }

    /// The id of `name`, adding it if it is new.
    pub fn intern(&mut self, name: &str) -> NameId {
        if (self.ends.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let slot = self.slot_of(name);
        if let Some(found) = self.slots.get(slot).copied().filter(|id| *id > 0) {
            return NameId(found - 1);
        }
        self.text.push_str(name);
        let end = u32::try_from(self.text.len()).expect("frames bound a dictionary below 4 GiB");
        let id = u32::try_from(self.ends.len()).expect("texts are fewer than their bytes");
        self.ends.push(end);
        if let Some(free) = self.slots.get_mut(slot) {
            *free = id + 1;
        }
        NameId(id)
    }

    /// The id of `name`, if it is known.
    pub fn find(&self, name: &str) -> Option<NameId> {
        let found = self
            .slots
            .get(self.slot_of(name))
            .copied()
            .filter(|id| *id > 0)?;
        Some(NameId(found - 1))
    }

    /// The text of `id`; empty for an id of another dictionary.
    pub fn get(&self, id: NameId) -> &str {
        let index = id.index();
        let Some(end) = self.ends.get(index) else {
            return "";
        };
        let start = index
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .unwrap_or(&0);
        self.text
            .get(*start as usize..*end as usize)
            .unwrap_or_default()
    }

    /// All texts in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..u32::try_from(self.ends.len()).unwrap_or(u32::MAX)).map(|id| self.get(NameId(id)))
    }

    /// The slot that holds `name`, or the free one where it belongs; 0 when there is no table.
    fn slot_of(&self, name: &str) -> usize {
        let Some(mask) = self.slots.len().checked_sub(1) else {
            return 0;
        };
        let mut slot = hash(name.as_bytes()) & mask;
        loop {
            match self.slots.get(slot) {
                Some(&id) if id > 0 && self.get(NameId(id - 1)) != name => slot = (slot + 1) & mask,
                _ => return slot,
            }
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(16);
        self.slots.clear();
        self.slots.resize(size, 0);
        for id in 0..u32::try_from(self.ends.len()).unwrap_or(u32::MAX) {
            let slot = self.slot_of(self.get(NameId(id)));
            if let Some(free) = self.slots.get_mut(slot) {
                *free = id + 1;
            }
        }
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.ends == other.ends && self.text == other.text
    }
}

impl Eq for Names {}

/// FNV-1a with a final mix: short keys, and the number of distinct ones is bounded by the caller.
fn hash(bytes: &[u8]) -> usize {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 32;
    usize::try_from(hash & 0xffff_ffff).unwrap_or(0)
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
