//! The peer: `serde_json` into the structures that one writes for this message.

use serde::Deserialize;

use super::Sums;

#[derive(Deserialize)]
struct Borrowed<'a> {
    #[serde(borrow)]
    data: Vec<BorrowedTrade<'a>>,
    #[serde(rename = "type")]
    kind: &'a str,
}

#[derive(Deserialize)]
struct BorrowedTrade<'a> {
    #[serde(borrow)]
    c: Option<Vec<&'a str>>,
    p: f64,
    s: &'a str,
    t: u64,
    v: f64,
}

#[derive(Deserialize)]
struct Owned {
    data: Vec<OwnedTrade>,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct OwnedTrade {
    c: Option<Vec<String>>,
    p: f64,
    s: String,
    t: u64,
    v: f64,
}

/// Texts stay in the frame.
pub(super) fn borrowed(frames: &[String]) -> Sums {
    let mut sums = Sums::default();
    for frame in frames {
        let message: Borrowed<'_> = serde_json::from_str(frame).expect("our own frames");
        assert_eq!(message.kind, "trade", "our own frames");
        for trade in &message.data {
            std::hint::black_box(&trade.c);
            sums.add((trade.t, trade.s), trade.p, trade.v);
        }
    }
    sums
}

/// Each text is copied, as most programs do.
pub(super) fn owned(frames: &[String]) -> Sums {
    let mut sums = Sums::default();
    for frame in frames {
        let message: Owned = serde_json::from_str(frame).expect("our own frames");
        assert_eq!(message.kind, "trade", "our own frames");
        for trade in &message.data {
            std::hint::black_box(&trade.c);
            sums.add((trade.t, &trade.s), trade.p, trade.v);
        }
    }
    sums
}

impl Sums {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "prices of a few hundred dollars, in cents"
    )]
    fn add(&mut self, (millis, symbol): (u64, &str), price: f64, size: f64) {
        self.trades += 1;
        self.cents += (price * 100.0).round() as u64;
        self.volume += size as u64;
        self.millis += millis;
        self.texts += symbol.len();
    }
}
