//! What can be wrong with a frame, or with one trade in it.
//!
//! Venues send surprising things, and none of it may stop the feed: a frame that cannot be read is
//! dropped as a whole, a trade that cannot be right is dropped alone, and both are counted by
//! reason and shown by one example.

use stock_up_core::DecimalError;
use thiserror::Error;

/// Longest example of a bad input that is shown, in characters.
const EXAMPLE_CHARS: usize = 200;

/// Why a frame as a whole was dropped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadFrame {
    /// Not JSON, or cut off.
    #[error("bad frame: invalid JSON at byte {at}")]
    Json {
        /// Byte position, from 0.
        at: usize,
    },
    /// JSON, but not what the protocol sends.
    #[error("bad frame: expected object with \"type\"")]
    Shape,
    /// Text that is not UTF-8.
    #[error("bad frame: invalid UTF-8 at byte {at}")]
    Utf8 {
        /// Byte position, from 0.
        at: usize,
    },
    /// Brackets in brackets without end.
    #[error("bad frame: nested deeper than {max} at byte {at}")]
    Deep {
        /// Byte position, from 0.
        at: usize,
        /// The limit.
        max: u32,
    },
    /// The trades are not a list.
    #[error("bad frame: data must be an array")]
    NoData,
    /// More trades than a batch may hold.
    #[error("bad frame: too many trades in one frame (limit {max})")]
    TooManyTrades {
        /// The limit.
        max: usize,
    },
    /// More bytes than a frame may have.
    #[error("bad frame: {size} bytes, at most {max}")]
    TooLong {
        /// Its length.
        size: usize,
        /// The limit.
        max: usize,
    },
    /// Bytes where text is due.
    #[error("bad frame: binary, expected text")]
    Binary,
    /// Not a websocket frame at all, or one that breaks the rules.
    #[error("bad frame: {problem}")]
    Protocol {
        /// Which rule.
        problem: String,
    },
    /// A message that this program does not know; no trades are lost by it.
    #[error("unknown message type `{name}`")]
    UnknownType {
        /// The type, cut short.
        name: String,
    },
}

impl BadFrame {
    /// The reason as one word, for counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Json { .. } => "json",
            Self::Shape => "shape",
            Self::Utf8 { .. } => "utf8",
            Self::Deep { .. } => "deep",
            Self::NoData => "data",
            Self::TooManyTrades { .. } => "too_many_trades",
            Self::TooLong { .. } => "too_long",
            Self::Binary => "binary",
            Self::Protocol { .. } => "protocol",
            Self::UnknownType { .. } => "unknown_type",
        }
    }

    /// Whether trades may have been in it.
    pub fn may_lose_trades(&self) -> bool {
        !matches!(self, Self::UnknownType { .. })
    }
}

/// Why one trade of a frame was dropped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadTrade {
    /// The entry of the list is no object.
    #[error("trade is not an object")]
    Shape,
    /// A field is not there.
    #[error("`{field}` is missing")]
    Missing {
        /// Its name in the message.
        field: char,
    },
    /// A field is of another kind, such as a number in quotes.
    #[error("`{field}` is not a {wanted}")]
    Kind {
        /// Its name in the message.
        field: char,
        /// What it should be.
        wanted: &'static str,
    },
    /// A field occurs twice: which one is meant?
    #[error("`{field}` occurs twice")]
    Twice {
        /// Its name in the message.
        field: char,
    },
    /// The price cannot be taken exactly.
    #[error("price out of range: {0}")]
    Price(DecimalError),
    /// A price of zero.
    #[error("price out of range: number is zero")]
    ZeroPrice,
    /// The size cannot be taken exactly.
    #[error("size out of range: {0}")]
    Size(DecimalError),
    /// The time is no time in milliseconds.
    #[error("timestamp {text} {problem}")]
    Time {
        /// The time as sent, cut short.
        text: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A symbol that cannot be one.
    #[error("{0}")]
    Symbol(&'static str),
    /// A character that has no place in a symbol or a condition.
    #[error("illegal character U+{code:04X} in {place}")]
    Character {
        /// Its code point.
        code: u32,
        /// Where it stands.
        place: &'static str,
    },
    /// Nobody asked for this symbol, or not any more.
    #[error("symbol not subscribed")]
    Unsubscribed,
    /// The conditions are no list of texts or numbers.
    #[error("conditions are not a list of codes")]
    Conditions,
    /// The conditions are longer than a trade may carry.
    #[error("conditions are longer than 256 bytes")]
    LongConditions,
}

impl BadTrade {
    /// The reason as one word, for counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Shape | Self::Missing { .. } | Self::Kind { .. } | Self::Twice { .. } => {
                "trade_shape"
            }
            Self::Price(_) | Self::ZeroPrice => "price",
            Self::Size(_) => "size",
            Self::Time { .. } => "time",
            Self::Symbol(_) | Self::Character { .. } => "symbol",
            Self::Unsubscribed => "unsubscribed",
            Self::Conditions | Self::LongConditions => "conditions",
        }
    }
}

/// Something bad, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCount {
    /// The reason as one word, out of a fixed set.
    pub reason: &'static str,
    /// How often since the last report.
    pub count: u64,
    /// The first of them, in words.
    pub example: String,
    /// Trades that were wanted may be among what was dropped.
    pub may_lose_trades: bool,
}

/// Counts bad input by reason. The reasons are few, so the list stays short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BadCounts(Vec<BadCount>);

impl BadCounts {
    /// Whether nothing was bad.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The counts, in the order in which the reasons first occurred.
    pub fn as_slice(&self) -> &[BadCount] {
        &self.0
    }

    /// How often `reason` occurred.
    pub fn count(&self, reason: &str) -> u64 {
        let found = self.0.iter().find(|bad| bad.reason == reason);
        found.map_or(0, |bad| bad.count)
    }

    /// Counts a frame.
    pub fn frame(&mut self, bad: &BadFrame) {
        self.add(bad.name(), bad.may_lose_trades(), || bad.to_string());
    }

    /// Counts the trade at `index` of its frame.
    pub fn trade(&mut self, index: usize, bad: &BadTrade) {
        let wanted = !matches!(bad, BadTrade::Unsubscribed);
        self.add(bad.name(), wanted, || format!("trade {index}: {bad}"));
    }

    /// Adds what another counted after this.
    pub fn merge(&mut self, other: Self) {
        for bad in other.0 {
            if let Some(known) = self.0.iter_mut().find(|known| known.reason == bad.reason) {
                known.count += bad.count;
            } else {
                self.0.push(bad);
            }
        }
    }

    fn add(&mut self, reason: &'static str, may_lose_trades: bool, text: impl Fn() -> String) {
        if let Some(known) = self.0.iter_mut().find(|known| known.reason == reason) {
            known.count += 1;
            return;
        }
        self.0.push(BadCount {
            reason,
            count: 1,
            example: printable(&text(), EXAMPLE_CHARS),
            may_lose_trades,
        });
    }
}

/// A text from outside as one that is safe to show: short and without control characters.
pub(super) fn printable(text: &str, max_chars: usize) -> String {
    let shown = text.chars().take(max_chars);
    shown
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_input_is_counted_by_reason_with_its_first_example() {
        let mut counts = BadCounts::default();
        counts.frame(&BadFrame::Json { at: 17 });
        counts.frame(&BadFrame::Json { at: 3 });
        let mut more = BadCounts::default();
        more.trade(4, &BadTrade::ZeroPrice);
        more.frame(&BadFrame::Json { at: 5 });
        counts.merge(more);
        assert_eq!(counts.count("json"), 3);
        assert_eq!(
            counts.as_slice()[0].example,
            "bad frame: invalid JSON at byte 17"
        );
        let example = &counts.as_slice()[1].example;
        assert_eq!(example, "trade 4: price out of range: number is zero");
        assert_eq!(counts.count("time"), 0);
    }
}
