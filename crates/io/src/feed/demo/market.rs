//! What is traded, when, at which price: a pure function of seed and time.
//!
//! Time is cut into slots. In each slot of each symbol a stream of numbers of its own decides how
//! many trades there are, so neither the other symbols nor the moment of the start change anything.

use stock_up_core::{Decimal, TradeBatch};

use super::DemoSettings;
use super::noise::{MILLION, drift};
use crate::chance::Chance;

/// Length of a slot in ms.
const SLOT_MS: i64 = 20;
const NS_PER_MS: i64 = 1_000_000;
/// After a pause (a suspended machine) so much is made up for at most: 5 s.
const MAX_SLOTS: i64 = 250;
/// The mood of the market changes so often, in ms.
const MOOD_MS: i64 = 40_000;

/// Symbols that people know: price in cents and trades per 100 s in a normal mood.
const KNOWN: [(&str, u64, u64); 14] = [
    ("SPY", 58_712, 900),
    ("QQQ", 50_230, 700),
    ("AAPL", 23_145, 600),
    ("MSFT", 42_887, 450),
    ("NVDA", 13_920, 800),
    ("AMZN", 20_464, 450),
    ("TSLA", 33_871, 700),
    ("GOOG", 17_655, 300),
    ("META", 58_310, 300),
    ("JPM", 24_390, 160),
    ("IBM", 22_418, 90),
    ("BAC", 4_512, 260),
    ("KO", 6_233, 120),
    ("BRK.A", 70_812_500, 2),
];

/// A simulated market.
#[derive(Debug)]
pub struct Market {
    settings: DemoSettings,
    /// The first slot that is not told yet.
    next_slot: i64,
}

/// What stays the same about a symbol.
struct Listing {
    seed: u64,
    /// Price in units of `10^-scale`.
    base: i64,
    scale: u8,
    /// Trades per million slots in a normal mood.
    rate: u64,
    /// Sizes are fractions of a coin, not shares.
    coin: bool,
}

impl Market {
    /// A market whose first trades come after `now`.
    pub fn new(settings: DemoSettings, now: i64) -> Self {
        Self {
            settings,
            next_slot: slot_of(now),
        }
    }

    /// The trades of `symbols` since the step before, up to `now`.
    pub fn step(&mut self, symbols: &[String], now: i64) -> TradeBatch {
        let end = slot_of(now);
        let begin = self.next_slot.max(end - MAX_SLOTS);
        let mut batch = TradeBatch {
            ts_recv: now,
            ..TradeBatch::default()
        };
        self.next_slot = self.next_slot.max(end);
        if begin >= end {
            return batch;
        }
        let listings: Vec<Listing> = symbols.iter().map(|name| self.listing(name)).collect();
        for slot in begin..end {
            let mood = self.mood(slot);
            for (symbol, listing) in symbols.iter().zip(&listings) {
                self.fill_slot(slot, mood, (symbol, listing), &mut batch);
            }
        }
        batch
    }

    fn listing(&self, symbol: &str) -> Listing {
        let mut chance = Chance::named(self.settings.seed, symbol);
        let seed = chance.next();
        let coin = symbol.contains(':');
        let known = KNOWN.iter().find(|(name, ..)| *name == symbol);
        let (cents, per_100s) = known.map_or_else(
            || {
                let magnitude = chance.below(17);
                (500 + chance.below(1 << magnitude), 20 + chance.below(200))
            },
            |(_, cents, rate)| (*cents, *rate),
        );
        let slots_per_100s = 100_000 / SLOT_MS.unsigned_abs();
        let rate = per_100s * MILLION.unsigned_abs() / slots_per_100s;
        Listing {
            seed,
            base: i64::try_from(cents).unwrap_or(1).max(1),
            scale: 2,
            rate: rate * u64::from(self.settings.pace_percent) / 100,
            coin,
        }
    }

    /// How busy all symbols are, in percent: mostly normal, at times calm, at times a storm.
    fn mood(&self, slot: i64) -> u64 {
        let spell = (slot * SLOT_MS).div_euclid(MOOD_MS);
        let salt = spell.cast_unsigned().wrapping_mul(0x2545_f491_4f6c_dd1d);
        match Chance::new(self.settings.seed ^ salt).below(10) {
            0..=2 => 25,
            3..=7 => 100,
            8 => 300,
            _ => 900,
        }
    }

    fn fill_slot(
        &self,
        slot: i64,
        mood: u64,
        (symbol, listing): (&str, &Listing),
        batch: &mut TradeBatch,
    ) {
        let salt = slot.cast_unsigned().wrapping_mul(0x9fb2_1c65_1e98_df25);
        let mut chance = Chance::new(listing.seed ^ salt ^ self.settings.seed);
        let expected = listing.rate * mood / 100;
        let more = chance.below(MILLION.unsigned_abs()) < expected % MILLION.unsigned_abs();
        let orders = expected / MILLION.unsigned_abs() + u64::from(more);
        for _ in 0..orders {
            let time_ms = slot * SLOT_MS + chance.below(SLOT_MS.unsigned_abs()).cast_signed();
            let price = listing.price(time_ms, mood, &mut chance);
            let size = listing.size(&mut chance);
            // One order that meets several others shows as equal prints in the same millisecond.
            let prints = match chance.below(40) {
                0 => 3 + chance.below(10),
                1..=4 => 2,
                _ => 1,
            };
            let time = (time_ms - lateness_ms(&mut chance)) * NS_PER_MS;
            for _ in 0..prints {
                batch.push(symbol, time, (price, size), "");
            }
        }
    }
}

impl Listing {
    fn price(&self, time_ms: i64, mood: u64, chance: &mut Chance) -> Decimal {
        let moved = self.base + self.base * drift(self.seed, time_ms) / MILLION;
        // Buyers and sellers meet on either side of the price; in a storm they are further apart.
        let spread = 2 + self.base.unsigned_abs() * mood / 4_000_000;
        let side = chance.below(2 * spread + 1).cast_signed() - spread.cast_signed();
        let cents = (moved + side).max(1).unsigned_abs();
        // Now and then half a cent, from a midpoint.
        if chance.once_in(25) {
            return Decimal::new(cents * 10 + 5, self.scale + 1).unwrap_or(Decimal::ZERO);
        }
        Decimal::new(cents, self.scale).unwrap_or(Decimal::ZERO)
    }

    fn size(&self, chance: &mut Chance) -> Decimal {
        let (kind, magnitude) = (chance.below(100), 4 + chance.below(24));
        let (units, scale) = match kind {
            _ if self.coin => (1 + chance.below(1 << magnitude), 6),
            0..=44 => (100, 0),
            45..=79 => (1 + chance.below(99), 0),
            80..=97 => (100 * (2 + chance.below(9)), 0),
            98 => (1_000 + 100 * chance.below(490), 0),
            _ => (1 + chance.below(9_999), 4),
        };
        Decimal::new(units, scale).unwrap_or(Decimal::ZERO)
    }
}

/// Most reports are in time; few come late, and very few so late that points must be revised.
fn lateness_ms(chance: &mut Chance) -> i64 {
    let late = match chance.below(2_000) {
        0 => 1_500 + chance.below(2_500),
        1..=10 => 200 + chance.below(700),
        _ => 0,
    };
    late.cast_signed()
}

fn slot_of(time: i64) -> i64 {
    time.div_euclid(SLOT_MS * NS_PER_MS)
}
