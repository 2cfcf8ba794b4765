//! The market as Finnhub's frames: US stocks, whose trades carry conditions.
//!
//! `{"data":[{"c":["1","8"],"p":317.77,"s":"AAPL","t":1787924136086,"v":200}],"type":"trade"}`

use std::fmt::Write as _;

use crate::tape::{Print, name};

/// Trades of a frame.
pub(crate) const FRAME_TRADES: usize = 25;

/// Below this many shares a trade is an odd lot, which its conditions say.
const ROUND_LOT: u32 = 100;

/// The keys of a trade in the orders that stand in the frames, one order per frame.
const ORDERS: [&str; 4] = ["cpstv", "tpvcs", "sptvc", "vtspc"];

/// All frames of a tape, keys in changing order.
pub(crate) fn frames(prints: &[Print]) -> Vec<String> {
    prints
        .chunks(FRAME_TRADES)
        .zip(ORDERS.iter().cycle())
        .map(|(prints, order)| frame(prints, order))
        .collect()
}

fn frame(prints: &[Print], order: &str) -> String {
    let mut text = String::from("{\"data\":[");
    for print in prints {
        for (at, key) in order.chars().enumerate() {
            text.push(if at == 0 { '{' } else { ',' });
            write!(text, "\"{key}\":").expect("a String takes any text");
            write_value(key, print, &mut text);
        }
        text.push_str("},");
    }
    text.pop();
    text.push_str("],\"type\":\"trade\"}");
    text
}

fn write_value(key: char, print: &Print, text: &mut String) {
    let written = match key {
        'c' if print.size < ROUND_LOT => write!(text, "[\"1\",\"12\"]"),
        'c' => write!(text, "[\"1\",\"8\"]"),
        'p' => write!(text, "{}.{:02}", print.cents / 100, print.cents % 100),
        's' => write!(text, "\"{}\"", name(print.symbol)),
        't' => write!(text, "{}", print.time_ms),
        _ => write!(text, "{}", print.size),
    };
    written.expect("a String takes any text");
}
