//! Smooth noise over time, as a function: the same time gives the same value, whatever came before.
//!
//! That is what lets the simulated market be started at any moment, stopped and started again, and
//! still show one continuous price.

use crate::chance::Chance;

/// Scale of the values: parts per million.
pub(super) const MILLION: i64 = 1_000_000;

/// Periods in ms and swings in parts per million of the price: hours move it by percents, seconds
/// by hundredths of percents.
const OCTAVES: [(i64, i64); 6] = [
    (14_400_000, 20_000),
    (2_700_000, 8_000),
    (600_000, 3_500),
    (120_000, 1_400),
    (20_000, 450),
    (3_000, 120),
];

/// How far the price is from its base at `time_ms`, in parts per million.
pub(super) fn drift(seed: u64, time_ms: i64) -> i64 {
    let octave = |(salt, (period, swing)): (u64, (i64, i64))| {
        wave(seed.wrapping_add(salt), time_ms, period) * swing / MILLION
    };
    (1..).zip(OCTAVES).map(octave).sum()
}

/// A value in -1,000,000 ..= 1,000,000 that changes smoothly within `period`.
fn wave(seed: u64, time_ms: i64, period: i64) -> i64 {
    let (knot, within) = (time_ms.div_euclid(period), time_ms.rem_euclid(period));
    let (left, right) = (knot_value(seed, knot), knot_value(seed, knot + 1));
    // 3x² - 2x³: flat at the knots, so that the way goes on where it came from.
    let x = within * MILLION / period;
    let squared = x * x / MILLION;
    let eased = 3 * squared - 2 * squared * x / MILLION;
    left + (right - left) * eased / MILLION
}

fn knot_value(seed: u64, knot: i64) -> i64 {
    let mut chance = Chance::new(seed ^ knot.cast_unsigned().wrapping_mul(0xd6e8_feb8_6659_fd93));
    let value = chance.below(2 * MILLION.unsigned_abs() + 1);
    value.cast_signed() - MILLION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_smooth_bounded_and_repeatable() {
        let bound: i64 = OCTAVES.iter().map(|(_, swing)| swing).sum();
        let (mut before, mut least, mut most) = (drift(7, 0), i64::MAX, i64::MIN);
        for time in (0..40_000_000).step_by(100) {
            let value = drift(7, time);
            assert!(value.abs() <= bound);
            assert!((value - before).abs() < 120, "{time}: {before} {value}");
            (before, least, most) = (value, least.min(value), most.max(value));
        }
        assert!(most - least > 10_000, "{least} {most}");
        assert_eq!(drift(7, 39_999_900), before);
        assert_ne!(drift(8, 39_999_900), before);
    }
}
