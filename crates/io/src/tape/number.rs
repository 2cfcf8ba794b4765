//! Whole numbers and decimals from text, eight digits at a time.

use stock_up_core::Decimal;

use super::memo::Decimals;

/// Most digits that always fit.
const MAX_DIGITS: usize = 19;

/// A price or size in plain notation of at most 18 digits, and what follows.
#[inline]
pub(super) fn decimal<'a>(text: &'a [u8], memo: &mut Decimals) -> Option<(Decimal, &'a [u8])> {
    let (whole, rest) = digits(text)?;
    let whole_digits = text.len() - rest.len();
    let (units, scale, rest) = match rest.split_first() {
        Some((b'.', fraction_text)) => {
            let (fraction, rest) = digits(fraction_text)?;
            let scale = fraction_text.len() - rest.len();
            if whole_digits + scale > 18 {
                return None;
            }
            (whole * POWERS.get(scale)? + fraction, scale, rest)
        }
        _ if whole_digits <= 18 => (whole, 0, rest),
        _ => return None,
    };
    let value = memo.get(units, u8::try_from(scale).ok()?)?;
    Some((value, rest))
}

/// At least one and at most 19 digits, and what follows.
#[inline]
pub(super) fn digits(text: &[u8]) -> Option<(u64, &[u8])> {
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

/// The number that the digits at the start of eight bytes say, and how many they are.
///
/// All within one register: the digits are moved up so that zeros stand before them, then neighbours are
/// added up to pairs, fours and eight.
#[inline]
fn leading_digits(block: [u8; 8]) -> (u64, usize) {
    let units = u64::from_le_bytes(block) ^ 0x3030_3030_3030_3030;
    // The top bit of each byte that is no digit. A carry reaches only bytes behind such a one.
    let others = (units.wrapping_add(0x7676_7676_7676_7676) | units) & 0x8080_8080_8080_8080;
    let length = others.trailing_zeros() / 8;
    let Some(units) = units.checked_shl(64 - 8 * length) else {
        return (0, 0);
    };
    let pairs = (units.wrapping_mul(10).wrapping_add(units >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    let number = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
    (number, length as usize)
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
            if let Some((value, rest)) = decimal(text.as_bytes(), &mut Decimals::new()) {
                let taken = text.len() - rest.len();
                let exact = Decimal::parse(&text.as_bytes()[..taken]).unwrap();
                prop_assert_eq!(
                    (value.mantissa(), value.scale()),
                    (exact.mantissa(), exact.scale())
                );
            }
            let run = text.bytes().take_while(u8::is_ascii_digit).count();
            let expected = (1..=MAX_DIGITS)
                .contains(&run)
                .then(|| (text[..run].parse().unwrap(), &text.as_bytes()[run..]));
            prop_assert_eq!(digits(text.as_bytes()), expected);
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
