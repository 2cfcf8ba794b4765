//! The integers in which a symbol's window is summed.
//!
//! All prices of a symbol are held as integers of one common unit (`10^-scale`), all sizes of
//! another, so that sums are exact and what is added can be taken off again. Shares fit in 32 bits
//! ([`u32`], the compact unit), other markets in 64 ([`u64`], the narrow unit). When a symbol's values
//! are so far apart that one unit cannot hold them all, its window is held in 512 bits ([`Wide`]):
//! slow, exact, and never seen in practice.

use std::fmt;
use std::ops::Mul;

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

impl Mul for Wide {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

/// A price or size as an integer of a common unit.
pub(crate) trait Unit: Copy + Ord + Default + fmt::Debug {
    /// A sum of units, and of products of two units.
    type Sum: Sum<Self>;

    /// `value` in units of `10^-scale`, if it fits; `scale` is at least that of `value`.
    fn from_decimal(value: Decimal, scale: u8) -> Option<Self>;

    /// The value of so many units of `10^-scale`.
    fn to_decimal(self, scale: u8) -> Decimal;

    /// Puts three flag bits beside the number.
    fn with_flags(self, flags: u8) -> Self;

    /// The number without its flags.
    fn without_flags(self) -> Self;

    /// The flags.
    fn flags(self) -> u8;
}

/// An exact sum that can be added to and taken from.
pub(crate) trait Sum<U>: Copy + Default + fmt::Debug {
    fn add(&mut self, unit: U);
    fn take(&mut self, unit: U);
    fn add_product(&mut self, left: U, right: U);
    fn take_product(&mut self, left: U, right: U);
    /// The sum as 128 bits, if it fits.
    fn small(&self) -> Option<u128>;
    fn wide(&self) -> Wide;
}

/// Powers of ten that fit 64 bits.
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

impl Unit for u32 {
    type Sum = u128;

    #[inline]
    fn from_decimal(value: Decimal, scale: u8) -> Option<Self> {
        let units = u64::from_decimal(value, scale)?;
        Self::try_from(units)
            .ok()
            .filter(|units| *units < COMPACT_LIMIT)
    }

    #[inline]
    fn to_decimal(self, scale: u8) -> Decimal {
        Decimal::from_parts(u64::from(self), scale)
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

/// Products of two 29-bit numbers over any window that fits in memory.
impl Sum<u32> for u128 {
    #[inline]
    fn add(&mut self, unit: u32) {
        *self += Self::from(unit);
    }

    #[inline]
    fn take(&mut self, unit: u32) {
        *self -= Self::from(unit);
    }

    #[inline]
    fn add_product(&mut self, left: u32, right: u32) {
        *self += Self::from(u64::from(left) * u64::from(right));
    }

    #[inline]
    fn take_product(&mut self, left: u32, right: u32) {
        *self -= Self::from(u64::from(left) * u64::from(right));
    }

    #[inline]
    fn small(&self) -> Option<u128> {
        Some(*self)
    }

    fn wide(&self) -> Wide {
        Wide(U512::from(*self))
    }
}

impl Unit for u64 {
    type Sum = Sum192;

    #[inline]
    fn from_decimal(value: Decimal, scale: u8) -> Option<Self> {
        let by = scale.checked_sub(value.scale())?;
        if by == 0 {
            return Some(value.mantissa()).filter(|units| *units < NARROW_LIMIT);
        }
        let units = value.mantissa().checked_mul(power_of_ten(by)?)?;
        Some(units).filter(|units| *units < NARROW_LIMIT)
    }

    #[inline]
    fn to_decimal(self, scale: u8) -> Decimal {
        Decimal::from_parts(self, scale)
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

/// 192 bits: products of two 60-bit numbers over any window that fits in memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum192 {
    low: u128,
    high: u64,
}

impl Sum192 {
    #[inline]
    fn plus(&mut self, value: u128) {
        let (low, carry) = self.low.overflowing_add(value);
        self.low = low;
        self.high += u64::from(carry);
    }

    #[inline]
    fn minus(&mut self, value: u128) {
        let (low, borrow) = self.low.overflowing_sub(value);
        self.low = low;
        self.high -= u64::from(borrow);
    }
}

impl Sum<u64> for Sum192 {
    #[inline]
    fn add(&mut self, unit: u64) {
        self.plus(u128::from(unit));
    }

    #[inline]
    fn take(&mut self, unit: u64) {
        self.minus(u128::from(unit));
    }

    #[inline]
    fn add_product(&mut self, left: u64, right: u64) {
        self.plus(u128::from(left) * u128::from(right));
    }

    #[inline]
    fn take_product(&mut self, left: u64, right: u64) {
        self.minus(u128::from(left) * u128::from(right));
    }

    #[inline]
    fn small(&self) -> Option<u128> {
        (self.high == 0).then_some(self.low)
    }

    fn wide(&self) -> Wide {
        Wide((U512::from(self.high) << 128) + U512::from(self.low))
    }
}

impl Unit for Wide {
    type Sum = Self;

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

impl Sum<Self> for Wide {
    fn add(&mut self, unit: Self) {
        self.0 += unit.0;
    }

    fn take(&mut self, unit: Self) {
        self.0 -= unit.0;
    }

    fn add_product(&mut self, left: Self, right: Self) {
        self.0 += left.0 * right.0;
    }

    fn take_product(&mut self, left: Self, right: Self) {
        self.0 -= left.0 * right.0;
    }

    fn small(&self) -> Option<u128> {
        u128::try_from(self.0).ok()
    }

    fn wide(&self) -> Wide {
        *self
    }
}
