//! From exact sums to the numbers that are shown; the one place where floats are computed.

#![expect(
    clippy::float_arithmetic,
    reason = "means and variance become f64 here, and only here"
)]

use bnum::types::U512;

use crate::point::{Metrics, Volume};
use crate::ring::Ring;
use crate::unit::{Sum, Unit, power_of_ten};
use crate::view::View;

/// Integers below this are exact in an f64.
const EXACT: u128 = 1 << 53;

/// Decimal places of the units of one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scales {
    pub(crate) price: u8,
    pub(crate) size: u8,
}

/// The numbers of `view`.
#[inline]
pub(crate) fn metrics<U: Unit>(view: &View<U>, ring: &Ring<U>, scales: Scales) -> Metrics {
    let decimal = |price: Option<U>| price.map(|price| price.to_decimal(scales.price));
    let traded = view.transactions > 0;
    Metrics {
        transactions: view.transactions,
        volume: volume::<U>(&view.sizes, scales.size),
        last_price: decimal(view.last_price(ring)),
        min_price: decimal(view.lowest.get()),
        max_price: decimal(view.highest.get()),
        mean_price: traded.then(|| mean(view, scales.price)),
        vwap: traded.then(|| vwap(view, scales.price)),
        variance: traded.then(|| variance(view, scales.price)),
    }
}

#[inline]
fn volume<U: Unit>(sizes: &U::Sum, scale: u8) -> Volume {
    let small = sizes.small().and_then(|units| u64::try_from(units).ok());
    match small {
        Some(units) => Volume::narrow(units, scale),
        None => Volume::wide(sizes.wide(), scale),
    }
}

/// The f64 nearest the sum of prices over the number of trades.
#[inline]
fn mean<U: Unit>(view: &View<U>, scale: u8) -> f64 {
    let small = || {
        let divisor = scaled(view.transactions, scale)?;
        nearest_small(view.prices.small()?, divisor)
    };
    small().unwrap_or_else(|| {
        let divisor = U512::from(view.transactions) * wide_power_of_ten(scale);
        nearest_wide(view.prices.wide().0, divisor)
    })
}

/// The f64 nearest the sum of price times size over the sum of sizes.
#[inline]
fn vwap<U: Unit>(view: &View<U>, scale: u8) -> f64 {
    let small = || {
        let divisor = scaled(u64::try_from(view.sizes.small()?).ok()?, scale)?;
        nearest_small(view.products.small()?, divisor)
    };
    small().unwrap_or_else(|| {
        let divisor = view.sizes.wide().0 * wide_power_of_ten(scale);
        nearest_wide(view.products.wide().0, divisor)
    })
}

/// Population variance: the f64 nearest `(n * sum of squares - (sum of prices)^2) / n^2`.
///
/// It is rounded exactly although less would do, so that it does not depend on the unit in which
/// the prices happen to be held.
#[inline]
fn variance<U: Unit>(view: &View<U>, scale: u8) -> f64 {
    let count = view.transactions;
    let small = || {
        let spread = spread(view.squares.small()?, view.prices.small()?, count)?;
        let root = u64::try_from(scaled(count, scale)?).ok()?;
        nearest_small(spread, u128::from(root) * u128::from(root))
    };
    small().unwrap_or_else(|| {
        let (squares, prices) = (view.squares.wide().0, view.prices.wide().0);
        let root = U512::from(count) * wide_power_of_ten(scale);
        nearest_wide(squares * U512::from(count) - prices * prices, root * root)
    })
}

/// `count * squares - prices^2`, if it fits.
#[inline]
fn spread(squares: u128, prices: u128, count: u64) -> Option<u128> {
    if let (Ok(squares), Ok(prices)) = (u64::try_from(squares), u64::try_from(prices)) {
        let (squares, prices) = (u128::from(squares), u128::from(prices));
        return Some(squares * u128::from(count) - prices * prices);
    }
    Some(squares.checked_mul(u128::from(count))? - prices.checked_mul(prices)?)
}

/// `number * 10^scale`, if that power fits a word.
#[inline]
fn scaled(number: u64, scale: u8) -> Option<u128> {
    Some(u128::from(number) * u128::from(power_of_ten(scale)?))
}

/// The f64 nearest `numerator / divisor`, where 128 bits are enough to find it.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "integers below 2^53 are exact")]
#[expect(
    clippy::cast_possible_truncation,
    reason = "compared with 2^53 just before"
)]
fn nearest_small(numerator: u128, divisor: u128) -> Option<f64> {
    if numerator < EXACT && divisor < EXACT {
        return Some(numerator as u64 as f64 / divisor as u64 as f64);
    }
    match u64::try_from(divisor) {
        Ok(divisor) => Some(nearest_by_word(numerator, divisor)),
        Err(_) => nearest_by_steps(numerator, divisor),
    }
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
    let (up, down) = (wanted.saturating_sub(bits), bits.saturating_sub(wanted));
    let scaled = numerator << up >> down;
    let quotient = (scaled / u128::from(divisor)) as u64;
    let whole = u128::from(quotient) * u128::from(divisor);
    let is_exact = whole == scaled && scaled << down == numerator << up;
    let sticky = quotient | u64::from(!is_exact);
    sticky as f64 * power_of_two(i64::from(down) - i64::from(up))
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
    while quotient < EXACT << 2 {
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

fn wide_power_of_ten(exponent: u8) -> U512 {
    U512::from(10_u8).pow(u32::from(exponent))
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
