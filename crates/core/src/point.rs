//! What the analyzer says: a window's numbers at a time, and how far they can be trusted.

use std::fmt;

use crate::decimal::{Decimal, write_scaled};
use crate::unit::Wide;

/// How far a point can be trusted; later variants are worse and win over earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The feed was provably live for the whole window, and the state is whole.
    Complete,
    /// The feed has not been heard from since the end of the window; it may yet be complete.
    Provisional,
    /// The window reaches back before the observation began.
    Warming,
    /// The connection answers, but the venue has sent no trade for longer than its setting allows.
    Stale,
    /// The window overlaps an interval in which trades may have been missed.
    Gap,
}

impl Status {
    /// All states, best first.
    pub const ALL: [Self; 5] = [
        Self::Complete,
        Self::Provisional,
        Self::Warming,
        Self::Stale,
        Self::Gap,
    ];

    /// The state as it is written everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Provisional => "provisional",
            Self::Warming => "warming",
            Self::Stale => "stale",
            Self::Gap => "gap",
        }
    }
}

/// An exact sum of sizes: `units * 10^-scale`.
///
/// Sums can need more than 64 bits, and hundreds when one window mixes the extremes of the range.
#[derive(Clone, PartialEq, Eq)]
pub struct Volume {
    units: Units,
    scale: u8,
}

#[derive(Clone, PartialEq, Eq)]
enum Units {
    Narrow(u64),
    /// What does not fit the other.
    Wide(Box<Wide>),
}

impl Volume {
    /// No volume.
    pub const ZERO: Self = Self {
        units: Units::Narrow(0),
        scale: 0,
    };

    #[inline]
    pub(crate) fn narrow(units: u64, scale: u8) -> Self {
        Self {
            units: Units::Narrow(units),
            scale: if units == 0 { 0 } else { scale },
        }
    }

    #[cold]
    pub(crate) fn wide(units: Wide, scale: u8) -> Self {
        Self {
            units: Units::Wide(Box::new(units)),
            scale,
        }
    }

    /// Reads what [`Volume`] displays.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let scale = u8::try_from(fraction.len()).ok()?;
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        if let Ok(units) = digits.parse() {
            return Some(Self::narrow(units, scale));
        }
        Some(Self::wide(Wide::parse_str_radix_checked(&digits)?, scale))
    }

    /// The sum as `units * 10^-scale`, if 64 bits hold the units: nearly always.
    #[inline]
    pub fn parts(&self) -> Option<(u64, u8)> {
        match &self.units {
            Units::Narrow(units) => Some((*units, self.scale)),
            Units::Wide(_) => None,
        }
    }

    /// The nearest `f64`, for sinks that know no decimals.
    pub fn to_f64(&self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The volume as a whole number, if it is one that fits.
    pub fn to_i64(&self) -> Option<i64> {
        match self.parts() {
            Some((units, 0)) => i64::try_from(units).ok(),
            _ => self.to_string().parse().ok(),
        }
    }
}

impl fmt::Display for Volume {
    /// Plain notation, exact, without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match &self.units {
            Units::Narrow(units) => units.to_string(),
            Units::Wide(units) => units.to_string(),
        };
        let zeros = digits.bytes().rev().take_while(|b| *b == b'0').count();
        let dropped = zeros.min(usize::from(self.scale)).min(digits.len() - 1);
        let kept = digits.get(..digits.len() - dropped).unwrap_or(&digits);
        let scale = self.scale - u8::try_from(dropped).unwrap_or(0);
        if kept == "0" {
            f.write_str("0")
        } else {
            write_scaled(f, kept, scale)
        }
    }
}

impl fmt::Debug for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The numbers of one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// Number of trades.
    pub transactions: u64,
    /// Sum of sizes.
    pub volume: Volume,
    /// Price of the trade with the greatest event time, the last in log order among equals.
    pub last_price: Option<Decimal>,
    /// Lowest price.
    pub min_price: Option<Decimal>,
    /// Highest price.
    pub max_price: Option<Decimal>,
    /// Sum of prices over the number of trades: the f64 nearest the exact quotient.
    pub mean_price: Option<f64>,
    /// Sum of price times size over the sum of sizes: the f64 nearest the exact quotient.
    pub vwap: Option<f64>,
    /// Mean squared distance of the prices from their mean (population variance); relative error
    /// at most 1e-9.
    pub variance: Option<f64>,
}

impl Metrics {
    /// The numbers of a window without trades.
    pub const EMPTY: Self = Self {
        transactions: 0,
        volume: Volume::ZERO,
        last_price: None,
        min_price: None,
        max_price: None,
        mean_price: None,
        vwap: None,
        variance: None,
    };
}

/// Names a symbol of one [`crate::Analyzer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SymbolId(pub u32);

/// A window's numbers at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The symbol, by its number in the analyzer.
    pub symbol: SymbolId,
    /// Length of the window.
    pub window: crate::Span,
    /// End of the window: ns since the Unix epoch, UTC.
    pub time: i64,
    /// How often this point was emitted before.
    pub revision: u32,
    /// How far to trust it.
    pub status: Status,
    /// Share of the window that was provably observed, 0 to 1.
    pub coverage: f64,
    /// The numbers.
    pub metrics: Metrics,
}
