//! The integers in which a symbol's window is summed.
//!
//! All prices of a symbol are held as integers of one common unit (`10^-scale`), all sizes of
//! another, so that sums are exact and what is added can be taken off again. Shares fit in 32 bits
//! ([`u32`], the compact unit), other markets in 64 ([`u64`], the narrow unit). When a symbol's
//! values are so far apart that one unit cannot hold them all, its window is held in 512 bits
//! ([`Wide`]): slow, exact, and never seen in practice.

use std::fmt;

use bnum::types::U512;

use crate::decimal::Decimal;

/// Compact mantissas stay below this, which leaves three bits for the flags of a held trade.
const COMPACT_LIMIT: u32 = 1 << 29;

/// As [`COMPACT_LIMIT`] for the narrow unit: 18 digits need 60 bits.
const NARROW_LIMIT: u64 = 1 << 60;

/// An integer that holds any price, size, or sum of their products over a window.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Wide(pub(crate) U512);

impl Wide {
    pub(crate) fn parse_str_radix_checked(digits: &str) -> Option<Self> {
        // A longer text cannot come from a window: 512 bits hold 154 digits.
        if digits.len() > 150 {
            return None;
        }
        digits.parse().ok().map(Self)
    }
}

impl fmt::Display for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A price or size as an integer of a common unit.
pub(crate) trait Unit: Copy + Ord + Default + fmt::Debug {
    /// The product of two units.
    type Product;
    /// A sum of units over a window.
    type Sum: Sum<Self>;
    /// A sum of products over a window.
    type ProductSum: Sum<Self::Product>;

    /// No number is below this.
    const MIN: Self;
    /// No number is above this.
    const MAX: Self;

    /// `value` in units of `10^-scale`, if it fits; `scale` is at least that of `value`.
    fn from_decimal(value: Decimal, scale: u8) -> Option<Self>;

    /// The value of so many units of `10^-scale`.
    fn to_decimal(self, scale: u8) -> Decimal;

    fn times(self, other: Self) -> Self::Product;

    /// Puts three flag bits beside the number.
    fn with_flags(self, flags: u8) -> Self;

    /// The number without its flags.
    fn without_flags(self) -> Self;

    /// The flags.
    fn flags(self) -> u8;
}

/// An exact sum that can be added to and taken from.
///
/// Each holds its numbers over any window that fits in memory: 2^35 trades.
pub(crate) trait Sum<T>: Copy + Default + fmt::Debug {
    fn add(&mut self, number: T);
    fn take(&mut self, number: T);
    /// The sum as 64 bits, if it fits.
    fn word(&self) -> Option<u64>;
    /// The sum as 128 bits, if it fits.
    fn small(&self) -> Option<u128>;
    fn wide(&self) -> Wide;
}

/// Powers of ten that fit 64 bits.
#[expect(
    clippy::indexing_slicing,
    reason = "computed by the compiler, which checks the bounds"
)]
const POWERS_OF_TEN: [u64; 20] = {
    let mut powers = [1; 20];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

/// `10^exponent`, if it fits.
#[inline]
pub(crate) fn power_of_ten(exponent: u8) -> Option<u64> {
    POWERS_OF_TEN.get(usize::from(exponent)).copied()
}

/// `value` in units of `10^-scale`, if they fit a word.
#[inline]
fn units(value: Decimal, scale: u8) -> Option<u64> {
    // Not asked whether it is 0: that one price in ten ends in a zero is hard to predict.
    let by = scale.checked_sub(value.scale())?;
    value.mantissa().checked_mul(power_of_ten(by)?)
}

impl Unit for u32 {
    type Product = u64;
    type Sum = u64;
    type ProductSum = Sum128;

    const MIN: Self = Self::MIN;
    const MAX: Self = Self::MAX;

    #[inline]
    fn from_decimal(value: Decimal, scale: u8) -> Option<Self> {
        Self::try_from(units(value, scale)?)
            .ok()
            .filter(|units| *units < COMPACT_LIMIT)
    }

    #[inline]
    fn to_decimal(self, scale: u8) -> Decimal {
        Decimal::from_parts(u64::from(self), scale)
    }

    #[inline]
    fn times(self, other: Self) -> u64 {
        u64::from(self) * u64::from(other)
    }

    #[inline]
    fn with_flags(self, flags: u8) -> Self {
        self | u32::from(flags) << 29
    }

    #[inline]
    fn without_flags(self) -> Self {
        self & (COMPACT_LIMIT - 1)
    }

    #[inline]
    fn flags(self) -> u8 {
        (self >> 29).to_le_bytes()[0]
    }
}

impl Unit for u64 {
    type Product = u128;
    type Sum = u128;
    type ProductSum = Sum192;

    const MIN: Self = Self::MIN;
    const MAX: Self = Self::MAX;

    #[inline]
    fn from_decimal(value: Decimal, scale: u8) -> Option<Self> {
        units(value, scale).filter(|units| *units < NARROW_LIMIT)
    }

    #[inline]
    fn to_decimal(self, scale: u8) -> Decimal {
        Decimal::from_parts(self, scale)
    }

    #[inline]
    fn times(self, other: Self) -> u128 {
        u128::from(self) * u128::from(other)
    }

    #[inline]
    fn with_flags(self, flags: u8) -> Self {
        self | u64::from(flags) << 60
    }

    #[inline]
    fn without_flags(self) -> Self {
        self & (NARROW_LIMIT - 1)
    }

    #[inline]
    fn flags(self) -> u8 {
        (self >> 60).to_le_bytes()[0]
    }
}

impl Unit for Wide {
    type Product = Self;
    type Sum = Self;
    type ProductSum = Self;

    const MIN: Self = Self(U512::ZERO);
    const MAX: Self = Self(U512::MAX);

    fn from_decimal(value: Decimal, scale: u8) -> Option<Self> {
        let by = scale.checked_sub(value.scale())?;
        Some(Self(
            U512::from(value.mantissa()) * U512::from(10_u8).pow(u32::from(by)),
        ))
    }

    fn to_decimal(self, scale: u8) -> Decimal {
        let (mut units, mut scale, ten) = (self.0, scale, U512::from(10_u8));
        while scale > 0 && units % ten == U512::ZERO {
            units /= ten;
            scale -= 1;
        }
        let mantissa = u64::try_from(units).expect("a held value was a decimal of 18 digits");
        Decimal::from_parts(mantissa, scale)
    }

    fn times(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }

    fn with_flags(self, flags: u8) -> Self {
        Self(self.0 | U512::from(flags) << 508)
    }

    fn without_flags(self) -> Self {
        Self(self.0 & ((U512::ONE << 508) - U512::ONE))
    }

    fn flags(self) -> u8 {
        u8::try_from(self.0 >> 508).unwrap_or(0)
    }
}

impl Sum<u32> for u64 {
    #[inline]
    fn add(&mut self, number: u32) {
        *self += Self::from(number);
    }

    #[inline]
    fn take(&mut self, number: u32) {
        *self -= Self::from(number);
    }

    #[inline]
    fn word(&self) -> Option<u64> {
        Some(*self)
    }

    #[inline]
    fn small(&self) -> Option<u128> {
        Some(u128::from(*self))
    }

    fn wide(&self) -> Wide {
        Wide(U512::from(*self))
    }
}

impl Sum<u64> for u128 {
    #[inline]
    fn add(&mut self, number: u64) {
        *self += Self::from(number);
    }

    #[inline]
    fn take(&mut self, number: u64) {
        *self -= Self::from(number);
    }

    #[inline]
    fn word(&self) -> Option<u64> {
        u64::try_from(*self).ok()
    }

    #[inline]
    fn small(&self) -> Option<u128> {
        Some(*self)
    }

    fn wide(&self) -> Wide {
        Wide(U512::from(*self))
    }
}

/// 128 bits: products of two 29-bit numbers. Two words, because a `u128` wants to lie at 16 bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum128 {
    low: u64,
    high: u64,
}

impl Sum<u64> for Sum128 {
    #[inline]
    fn add(&mut self, number: u64) {
        let (low, carry) = self.low.overflowing_add(number);
        self.low = low;
        self.high += u64::from(carry);
    }

    #[inline]
    fn take(&mut self, number: u64) {
        let (low, borrow) = self.low.overflowing_sub(number);
        self.low = low;
        self.high -= u64::from(borrow);
    }

    #[inline]
    fn word(&self) -> Option<u64> {
        (self.high == 0).then_some(self.low)
    }

    #[inline]
    fn small(&self) -> Option<u128> {
        Some(u128::from(self.high) << 64 | u128::from(self.low))
    }

    fn wide(&self) -> Wide {
        Wide((U512::from(self.high) << 64) + U512::from(self.low))
    }
}

/// 192 bits: products of two 60-bit numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum192 {
    low: u128,
    high: u64,
}

impl Sum<u128> for Sum192 {
    #[inline]
    fn add(&mut self, number: u128) {
        let (low, carry) = self.low.overflowing_add(number);
        self.low = low;
        self.high += u64::from(carry);
    }

    #[inline]
    fn take(&mut self, number: u128) {
        let (low, borrow) = self.low.overflowing_sub(number);
        self.low = low;
        self.high -= u64::from(borrow);
    }

    #[inline]
    fn word(&self) -> Option<u64> {
        self.small().and_then(|small| u64::try_from(small).ok())
    }

    #[inline]
    fn small(&self) -> Option<u128> {
        (self.high == 0).then_some(self.low)
    }

    fn wide(&self) -> Wide {
        Wide((U512::from(self.high) << 128) + U512::from(self.low))
    }
}

impl Sum<Self> for Wide {
    fn add(&mut self, number: Self) {
        self.0 += number.0;
    }

    fn take(&mut self, number: Self) {
        self.0 -= number.0;
    }

    fn word(&self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }

    fn small(&self) -> Option<u128> {
        u128::try_from(self.0).ok()
    }

    fn wide(&self) -> Wide {
        *self
    }
}
