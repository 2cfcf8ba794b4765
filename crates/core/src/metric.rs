//! From exact sums to the numbers that are shown; the one place where floats are computed.

#![expect(
    clippy::float_arithmetic,
    reason = "means and variance become f64 here, and only here"
)]

use bnum::types::U512;

use crate::point::{Metrics, Volume};
use crate::unit::{Sum, Unit, power_of_ten};
use crate::view::{Sums, View};

/// Integers below this are exact in an f64.
const EXACT: u64 = 1 << 53;

/// The leading bit of an f64, which is not written.
const HIDDEN_BIT: u64 = 1 << 52;

/// Below this, a few times a number fits a word.
const GUESSED: u64 = 1 << 60;

/// Decimal places of the units of one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scales {
    pub(crate) price: u8,
    pub(crate) size: u8,
}

/// The numbers of `view`.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "they are written where they stay: copying what was just written is slow"
)]
pub(crate) fn metrics<U: Unit>(view: &View<U>, scales: Scales) -> Metrics {
    let decimal = |price: Option<U>| price.map(|price| price.to_decimal(scales.price));
    let (lowest, highest) = view.extremes().unzip();
    let sums = &view.sums;
    let floats = (sums.transactions > 0).then(|| Floats::of(sums, scales.price));
    Metrics {
        transactions: sums.transactions,
        volume: match sums.sizes.word() {
            Some(units) => Volume::narrow(units, scales.size),
            None => Volume::wide(sums.sizes.wide(), scales.size),
        },
        last_price: decimal(view.last_price()),
        min_price: decimal(lowest),
        max_price: decimal(highest),
        mean_price: floats.map(|floats| floats.mean),
        vwap: floats.map(|floats| floats.vwap),
        variance: floats.map(|floats| floats.variance),
    }
}

/// The numbers of a window with trades that are floats.
#[derive(Debug, Clone, Copy)]
struct Floats {
    /// The f64 nearest the sum of prices over the number of trades.
    mean: f64,
    /// The f64 nearest the sum of price times size over the sum of sizes.
    vwap: f64,
    /// Population variance: the f64 nearest `(n * sum of squares - (sum of prices)^2) / n^2`.
    ///
    /// It is rounded exactly although less would do, so that it does not depend on the unit in
    /// which the prices happen to be held.
    variance: f64,
}

impl Floats {
    /// `scale` is that of the prices.
    #[inline]
    fn of<U: Unit>(sums: &Sums<U>, scale: u8) -> Self {
        Self::of_words(sums, scale).unwrap_or_else(|| Self::of_large(sums, scale))
    }

    /// Where every sum is a word, and those of the means are exact as an f64: nearly always.
    #[inline]
    fn of_words<U: Unit>(sums: &Sums<U>, scale: u8) -> Option<Self> {
        let (count, unit) = (sums.transactions, power_of_ten(scale)?);
        let (prices, sizes) = (sums.prices.word()?, sums.sizes.word()?);
        let (products, squares) = (sums.products.word()?, sums.squares.word()?);
        let (count_units, size_units) = (count.checked_mul(unit)?, sizes.checked_mul(unit)?);
        if prices | count_units | products | size_units >= EXACT {
            return None;
        }
        let squared = u128::from(squares) * u128::from(count);
        let spread = squared - u128::from(prices) * u128::from(prices);
        let divisor = count_units.checked_mul(count_units)?;
        Some(Self {
            mean: nearly(prices) / nearly(count_units),
            vwap: nearly(products) / nearly(size_units),
            variance: nearest_of_words(u64::try_from(spread).ok()?, divisor)?,
        })
    }

    #[inline(never)]
    fn of_large<U: Unit>(sums: &Sums<U>, scale: u8) -> Self {
        Self::of_pairs(sums, scale).unwrap_or_else(|| Self::of_any(sums, scale))
    }

    /// Where two words hold everything: nothing in practice needs more.
    fn of_pairs<U: Unit>(sums: &Sums<U>, scale: u8) -> Option<Self> {
        let count = u128::from(sums.transactions);
        let unit = u128::from(power_of_ten(scale)?);
        let (prices, sizes) = (sums.prices.small()?, sums.sizes.small()?);
        let (products, squares) = (sums.products.small()?, sums.squares.small()?);
        let count_units = count * unit;
        let spread = squares.checked_mul(count)? - prices.checked_mul(prices)?;
        Some(Self {
            mean: nearest_small(prices, count_units)?,
            vwap: nearest_small(products, sizes.checked_mul(unit)?)?,
            variance: nearest_small(spread, count_units.checked_mul(count_units)?)?,
        })
    }

    fn of_any<U: Unit>(sums: &Sums<U>, scale: u8) -> Self {
        let count = U512::from(sums.transactions);
        let unit = U512::from(10_u8).pow(u32::from(scale));
        let (prices, squares) = (sums.prices.wide().0, sums.squares.wide().0);
        let count_units = count * unit;
        let spread = squares * count - prices * prices;
        Self {
            mean: nearest_wide(prices, count_units),
            vwap: nearest_wide(sums.products.wide().0, sums.sizes.wide().0 * unit),
            variance: nearest_wide(spread, count_units * count_units),
        }
    }
}

/// The f64 nearest `numerator / divisor`, where it can be found without dividing integers.
#[inline]
fn nearest_of_words(numerator: u64, divisor: u64) -> Option<f64> {
    match numerator | divisor {
        // All prices are the same: no guess has a mantissa then.
        _ if numerator == 0 => Some(0.0),
        ..EXACT => Some(nearly(numerator) / nearly(divisor)),
        EXACT..GUESSED => nearest_by_guess(numerator, divisor),
        GUESSED.. => None,
    }
}

/// As [`nearest_of_words`] where they are not exact: floats give a guess, and what is left over
/// says whether the next one is nearer.
#[inline]
fn nearest_by_guess(numerator: u64, divisor: u64) -> Option<f64> {
    let guess = nearly(numerator) / nearly(divisor);
    // The guess is `mantissa * 2^-shift`.
    let bits = guess.to_bits();
    let mantissa = bits & (HIDDEN_BIT - 1) | HIDDEN_BIT;
    let shift = 1075_u32.checked_sub(u32::try_from(bits >> 52).ok()?)?;
    // What the guess leaves, in units of its last bit. Three roundings are less than three units
    // away from the truth, so that one word holds it, whatever the upper ones were.
    let scaled = numerator.checked_shl(shift).unwrap_or(0);
    let left = scaled.wrapping_sub(mantissa.wrapping_mul(divisor));
    let (twice, divisor) = (left.cast_signed() * 2, divisor.cast_signed());
    // Not asked by branches: which way a guess is rounded cannot be predicted.
    let step = i64::from(twice > divisor) - i64::from(twice < -divisor);
    let is_nearest = (twice - step * 2 * divisor).abs() < divisor;
    // Below a power of two the next one is only half as far away. No guess is beyond one: each
    // rounding keeps what is smaller smaller.
    let is_at_edge = mantissa == HIDDEN_BIT;
    (is_nearest && !is_at_edge).then(|| f64::from_bits(bits.wrapping_add_signed(step)))
}

/// `number` as an f64, rounded if it is not below 2^53.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "said by its name")]
fn nearly(number: u64) -> f64 {
    // Signed, because processors have an instruction for that.
    number.cast_signed() as f64
}

/// The f64 nearest `numerator / divisor`, where 128 bits are enough to find it.
fn nearest_small(numerator: u128, divisor: u128) -> Option<f64> {
    let Ok(word) = u64::try_from(divisor) else {
        return nearest_by_steps(numerator, divisor);
    };
    let guessed = u64::try_from(numerator).ok();
    let guessed = guessed.and_then(|numerator| nearest_of_words(numerator, word));
    Some(guessed.unwrap_or_else(|| nearest_by_word(numerator, word)))
}

/// As [`nearest_small`] for a divisor of one word: one division of two words by one.
#[expect(
    clippy::cast_precision_loss,
    reason = "rounded once, with a sticky bit"
)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a numerator of 63 bits more than the divisor gives a quotient of one word"
)]
fn nearest_by_word(numerator: u128, divisor: u64) -> f64 {
    if numerator == 0 {
        return 0.0;
    }
    let wanted = 127 - divisor.leading_zeros();
    let bits = 128 - numerator.leading_zeros();
    let (scaled, lost, exponent) = if let Some(up) = wanted.checked_sub(bits) {
        (numerator << up, false, -i64::from(up))
    } else {
        let down = bits - wanted;
        let scaled = numerator >> down;
        (scaled, scaled << down != numerator, i64::from(down))
    };
    let quotient = (scaled / u128::from(divisor)) as u64;
    // What is left is less than the divisor: its low word is all of it.
    let left = (scaled as u64).wrapping_sub(quotient.wrapping_mul(divisor));
    let sticky = quotient | u64::from(left != 0 || lost);
    sticky as f64 * power_of_two(exponent)
}

/// As [`nearest_small`] for a divisor of two words, bit by bit of what room it leaves.
#[cold]
#[expect(
    clippy::cast_precision_loss,
    reason = "rounded once, with a sticky bit"
)]
fn nearest_by_steps(numerator: u128, divisor: u128) -> Option<f64> {
    let room = divisor.leading_zeros();
    if numerator == 0 || room < 8 {
        return (numerator == 0).then_some(0.0);
    }
    let mut shift = numerator.leading_zeros();
    let shifted = numerator << shift;
    let (mut quotient, mut rest) = (shifted / divisor, shifted % divisor);
    // Two bits more than a mantissa has: with the sticky bit the one rounding below is right.
    while quotient < u128::from(EXACT) << 2 {
        quotient = (quotient << room) + (rest << room) / divisor;
        rest = (rest << room) % divisor;
        shift += room;
    }
    let sticky = quotient | u128::from(rest != 0);
    Some(sticky as f64 * power_of_two(-i64::from(shift)))
}

/// The f64 nearest `numerator / divisor`.
#[expect(
    clippy::cast_precision_loss,
    reason = "rounded once, with a sticky bit"
)]
#[cold]
fn nearest_wide(numerator: U512, divisor: U512) -> f64 {
    if numerator == U512::ZERO {
        return 0.0;
    }
    let shift = (divisor.bits() + 64).saturating_sub(numerator.bits());
    let shifted = numerator << shift;
    let (quotient, rest) = (shifted / divisor, shifted % divisor);
    let drop = quotient.bits().saturating_sub(64);
    let top = quotient >> drop;
    let lost = rest != U512::ZERO || top << drop != quotient;
    let top = u64::try_from(top).unwrap_or(u64::MAX) | u64::from(lost);
    top as f64 * power_of_two(i64::from(drop) - i64::from(shift))
}

/// `2^exponent`, exact: the exponents here are far from the ends of the range.
fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits((1023 + exponent).cast_unsigned() << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_divide_round_alike() {
        let cases = [
            (1_u128, 3_u128),
            (10, 10),
            (u128::from(u64::MAX), 7),
            (1 << 100, 3 << 50),
            (7, 3 << 100),
            (u128::MAX, 7),
            (u128::MAX - 1, u128::from(u64::MAX)),
            ((1 << 118) + 1, 1 << 54),
            (1, u128::from(u64::MAX)),
            (123_456_789_012_345_678_901, 997),
        ];
        for (numerator, divisor) in cases {
            let wide = nearest_wide(U512::from(numerator), U512::from(divisor));
            let small = nearest_small(numerator, divisor).map(f64::to_bits);
            assert_eq!(small, Some(wide.to_bits()), "{numerator}/{divisor}");
        }
        assert_eq!(
            nearest_wide(U512::from(1_u8), U512::from(3_u8)).to_bits(),
            (1.0_f64 / 3.0).to_bits()
        );
    }

    #[test]
    fn a_guess_that_is_put_right_is_the_nearest() {
        let mut random = 7_u64;
        let mut below = |bits: u64| {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            random >> (64 - bits)
        };
        let mut found = 0;
        for round in 0..20_000 {
            let (numerator, divisor) = (below(60), below(1 + round % 60).max(1));
            if let Some(nearest) = nearest_of_words(numerator, divisor) {
                let wide = nearest_wide(U512::from(numerator), U512::from(divisor));
                let (nearest, wide) = (nearest.to_bits(), wide.to_bits());
                assert_eq!(nearest, wide, "{numerator}/{divisor}");
                found += 1;
            }
        }
        assert!(found > 15_000, "only {found} were found");
    }

    #[test]
    fn a_guess_near_a_power_of_two_is_put_right_or_left_to_others() {
        let mut random = 11_u64;
        for round in 0..200_000_u64 {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let divisor = (random >> 5) | 1 << 58;
            let numerator = divisor - (random & 255) % (1 + round % 300);
            if let Some(nearest) = nearest_of_words(numerator, divisor) {
                let wide = nearest_wide(U512::from(numerator), U512::from(divisor));
                assert_eq!(nearest.to_bits(), wide.to_bits(), "{numerator}/{divisor}");
            }
        }
    }

    #[test]
    fn what_a_guess_cannot_decide_is_left_to_others() {
        // A tie, and the edge of a power of two.
        for (numerator, divisor) in [((1 << 54) + 2, 4), ((1 << 55) - 1, 1 << 55)] {
            assert_eq!(nearest_of_words(numerator, divisor), None);
        }
    }

    /// 9,491 trades at one price with four decimals made a calculation overflow.
    #[test]
    fn prices_that_are_all_the_same_have_no_variance() {
        for divisor in [1, 94_910_000 * 94_910_000, 1 << 55, GUESSED] {
            assert_eq!(nearest_of_words(0, divisor).map(f64::to_bits), Some(0));
        }
    }

    #[test]
    fn a_tie_goes_to_the_even_neighbour() {
        let (tie, even) = ((1_u128 << 53) + 1, 9_007_199_254_740_992_f64.to_bits());
        assert_eq!(nearest_small(tie, 1).map(f64::to_bits), Some(even));
        assert_eq!(nearest_wide(U512::from(tie), U512::ONE).to_bits(), even);
    }
}
