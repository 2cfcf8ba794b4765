//! A deterministic market: the same trades for every engine, on every machine.
//!
//! Symbols are chosen by Zipf's law, gaps between trades are exponential with a mean of 0.2 ms
//! (5,000 trades a second), times are whole milliseconds, prices walk by up to three cents a trade,
//! and sizes lie between 1 and 500.

/// Mean distance of two trades, ms.
const MEAN_GAP_MS: f64 = 0.2;

/// The first trade: a Monday in November, ms since the Unix epoch.
const START_MS: i64 = 1_763_994_600_000;

/// One trade, as small as a yardstick wants it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Print {
    /// ms since the Unix epoch.
    pub(crate) time_ms: i64,
    /// From 0, the most traded first.
    pub(crate) symbol: u32,
    pub(crate) cents: u32,
    pub(crate) size: u32,
}

/// The endless market; `take` what is needed.
#[derive(Debug)]
pub(crate) struct Tape {
    random: Random,
    /// Share of the symbols up to each.
    shares: Vec<f64>,
    cents: Vec<u32>,
    time_ms: f64,
}

impl Tape {
    pub(crate) fn new(symbols: u32) -> Self {
        let mut sum = 0.0;
        let mut shares: Vec<f64> = (1..=symbols)
            .map(|rank| {
                sum += 1.0 / f64::from(rank);
                sum
            })
            .collect();
        for share in &mut shares {
            *share /= sum;
        }
        Self {
            random: Random(42),
            shares,
            cents: (0..symbols)
                .map(|rank| 5_000 + rank * 37 % 20_000)
                .collect(),
            time_ms: 0.0,
        }
    }
}

impl Iterator for Tape {
    type Item = Print;

    #[expect(
        clippy::cast_possible_truncation,
        reason = "ranks are fewer than 2^32; times are cut to whole milliseconds"
    )]
    fn next(&mut self) -> Option<Print> {
        self.time_ms -= (1.0 - self.random.share()).ln() * MEAN_GAP_MS;
        let share = self.random.share();
        let rank = self.shares.partition_point(|upto| *upto < share);
        let symbol = rank.min(self.shares.len() - 1);
        let step = self.random.below(7);
        let cents = &mut self.cents[symbol];
        *cents = (*cents + step).saturating_sub(3).max(100);
        Some(Print {
            time_ms: START_MS + self.time_ms as i64,
            symbol: symbol as u32,
            cents: *cents,
            size: 1 + self.random.below(500),
        })
    }
}

/// What a symbol is called: `SYM00042`.
pub(crate) fn name(symbol: u32) -> String {
    format!("SYM{symbol:05}")
}

/// `SplitMix64`: small, and the same everywhere.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds")]
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, bound: u32) -> u32 {
        let bits = self.next() >> 32;
        u32::try_from((bits * u64::from(bound)) >> 32).expect("less than the bound")
    }
}
