//! Exact decimals for prices and sizes.
//!
//! A value is `mantissa * 10^-scale`, read from the text of a message and never through a float, so
//! that what a venue wrote is what is stored, summed and written out again.
//! Values are zero or lie in `1e-12 ..= 1e12` and carry at most 18 significant digits; anything
//! else is refused with its reason, never rounded.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU8;

use thiserror::Error;

/// Most significant digits a value may have; `10^18` still fits 60 bits.
pub const MAX_DIGITS: u32 = 18;

/// Largest scale a value can need: `1e-12` written with 18 significant digits.
pub const MAX_SCALE: u8 = 29;

/// Decimal places of the smallest and digits of the largest power of ten in range.
const MAX_EXPONENT: i32 = 12;

/// Fewer units than this are in range with any scale up to [`MAX_EXPONENT`].
const SURELY_BELOW: u64 = 1_000_000_000_000;

/// Why a text is no [`Decimal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// There is no text at all.
    #[error("number is empty")]
    Empty,
    /// A byte that cannot stand there.
    #[error("not a number: unexpected character at position {at}")]
    Syntax {
        /// Byte position of the offending character, from 0.
        at: usize,
    },
    /// Prices and sizes are never negative.
    #[error("negative number; prices and sizes are zero or more")]
    Negative,
    /// More than [`MAX_DIGITS`] significant digits.
    #[error("more than 18 significant digits; rounding is not done here")]
    TooManyDigits,
    /// Above `1e12`.
    #[error("number is above 1e12")]
    TooLarge,
    /// Not zero, but below `1e-12`.
    #[error("number is below 1e-12")]
    TooSmall,
}

/// An exact, non-negative decimal: `mantissa * 10^-scale`.
///
/// Equality and order are those of the value: `1.50` equals `1.5`.
#[derive(Clone, Copy)]
pub struct Decimal {
    mantissa: u64,
    /// The scale and one: a value that is never zero leaves room for `None` beside it.
    scale_and_one: NonZeroU8,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self::from_parts(0, 0);

    /// Reads plain or exponent notation (`167.42`, `1e-7`), the whole of `text`.
    ///
    /// # Errors
    /// [`DecimalError`] says what is wrong and where.
    pub fn parse(text: &[u8]) -> Result<Self, DecimalError> {
        let number = Digits::read(text)?;
        if number.at == text.len() {
            return number.checked(0);
        }
        match text.get(number.at) {
            Some(b'e' | b'E') => {
                let exponent = read_exponent(text, number.at + 1)?;
                number.checked(exponent)
            }
            _ => Err(DecimalError::Syntax { at: number.at }),
        }
    }

    /// The value `mantissa * 10^-scale`, if it is in range.
    ///
    /// # Errors
    /// As [`Decimal::parse`]; also for a scale above [`MAX_SCALE`].
    #[inline]
    pub fn new(mantissa: u64, scale: u8) -> Result<Self, DecimalError> {
        // All but a few are in range at first sight; then only zeros at the end are taken off.
        if mantissa == 0 || mantissa >= SURELY_BELOW || i32::from(scale) > MAX_EXPONENT {
            return in_range(mantissa, i32::from(scale));
        }
        let (mut mantissa, mut scale) = (mantissa, scale);
        while scale > 0 && mantissa.is_multiple_of(10) {
            mantissa /= 10;
            scale -= 1;
        }
        Ok(Self::from_parts(mantissa, scale))
    }

    /// Units of `10^-scale`.
    #[inline]
    pub fn mantissa(self) -> u64 {
        self.mantissa
    }

    /// Decimal places of one unit.
    #[inline]
    pub fn scale(self) -> u8 {
        self.scale_and_one.get() - 1
    }

    /// Whether the value is zero.
    #[inline]
    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// The same value with the smallest scale.
    #[must_use]
    pub fn normalized(self) -> Self {
        let (mut mantissa, mut scale) = (self.mantissa, self.scale());
        if mantissa == 0 {
            return Self::ZERO;
        }
        while scale > 0 && mantissa.is_multiple_of(10) {
            mantissa /= 10;
            scale -= 1;
        }
        Self::from_parts(mantissa, scale)
    }

    /// A value whose parts are known to be in range: it was a [`Decimal`] before.
    #[inline]
    pub(crate) const fn from_parts(mantissa: u64, scale: u8) -> Self {
        let scale_and_one = NonZeroU8::MIN.saturating_add(scale);
        Self {
            mantissa,
            scale_and_one,
        }
    }
}

/// The digits of a number before its exponent.
struct Digits {
    mantissa: u64,
    /// Decimal places that `mantissa` stands for.
    places: i32,
    /// Position of the first byte that is not part of it.
    at: usize,
}

impl Digits {
    fn read(text: &[u8]) -> Result<Self, DecimalError> {
        match text.first() {
            None => return Err(DecimalError::Empty),
            Some(b'-') => return Err(DecimalError::Negative),
            Some(_) => {}
        }
        let mut digits = Self {
            mantissa: 0,
            places: 0,
            at: 0,
        };
        // Zeros are held back until a digit follows: `1.50` is 15 with one place.
        let mut held_zeros = 0_u32;
        digits.run(text, &mut held_zeros, 0)?;
        if text.get(digits.at) == Some(&b'.') {
            digits.at += 1;
            digits.run(text, &mut held_zeros, 1)?;
        }
        if digits.mantissa != 0 {
            digits.places -= i32::try_from(held_zeros).map_err(|_| DecimalError::TooManyDigits)?;
        }
        Ok(digits)
    }

    /// Reads one run of digits; each moves the decimal point by `places_each`.
    fn run(&mut self, text: &[u8], held: &mut u32, places_each: i32) -> Result<(), DecimalError> {
        let start = self.at;
        while let Some(digit) = text
            .get(self.at)
            .map(|b| b.wrapping_sub(b'0'))
            .filter(|d| *d < 10)
        {
            self.at += 1;
            self.places += places_each;
            if digit == 0 && (self.mantissa == 0 || *held >= MAX_DIGITS) {
                *held += u32::from(self.mantissa != 0);
                continue;
            }
            if digit == 0 {
                *held += 1;
                continue;
            }
            for _ in 0..=*held {
                self.mantissa = self
                    .mantissa
                    .checked_mul(10)
                    .ok_or(DecimalError::TooManyDigits)?;
            }
            self.mantissa += u64::from(digit);
            *held = 0;
            if self.mantissa >= 1_000_000_000_000_000_000 {
                return Err(DecimalError::TooManyDigits);
            }
        }
        if self.at == start {
            Err(DecimalError::Syntax { at: self.at })
        } else {
            Ok(())
        }
    }

    fn checked(&self, exponent: i32) -> Result<Decimal, DecimalError> {
        in_range(self.mantissa, self.places.saturating_sub(exponent))
    }
}

fn read_exponent(text: &[u8], start: usize) -> Result<i32, DecimalError> {
    let (negative, first) = match text.get(start) {
        Some(b'-') => (true, start + 1),
        Some(b'+') => (false, start + 1),
        _ => (false, start),
    };
    let digits = text.get(first..).unwrap_or_default();
    if digits.is_empty() {
        return Err(DecimalError::Syntax { at: first });
    }
    let mut exponent = 0_i32;
    for (index, byte) in digits.iter().enumerate() {
        if !byte.is_ascii_digit() {
            return Err(DecimalError::Syntax { at: first + index });
        }
        exponent = exponent
            .saturating_mul(10)
            .saturating_add(i32::from(byte - b'0'));
    }
    Ok(if negative { -exponent } else { exponent })
}

/// Brings `mantissa * 10^-places` to a scale of zero or more and checks its size.
fn in_range(mantissa: u64, places: i32) -> Result<Decimal, DecimalError> {
    if mantissa == 0 {
        return Ok(Decimal::ZERO);
    }
    let (mut mantissa, mut places) = (mantissa, places);
    while mantissa.is_multiple_of(10) {
        mantissa /= 10;
        places = places.saturating_sub(1);
    }
    let digits = i32::try_from(mantissa.ilog10()).unwrap_or(0);
    // The exponent of the leading digit: 1e12 itself is in range, all else of that size is not.
    let leading = digits.saturating_sub(places);
    if leading > MAX_EXPONENT || (leading == MAX_EXPONENT && mantissa != 1) {
        return Err(DecimalError::TooLarge);
    }
    if leading < -MAX_EXPONENT {
        return Err(DecimalError::TooSmall);
    }
    if digits >= MAX_DIGITS.cast_signed() {
        return Err(DecimalError::TooManyDigits);
    }
    if let Ok(scale) = u8::try_from(places) {
        return Ok(Decimal::from_parts(mantissa, scale));
    }
    let grown = mantissa * 10_u64.pow(places.unsigned_abs());
    Ok(Decimal::from_parts(grown, 0))
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (left, right) = (u128::from(self.mantissa), u128::from(other.mantissa));
        match self.scale().cmp(&other.scale()) {
            Ordering::Equal => left.cmp(&right),
            // 10^18 * 10^29 exceeds 128 bits: an overflow says which side is larger.
            Ordering::Less => match scaled(left, other.scale() - self.scale()) {
                Some(left) => left.cmp(&right),
                None => Ordering::Greater,
            },
            Ordering::Greater => match scaled(right, self.scale() - other.scale()) {
                Some(right) => left.cmp(&right),
                None => Ordering::Less,
            },
        }
    }
}

fn scaled(units: u128, by: u8) -> Option<u128> {
    units.checked_mul(10_u128.checked_pow(u32::from(by))?)
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.normalized();
        write_scaled(f, &value.mantissa.to_string(), value.scale())
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes `digits` with the decimal point `scale` places from the right.
pub(crate) fn write_scaled(f: &mut fmt::Formatter<'_>, digits: &str, scale: u8) -> fmt::Result {
    let places = usize::from(scale);
    if places == 0 {
        return f.write_str(digits);
    }
    if let Some(split) = digits.len().checked_sub(places).filter(|split| *split > 0) {
        let (whole, fraction) = digits.split_at(split);
        return write!(f, "{whole}.{fraction}");
    }
    write!(f, "0.{digits:0>places$}")
}

#[cfg(test)]
mod tests;
