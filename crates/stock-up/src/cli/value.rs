//! How the values of arguments are read.

use clap::ValueEnum;
use jiff::Timestamp;
use stock_up_core::trade::symbol_problem;
use stock_up_core::{Conditions, Span, SpanError};

/// A length of time, such as `60s`.
pub(super) fn span(text: &str) -> Result<Span, SpanError> {
    Span::parse(text)
}

/// A moment: ns since 1970, or RFC 3339.
pub(super) fn time(text: &str) -> Result<i64, String> {
    if let Ok(ns) = text.parse() {
        return Ok(ns);
    }
    let expected = "expected ns since 1970 or a time like 2013-10-08T13:30:00Z";
    let moment: Timestamp = text.parse().map_err(|_| expected.to_owned())?;
    i64::try_from(moment.as_nanosecond())
        .map_err(|_| "time is before 1677 or after 2262".to_owned())
}

/// A moment for people: RFC 3339 where that can say it.
pub(super) fn shown_time(ns: i64) -> String {
    let moment = Timestamp::from_nanosecond(i128::from(ns));
    moment.map_or_else(|_| ns.to_string(), |moment| moment.to_string())
}

/// One symbol; blanks around it are not part of it.
pub(super) fn symbol(text: &str) -> Result<String, String> {
    let symbol = text.trim();
    symbol_problem(symbol).map_or_else(|| Ok(symbol.to_owned()), |problem| Err(problem.to_owned()))
}

/// Which trades may move which numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ConditionsName {
    /// Every trade moves every number
    All,
    /// As the US consolidated tape has it, by the conditions of the trades
    Sip,
}

impl From<ConditionsName> for Conditions {
    fn from(name: ConditionsName) -> Self {
        match name {
            ConditionsName::All => Self::All,
            ConditionsName::Sip => Self::Sip,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_ns_or_rfc_3339() {
        assert_eq!(time("1381239000000000000"), Ok(1_381_239_000_000_000_000));
        assert_eq!(time("2013-10-08T13:30:00Z"), Ok(1_381_239_000_000_000_000));
        assert_eq!(
            time("2013-10-08T09:30:00.5-04:00"),
            Ok(1_381_239_000_500_000_000)
        );
        assert_eq!(time("-1"), Ok(-1));
        for wrong in [
            "",
            "yesterday",
            "2013-10-08",
            "99999999999999999999",
            "9999-01-01T00:00:00Z",
        ] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_symbol_has_no_blanks_around_it() {
        assert_eq!(symbol(" SPY "), Ok("SPY".to_owned()));
        assert_eq!(symbol(""), Err("symbol is empty".to_owned()));
    }
}
