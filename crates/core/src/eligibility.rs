//! Which numbers a trade may move, by its conditions.
//!
//! Under [`Conditions::Sip`] the rules of the US consolidated tape are followed for the two
//! spellings that recorded tapes carry: `flags=<hex>` (a bit set) and `cond=<letters>` (sale
//! condition codes). Sources: the CTA and UTP plan specifications, "sale condition eligibility"
//! tables. Conditions in another spelling (such as Finnhub's numbers, whose meaning is not
//! published) move everything.

use crate::ring::flag;
use crate::settings::Conditions;

/// Bits of `flags=` that keep a print from moving the last price and high and low.
const NO_LAST: u32 =
    0x200 | 0x400 | 0x800 | 0x2000 | 0x4000 | 0x10_0000 | 0x100_0000 | 0x200_0000 | 0x8000_0000;

/// Bits of `flags=` that also keep it out of volume: it repeats trades that were counted before.
const NO_VOLUME: u32 = 0x100_0000 | 0x200_0000 | 0x400_0000;

/// Bits of `flags=` that move the high and low, although not the last price.
const RANGE_ONLY: u32 = 0x4000 | 0x800;

/// What a trade with this text of conditions may move.
pub(crate) fn flags(policy: Conditions, conditions: &str) -> u8 {
    if policy == Conditions::All {
        return flag::ALL;
    }
    let fields = || {
        conditions
            .split(';')
            .filter_map(|field| field.split_once('='))
    };
    for (key, value) in fields() {
        match key {
            "flags" => {
                if let Ok(bits) = u32::from_str_radix(value, 16) {
                    return by_bits(bits);
                }
            }
            "cond" => return by_letters(value),
            _ => {}
        }
    }
    flag::ALL
}

fn by_bits(bits: u32) -> u8 {
    let mut flags = flag::ALL;
    if bits & NO_LAST != 0 {
        flags &= !flag::LAST;
        if bits & NO_LAST & !RANGE_ONLY != 0 {
            flags &= !flag::RANGE;
        }
    }
    if bits & NO_VOLUME != 0 {
        flags &= !flag::VOLUME;
    }
    flags
}

fn by_letters(letters: &str) -> u8 {
    let mut flags = flag::ALL;
    for letter in letters.chars() {
        match letter {
            // Average price, cash, contingent, price variation, odd lot, derivatively priced, next
            // day, seller, extended hours, qualified contingent.
            'B' | 'C' | 'V' | 'H' | 'I' | '4' | 'N' | 'R' | 'T' | 'U' | 'W' | '7' => {
                flags &= !(flag::LAST | flag::RANGE);
            }
            // Prior reference price, sold (out of sequence).
            'P' | 'Z' | 'L' => flags &= !flag::LAST,
            // Official close and open repeat the auction print.
            'M' | 'Q' => flags = 0,
            _ => {}
        }
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(conditions: &str, expected: u8) {
        assert_eq!(flags(Conditions::Sip, conditions), expected, "{conditions}");
        assert_eq!(
            flags(Conditions::All, conditions),
            flag::ALL,
            "{conditions}"
        );
    }

    #[test]
    fn official_close_and_prior_reference_prints_do_not_move_the_last_price() {
        check("ex=Q;flags=1;susp=0", flag::ALL);
        check("ex=P;flags=1000000;susp=0", 0);
        check("ex=P;flags=2000000;susp=0", 0);
        check("ex=D;flags=400;susp=0", flag::VOLUME);
        check("cond=@FT;corr=0", flag::VOLUME);
        check("cond=@F", flag::ALL);
        check("cond=M", 0);
        check("1,8", flag::ALL);
        check("flags=zz", flag::ALL);
        check("", flag::ALL);
    }
}
