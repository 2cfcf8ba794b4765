//! Asking for what will be needed a few symbols later.
//!
//! With thousands of symbols, what is kept of one has left the cache when it is needed again.
//! Waiting for each of its cache lines would cost more than the work on it. So, while one symbol is
//! worked on, the processor is asked for the lines of later ones: first those of the symbol itself,
//! and nearer to its turn those of the trades and lists that these lead to. The types that are
//! asked for say in which order their parts lie, and what each trade needs shares few lines.

use super::symbol::Symbol;

/// Symbols from one part of the way to the next: enough time for a line to come, and so few that it
/// is still there when it is used.
const AHEAD: usize = 4;

/// So few symbols stay in the cache.
const CACHED: usize = 256;

/// What is done to one symbol after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A trade is added.
    Add,
    /// The views at the log's time follow a trade that is added.
    Follow,
    /// The views on the grid are moved on and emitted.
    Emit,
}

/// Asks for the symbols that come soon.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fetch {
    step: Step,
    /// There are so many symbols that they leave the cache.
    is_needed: bool,
}

impl Fetch {
    /// Before a step on each of some of so many symbols.
    pub(super) fn new(symbols: usize, step: Step) -> Self {
        Self {
            step,
            is_needed: symbols > CACHED,
        }
    }

    /// Before the first of these steps; `of` gives the symbol of a step by its number.
    #[inline]
    pub(super) fn begin<'a>(self, of: impl Fn(usize) -> Option<&'a Symbol>) {
        if !self.is_needed {
            return;
        }
        for lead in (1..=3 * AHEAD).rev() {
            self.ask(|ahead| of(ahead.checked_sub(lead)?));
        }
    }

    /// Before each step; `after` gives the symbol of the step that comes so many steps later.
    #[inline]
    pub(super) fn ask<'a>(self, after: impl Fn(usize) -> Option<&'a Symbol>) {
        if !self.is_needed {
            return;
        }
        if let Some(symbol) = after(3 * AHEAD) {
            symbol.fetch(self.step);
        }
        if let Some(symbol) = after(2 * AHEAD) {
            symbol.fetch_next(self.step);
        }
        if let Some(symbol) = after(AHEAD) {
            symbol.fetch_last(self.step);
        }
    }
}
