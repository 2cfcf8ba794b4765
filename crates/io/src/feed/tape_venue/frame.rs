//! Trades as Finnhub writes them.
//!
//! `{"data":[{"c":["1","8"],"p":317.775,"s":"AAPL","t":1787924136086,"v":200}],"type":"trade"}`,
//! numbers as the exact decimals of the tape; the conditions are one entry of `c` as they stand on
//! the tape.

use std::fmt::Write as _;

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::reel::ReelTrade;
use crate::feed::finnhub::write_quoted;

/// The ping text of the protocol.
pub(super) const PING: Utf8Bytes = Utf8Bytes::from_static("{\"type\":\"ping\"}");

/// Half a frame.
pub(super) const GARBAGE: Utf8Bytes = Utf8Bytes::from_static("{\"data\":[{\"p\":1.5,\"s\":");

const MILLISECOND: i64 = 1_000_000;

/// A frame that is being filled.
#[derive(Debug, Default)]
pub(super) struct FrameBuilder {
    items: String,
    /// Where each item ends.
    ends: Vec<usize>,
    /// How often the frame goes out; 0 counts as 1.
    pub(super) repeat: u32,
    /// The items go out in reverse order.
    pub(super) reversed: bool,
}

impl FrameBuilder {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn push(&mut self, next: &ReelTrade<'_>) {
        let items = &mut self.items;
        if next.conditions.is_empty() {
            items.push_str("{\"c\":null,\"p\":");
        } else {
            items.push_str("{\"c\":[");
            write_quoted(next.conditions, items);
            items.push_str("],\"p\":");
        }
        let trade = next.trade;
        let written = write!(items, "{},\"s\":", trade.price).and_then(|()| {
            write_quoted(next.symbol, items);
            let millis = trade.ts_event.div_euclid(MILLISECOND);
            write!(items, ",\"t\":{millis},\"v\":{}}}", trade.size)
        });
        written.expect("a String takes any text");
        self.ends.push(items.len());
    }

    /// Takes the frame, and how often it goes out; `None` when there is no trade in it.
    pub(super) fn take(&mut self) -> Option<(Utf8Bytes, u32)> {
        if self.ends.is_empty() {
            return None;
        }
        let mut frame = String::with_capacity(self.items.len() + self.ends.len() + 32);
        frame.push_str("{\"data\":[");
        if self.reversed {
            self.items_of().rev().for_each(|item| add(item, &mut frame));
        } else {
            self.items_of().for_each(|item| add(item, &mut frame));
        }
        frame.push_str("],\"type\":\"trade\"}");
        let times = self.repeat.max(1);
        self.items.clear();
        self.ends.clear();
        (self.repeat, self.reversed) = (0, false);
        Some((frame.into(), times))
    }

    fn items_of(&self) -> impl DoubleEndedIterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let bounds: Vec<_> = starts.zip(self.ends.iter().copied()).collect();
        bounds
            .into_iter()
            .map(|(start, end)| &self.items[start..end])
    }
}

fn add(item: &str, frame: &mut String) {
    if !frame.ends_with('[') {
        frame.push(',');
    }
    frame.push_str(item);
}

/// A complaint in the protocol's words.
pub(super) fn error(text: &str) -> Utf8Bytes {
    let mut message = String::from("{\"msg\":");
    write_quoted(text, &mut message);
    message.push_str(",\"type\":\"error\"}");
    message.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stock_up_core::{Decimal, TradeBatch};

    #[test]
    fn a_frame_is_what_the_protocol_says() {
        let mut batch = TradeBatch::default();
        let number = |text: &str| Decimal::parse(text.as_bytes()).unwrap();
        let time = 1_381_219_217_034_000_000;
        batch.push(
            "SPY",
            time,
            (number("167.42"), number("210")),
            "ex=Q;flags=2000;susp=0",
        );
        batch.push("A:\"B", time + 1, (number("1e-7"), number("0.00126")), "");
        let mut builder = FrameBuilder::default();
        for reversed in [false, true] {
            for trade in &batch.trades {
                let [symbol, conditions] =
                    [trade.symbol, trade.conditions].map(|id| batch.names.get(id));
                builder.push(&ReelTrade {
                    symbol,
                    conditions,
                    trade,
                });
            }
            builder.reversed = reversed;
            builder.repeat = u32::from(reversed) * 3;
            let (frame, times) = builder.take().unwrap();
            let first = r#"{"c":["ex=Q;flags=2000;susp=0"],"p":167.42,"s":"SPY","t":1381219217034,"v":210}"#;
            let second = r#"{"c":null,"p":0.0000001,"s":"A:\"B","t":1381219217034,"v":0.00126}"#;
            let items = if reversed {
                format!("{second},{first}")
            } else {
                format!("{first},{second}")
            };
            assert_eq!(
                frame.as_str(),
                format!(r#"{{"data":[{items}],"type":"trade"}}"#)
            );
            assert_eq!(times, if reversed { 3 } else { 1 });
        }
        assert!(builder.take().is_none());
    }
}
