//! Whole numbers and decimals from text, eight digits at a time.

use stock_up_core::Decimal;

/// Most digits that always fit.
const MAX_DIGITS: usize = 19;

/// A time in ns, and what follows. Since 2001 it has 19 digits.
#[inline]
pub(super) fn time(text: &[u8]) -> Option<(u64, &[u8])> {
    let Some((head, after)) = text.split_first_chunk::<19>() else {
        return digits(text);
    };
    let word = |bytes: Option<&[u8; 8]>| bytes.map(|bytes| units_of(*bytes));
    let (first, last) = (word(head.first_chunk())?, word(head.last_chunk())?);
    let second = word(head.get(8..)?.first_chunk())?;
    let others = non_digits(first) | non_digits(second) | non_digits(last);
    if others != 0 || after.first().is_some_and(u8::is_ascii_digit) {
        return digits(text);
    }
    let high = eight_digits(first) * 100_000_000 + eight_digits(second);
    // The last word begins with five digits of the second.
    Some((high * 1_000 + eight_digits(last >> 40 << 40), after))
}

/// A price or size in plain notation of at most 18 digits, and what follows.
#[inline]
pub(crate) fn decimal(text: &[u8]) -> Option<(Decimal, &[u8])> {
    let (units, scale, rest) = match text.first_chunk().and_then(short) {
        Some((units, scale, length)) => (units, scale, text.get(length..)?),
        None => long(text)?,
    };
    let value = Decimal::new(units, u8::try_from(scale).ok()?).ok()?;
    Some((value, rest))
}

/// Units, places and length of a decimal of at most eight bytes, if the ninth shows that it ends.
#[inline]
fn short(text: &[u8; 9]) -> Option<(u64, usize, usize)> {
    let word = u64::from_le_bytes(*text.first_chunk()?);
    let units = word ^ ALL_ZEROS;
    let others = non_digits(units);
    let whole = others.trailing_zeros() / 8;
    let is_point = word.checked_shr(8 * whole)? & 0xff == u64::from(b'.');
    let (digits, count, end) = if is_point {
        let end = (others & (others - 1)).trailing_zeros() / 8;
        let [.., ninth] = text;
        if end == whole + 1 || (end == 8 && ninth.is_ascii_digit()) {
            return None;
        }
        // The digits behind the point move to its place.
        let before = units & ((1 << (8 * whole)) - 1);
        let behind = (units >> (8 * whole) >> 8) << (8 * whole);
        (before | behind, end - 1, end)
    } else {
        (units, whole, whole)
    };
    if whole == 0 {
        return None;
    }
    let number = eight_digits(digits << (64 - 8 * count));
    Some((number, (count - whole) as usize, end as usize))
}

/// The same for any decimal.
#[cold]
#[inline(never)]
fn long(text: &[u8]) -> Option<(u64, usize, &[u8])> {
    let (whole, rest) = digits(text)?;
    let whole_digits = text.len() - rest.len();
    let Some(fraction_text) = rest.strip_prefix(b".") else {
        return (whole_digits <= 18).then_some((whole, 0, rest));
    };
    let (fraction, rest) = digits(fraction_text)?;
    let scale = fraction_text.len() - rest.len();
    if whole_digits + scale > 18 {
        return None;
    }
    Some((whole * POWERS.get(scale)? + fraction, scale, rest))
}

/// At least one and at most 19 digits, and what follows.
#[cold]
#[inline(never)]
fn digits(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut rest, mut count) = (0_u64, text, 0);
    while let Some(block) = rest.first_chunk::<8>() {
        let (number, length) = leading_digits(*block);
        count += length;
        if count > MAX_DIGITS {
            return None;
        }
        value = value * POWERS.get(length)? + number;
        rest = rest.get(length..)?;
        if length < 8 {
            return (count > 0).then_some((value, rest));
        }
    }
    while let Some((digit, after)) = rest.split_first()
        && digit.is_ascii_digit()
    {
        count += 1;
        if count > MAX_DIGITS {
            return None;
        }
        value = value * 10 + u64::from(digit - b'0');
        rest = after;
    }
    (count > 0).then_some((value, rest))
}

const ALL_ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

/// The number that the digits at the start of eight bytes say, and how many they are.
#[inline]
fn leading_digits(block: [u8; 8]) -> (u64, usize) {
    let units = units_of(block);
    let length = non_digits(units).trailing_zeros() / 8;
    // Moved up, so that zeros stand before them.
    let moved = units.checked_shl(64 - 8 * length).unwrap_or(0);
    (eight_digits(moved), length as usize)
}

/// What each byte says if it is a digit: 0 to 9.
#[inline]
pub(crate) fn units_of(block: [u8; 8]) -> u64 {
    u64::from_le_bytes(block) ^ ALL_ZEROS
}

/// The top bit of each byte that is not 0 to 9. A carry reaches only bytes behind one above 137.
#[inline]
pub(crate) fn non_digits(units: u64) -> u64 {
    (units.wrapping_add(0x7676_7676_7676_7676) | units) & 0x8080_8080_8080_8080
}

/// The number that eight bytes of 0 to 9 say: neighbours are added up to pairs, fours and eight.
#[inline]
pub(crate) fn eight_digits(units: u64) -> u64 {
    let pairs = (units.wrapping_mul(10).wrapping_add(units >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

const POWERS: [u64; 19] = {
    let mut powers = [1; 19];
    let mut index = 1;
    while index < 19 {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fast_numbers_are_those_of_core(text in "[0-9]{0,20}(\\.[0-9]{0,20})?[,x]{0,9}") {
            if let Some((value, rest)) = decimal(text.as_bytes()) {
                let taken = text.len() - rest.len();
                let exact = Decimal::parse(&text.as_bytes()[..taken]).unwrap();
                prop_assert_eq!(
                    (value.mantissa(), value.scale()),
                    (exact.mantissa(), exact.scale())
                );
            }
            prop_assert_eq!(time(text.as_bytes()), digits(text.as_bytes()));
            let read = text.as_bytes().first_chunk().and_then(short);
            if let Some((number, scale, length)) = read {
                let long = long(text.as_bytes());
                prop_assert_eq!(long, Some((number, scale, &text.as_bytes()[length..])));
            }
            let run = text.bytes().take_while(u8::is_ascii_digit).count();
            let expected = (1..=MAX_DIGITS)
                .contains(&run)
                .then(|| (text[..run].parse().unwrap(), &text.as_bytes()[run..]));
            prop_assert_eq!(digits(text.as_bytes()), expected);
        }

        #[test]
        fn a_short_decimal_is_a_long_one(text in "[0-9]{0,4}[.x]{0,2}[0-9]{0,4}[.,x\u{80}\u{ff}]{0,2}[0-9]{2,3}") {
            let read = text.as_bytes().first_chunk().and_then(short);
            if let Some((number, scale, length)) = read {
                let expected = long(text.as_bytes());
                prop_assert_eq!(expected, Some((number, scale, &text.as_bytes()[length..])));
            }
        }

        #[test]
        fn leading_digits_are_known_in_any_eight_bytes(
            mut block in any::<[u8; 8]>(), number in 0_u64..100_000_000, length in 0..=8_usize,
        ) {
            let text = format!("{number:08}");
            block[..length].copy_from_slice(&text.as_bytes()[..length]);
            let run = block.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let digits = std::str::from_utf8(&block[..run]).unwrap();
            prop_assert_eq!(leading_digits(block), (digits.parse().unwrap_or(0), run));
        }
    }
}
