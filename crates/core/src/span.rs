//! Lengths of time as text: `60s`, `5m`, `250ms`.

use std::fmt;

use thiserror::Error;

const UNITS: [(&str, i64); 6] = [
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];
const DAY: (&str, i64) = ("d", 86_400_000_000_000);

/// A length of time in ns, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

/// Why a text is no [`Span`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpanError {
    /// A number without its unit.
    #[error("`{0}` has no unit; expected a duration like \"60s\"")]
    NoUnit(String),
    /// Something else.
    #[error("`{0}` is no duration; expected one like \"60s\", \"5m\", \"1h\" or \"250ms\"")]
    Syntax(String),
    /// More than 64 bits of ns.
    #[error("`{0}` is too long a time")]
    TooLong(String),
}

impl Span {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// A length in ns; a negative one counts as zero.
    pub const fn from_ns(ns: i64) -> Self {
        Self(if ns < 0 { 0 } else { ns })
    }

    /// A length in whole seconds.
    pub const fn from_secs(secs: u32) -> Self {
        Self(secs as i64 * 1_000_000_000)
    }

    /// The length in ns.
    pub const fn ns(self) -> i64 {
        self.0
    }

    /// Reads `60s`, `5m`, `1h`, `1d`, `250ms`, `10us`, `7ns`.
    ///
    /// # Errors
    /// [`SpanError`] names the text.
    pub fn parse(text: &str) -> Result<Self, SpanError> {
        let text = text.trim();
        let split = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        if number.is_empty() {
            return Err(SpanError::Syntax(text.to_owned()));
        }
        if unit.is_empty() {
            return Err(SpanError::NoUnit(text.to_owned()));
        }
        let (_, ns) = UNITS
            .iter()
            .chain([&DAY])
            .find(|(name, _)| *name == unit)
            .ok_or_else(|| SpanError::Syntax(text.to_owned()))?;
        number
            .parse::<i64>()
            .ok()
            .and_then(|number| number.checked_mul(*ns))
            .map(Self)
            .ok_or_else(|| SpanError::TooLong(text.to_owned()))
    }
}

impl fmt::Display for Span {
    /// Seconds where they are whole (`60s`, also for `1m`), else the largest unit that is whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, ns) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
            if self.0 % ns == 0 {
                return write!(f, "{}{unit}", self.0 / ns);
            }
        }
        write!(f, "{}ns", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_read_and_written_in_one_way() {
        for (text, written) in [
            ("60s", "60s"),
            ("5m", "300s"),
            ("1h", "3600s"),
            ("250ms", "250ms"),
            ("1500ms", "1500ms"),
            ("0s", "0s"),
            (" 1d ", "86400s"),
            ("7ns", "7ns"),
        ] {
            assert_eq!(Span::parse(text).unwrap().to_string(), written);
        }
    }

    #[test]
    fn what_is_no_length_is_refused_by_name() {
        assert_eq!(Span::parse("60"), Err(SpanError::NoUnit("60".into())));
        for text in ["", "s", "-1s", "1.5s", "60 s", "1w", "60S"] {
            assert_eq!(
                Span::parse(text),
                Err(SpanError::Syntax(text.into())),
                "{text}"
            );
        }
        assert_eq!(
            Span::parse("99999999999h"),
            Err(SpanError::TooLong("99999999999h".into()))
        );
    }
}
