//! Numbers by chance from a seed: for jitter and for the simulated market, never for keys.
//!
//! `SplitMix64` (Steele, Lea, Flood 2014): one word of state, and the same seed gives the same
//! market on every machine and in every version of this program.

/// A stream of numbers by chance.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for `name`, so that one more symbol changes nothing for the others.
    pub(crate) fn named(seed: u64, name: &str) -> Self {
        let mixed = name.bytes().fold(seed, |hash, byte| {
            (hash ^ u64::from(byte))
                .wrapping_mul(0x0100_0000_01b3)
                .rotate_left(23)
        });
        let mut chance = Self(mixed);
        chance.next();
        chance
    }

    /// All 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The upper half of a 128-bit product is even to within 2^-64 · bound.
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// True in one of `in_every` cases.
    pub(crate) fn once_in(&mut self, in_every: u64) -> bool {
        self.below(in_every) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_and_a_bound_holds() {
        let (mut one, mut two) = (Chance::new(7), Chance::new(7));
        for bound in 1..2_000 {
            let number = one.below(bound);
            assert!(number < bound);
            assert_eq!(number, two.below(bound));
        }
        assert_ne!(
            Chance::named(7, "SPY").next(),
            Chance::named(7, "IBM").next()
        );
        assert_eq!(Chance::new(7).below(0), 0);
    }
}
