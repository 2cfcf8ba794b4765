//! The yardstick: a sliding window as one writes it by hand for one job.
//!
//! Rings of a power of two, prices in cents, exact integer sums; no late trades, no fractions, no
//! feed that may have gaps, one window length. What our analyzer costs beyond this is the price of
//! what it promises.

use crate::tape::Print;

const WINDOW_MS: i64 = 60_000;

/// A window's numbers, all as f64 but the counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Numbers {
    pub(super) transactions: u64,
    pub(super) volume: u64,
    pub(super) last: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) mean: f64,
    pub(super) vwap: f64,
    pub(super) variance: f64,
}

/// The windows of all symbols.
#[derive(Debug)]
pub(super) struct Yardstick {
    windows: Vec<Window>,
}

#[derive(Debug, Default)]
struct Window {
    trades: Ring<Held>,
    lowest: Ring<Extreme>,
    highest: Ring<Extreme>,
    cents: u64,
    volume: u64,
    products: u64,
    squares: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Held {
    time_ms: i64,
    cents: u32,
    size: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Extreme {
    time_ms: i64,
    cents: u32,
}

impl Yardstick {
    pub(super) fn new(symbols: u32) -> Self {
        Self {
            windows: (0..symbols).map(|_| Window::default()).collect(),
        }
    }

    /// Takes a trade and gives the numbers of its symbol right after it.
    #[inline]
    pub(super) fn trade(&mut self, print: &Print) -> Numbers {
        let window = &mut self.windows[print.symbol as usize];
        window.evict(print.time_ms - WINDOW_MS);
        window.push(print);
        window.numbers(print.cents)
    }
}

impl Window {
    #[inline]
    fn evict(&mut self, cutoff: i64) {
        while let Some(old) = self.trades.front().filter(|old| old.time_ms < cutoff) {
            self.trades.pop_front();
            self.cents -= u64::from(old.cents);
            self.volume -= u64::from(old.size);
            self.products -= u64::from(old.cents) * u64::from(old.size);
            self.squares -= u64::from(old.cents) * u64::from(old.cents);
        }
        for extremes in [&mut self.lowest, &mut self.highest] {
            while extremes.front().is_some_and(|old| old.time_ms < cutoff) {
                extremes.pop_front();
            }
        }
    }

    #[inline]
    fn push(&mut self, print: &Print) {
        let Print {
            time_ms,
            cents,
            size,
            ..
        } = *print;
        self.trades.push_back(Held {
            time_ms,
            cents,
            size,
        });
        self.cents += u64::from(cents);
        self.volume += u64::from(size);
        self.products += u64::from(cents) * u64::from(size);
        self.squares += u64::from(cents) * u64::from(cents);
        while self.lowest.back().is_some_and(|old| old.cents >= cents) {
            self.lowest.pop_back();
        }
        self.lowest.push_back(Extreme { time_ms, cents });
        while self.highest.back().is_some_and(|old| old.cents <= cents) {
            self.highest.pop_back();
        }
        self.highest.push_back(Extreme { time_ms, cents });
    }

    #[inline]
    #[expect(
        clippy::cast_precision_loss,
        reason = "sums of cents stay below 2^53 but for the variance, which is close enough"
    )]
    fn numbers(&self, last: u32) -> Numbers {
        let dollars = |cents: u32| f64::from(cents) / 100.0;
        let transactions = self.trades.len() as u64;
        let hundredths = (transactions * 100) as f64;
        let spread = u128::from(self.squares) * u128::from(transactions)
            - u128::from(self.cents) * u128::from(self.cents);
        Numbers {
            transactions,
            volume: self.volume,
            last: dollars(last),
            min: dollars(self.lowest.front().unwrap_or_default().cents),
            max: dollars(self.highest.front().unwrap_or_default().cents),
            mean: self.cents as f64 / hundredths,
            vwap: self.products as f64 / (self.volume * 100) as f64,
            variance: spread as f64 / (hundredths * hundredths),
        }
    }
}

/// A queue over a buffer of a power of two; positions only grow and are masked.
#[derive(Debug, Default)]
struct Ring<T> {
    buffer: Vec<T>,
    head: usize,
    tail: usize,
}

impl<T: Copy + Default> Ring<T> {
    #[inline]
    fn len(&self) -> usize {
        self.tail - self.head
    }

    #[inline]
    fn at(&self, position: usize) -> T {
        self.buffer[position & (self.buffer.len() - 1)]
    }

    #[inline]
    fn front(&self) -> Option<T> {
        (self.head < self.tail).then(|| self.at(self.head))
    }

    #[inline]
    fn back(&self) -> Option<T> {
        (self.head < self.tail).then(|| self.at(self.tail - 1))
    }

    #[inline]
    fn pop_front(&mut self) {
        self.head += 1;
    }

    #[inline]
    fn pop_back(&mut self) {
        self.tail -= 1;
    }

    #[inline]
    fn push_back(&mut self, item: T) {
        if self.len() == self.buffer.len() {
            self.grow();
        }
        let mask = self.buffer.len() - 1;
        self.buffer[self.tail & mask] = item;
        self.tail += 1;
    }

    #[cold]
    fn grow(&mut self) {
        let items: Vec<T> = (self.head..self.tail).map(|place| self.at(place)).collect();
        (self.head, self.tail) = (0, items.len());
        self.buffer = items;
        self.buffer.resize((self.tail * 2).max(8), T::default());
    }
}
