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
    let traded = sums.transactions > 0;
    let floats = Floats { sums, scales };
    Metrics {
        transactions: sums.transactions,
        volume: match sums.sizes.word() {
            Some(units) => Volume::narrow(units, scales.size),
            None => Volume::wide(sums.sizes.wide(), scales.size),
        },
        last_price: decimal(view.last_price()),
        min_price: decimal(lowest),
        max_price: decimal(highest),
        mean_price: traded.then(|| floats.mean()),
        vwap: traded.then(|| floats.vwap()),
        variance: traded.then(|| floats.variance()),
    }
}

/// The numbers of a window that are floats.
///
/// Each has a way for sums of one word, one for those of two (nothing in practice needs more), and
/// one for all.
struct Floats<'a, U: Unit> {
    sums: &'a Sums<U>,
    scales: Scales,
}

impl<U: Unit> Floats<'_, U> {
    /// The f64 nearest the sum of prices over the number of trades.
    #[inline]
    fn mean(&self) -> f64 {
        let words = || both_exact(self.sums.prices.word()?, self.root()?);
        words().unwrap_or_else(|| self.mean_of_large())
    }

    #[cold]
    fn mean_of_large(&self) -> f64 {
        let small = || {
            nearest_small(
                self.sums.prices.small()?,
                self.scaled(self.sums.transactions)?,
            )
        };
        small().unwrap_or_else(|| {
            let divisor = U512::from(self.sums.transactions) * self.wide_unit();
            nearest_wide(self.sums.prices.wide().0, divisor)
        })
    }

    /// The f64 nearest the sum of price times size over the sum of sizes.
    #[inline]
    fn vwap(&self) -> f64 {
        let words = || {
            let divisor = self.sums.sizes.word()?.checked_mul(self.unit()?)?;
            both_exact(self.sums.products.word()?, divisor)
        };
        words().unwrap_or_else(|| self.vwap_of_large())
    }

    #[cold]
    fn vwap_of_large(&self) -> f64 {
        let small = || {
            let divisor = self.scaled(self.sums.sizes.word()?)?;
            nearest_small(self.sums.products.small()?, divisor)
        };
        small().unwrap_or_else(|| {
            let divisor = self.sums.sizes.wide().0 * self.wide_unit();
            nearest_wide(self.sums.products.wide().0, divisor)
        })
    }

    /// Population variance: the f64 nearest `(n * sum of squares - (sum of prices)^2) / n^2`.
    ///
    /// It is rounded exactly although less would do, so that it does not depend on the unit in
    /// which the prices happen to be held.
    #[inline]
    fn variance(&self) -> f64 {
        let words = || {
            let (squares, prices) = (self.sums.squares.word()?, self.sums.prices.word()?);
            let spread = u128::from(squares) * u128::from(self.sums.transactions)
                - u128::from(prices) * u128::from(prices);
            let root = self.root()?;
            Some(nearest_by_word(spread, root.checked_mul(root)?))
        };
        words().unwrap_or_else(|| self.variance_of_large())
    }

    #[cold]
    fn variance_of_large(&self) -> f64 {
        let count = self.sums.transactions;
        let small = || {
            let (squares, prices) = (self.sums.squares.small()?, self.sums.prices.small()?);
            let spread = squares.checked_mul(u128::from(count))? - prices.checked_mul(prices)?;
            let root = u128::from(self.root()?);
            nearest_small(spread, root * root)
        };
        small().unwrap_or_else(|| {
            let (squares, prices) = (self.sums.squares.wide().0, self.sums.prices.wide().0);
            let root = U512::from(count) * self.wide_unit();
            nearest_wide(squares * U512::from(count) - prices * prices, root * root)
        })
    }

    /// What one currency unit is in the units of the prices, if it fits a word.
    #[inline]
    fn unit(&self) -> Option<u64> {
        power_of_ten(self.scales.price)
    }

    fn wide_unit(&self) -> U512 {
        U512::from(10_u8).pow(u32::from(self.scales.price))
    }

    /// The number of trades in the units of the prices, if it fits a word.
    #[inline]
    fn root(&self) -> Option<u64> {
        self.sums.transactions.checked_mul(self.unit()?)
    }

    fn scaled(&self, number: u64) -> Option<u128> {
        Some(u128::from(number) * u128::from(self.unit()?))
    }
}

/// The f64 nearest `numerator / divisor`, where 128 bits are enough to find it.
fn nearest_small(numerator: u128, divisor: u128) -> Option<f64> {
    match u64::try_from(divisor) {
        Ok(divisor) => Some(nearest_by_word(numerator, divisor)),
        Err(_) => nearest_by_steps(numerator, divisor),
    }
}

/// As [`nearest_small`] for a divisor of one word.
#[inline]
fn nearest_by_word(numerator: u128, divisor: u64) -> f64 {
    let word = u64::try_from(numerator).ok();
    let exact = word.and_then(|numerator| both_exact(numerator, divisor));
    exact.unwrap_or_else(|| nearest_of_large(numerator, divisor))
}

/// `numerator / divisor`, rounded once, if both are exact as they are.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "integers below 2^53 are exact")]
fn both_exact(numerator: u64, divisor: u64) -> Option<f64> {
    // Signed, because processors have an instruction for that.
    let exact = |number: u64| number.cast_signed() as f64;
    (numerator < EXACT && divisor < EXACT).then(|| exact(numerator) / exact(divisor))
}

/// As [`nearest_by_word`] where they are not exact: one division of two words by one.
#[inline(never)]
#[expect(
    clippy::cast_precision_loss,
    reason = "rounded once, with a sticky bit"
)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a numerator of 63 bits more than the divisor gives a quotient of one word"
)]
fn nearest_of_large(numerator: u128, divisor: u64) -> f64 {
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
    fn a_tie_goes_to_the_even_neighbour() {
        let (tie, even) = ((1_u128 << 53) + 1, 9_007_199_254_740_992_f64.to_bits());
        assert_eq!(nearest_small(tie, 1).map(f64::to_bits), Some(even));
        assert_eq!(nearest_wide(U512::from(tie), U512::ONE).to_bits(), even);
    }
}
