//! All that is kept of one symbol: its trades, its windows, and what was emitted of them.

use std::mem::offset_of;

use super::Emission;
use super::fetch::Step;
use crate::book::{Book, Kind, Past};
use crate::coverage::Coverage;
use crate::point::{Metrics, Point, SymbolId};
use crate::prefetch::{LINE, prefetch, prefetch_lines};
use crate::series::Emitted;
use crate::settings::AnalyzerSettings;

/// Later than every grid time.
pub(super) const NO_GRID: i64 = i64::MAX;

/// One symbol of the analyzer.
///
/// What every trade needs comes first and begins with a cache line: with thousands of symbols each
/// line is waited for.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Symbol {
    /// Observed since; `None`: since the log's first time.
    pub(super) since: Option<i64>,
    pub(super) book: Book,
    /// Somebody asked for it, and it was not given up since.
    pub(super) subscribed: bool,
    /// Event times of late trades whose points wait to be emitted again.
    pub(super) late: Vec<i64>,
    /// What was emitted, per window.
    pub(super) emitted: Vec<Emitted>,
    /// The first grid time at or after the first trade; [`NO_GRID`] before there is one.
    pub(super) first_grid: i64,
}

/// The book of a symbol without trades.
pub(super) fn empty_book(settings: &AnalyzerSettings, emission: Emission) -> Book {
    let kind = match emission {
        Emission::Grid => Kind::Grid,
        // Nobody asks for a grid time.
        Emission::Trade => Kind::Live,
    };
    Book::new(&lengths(settings), kind)
}

/// What is the same for all points of one symbol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) id: SymbolId,
    pub(super) settings: &'a AnalyzerSettings,
    pub(super) coverage: &'a Coverage,
    /// The symbol is observed since this time.
    pub(super) since: i64,
}

impl Symbol {
    /// Cache lines of it that adding a trade needs; they come first.
    const LINES_TO_ADD: usize = (offset_of!(Self, book) + Book::NEEDED_TO_ADD).div_ceil(LINE);

    /// Cache lines of it that moving its first view needs; they come first.
    const LINES_TO_MOVE: usize = (offset_of!(Self, book) + Book::NEEDED_TO_MOVE).div_ceil(LINE);

    pub(super) fn new(settings: &AnalyzerSettings, emission: Emission, since: Option<i64>) -> Self {
        Self {
            emitted: vec![Emitted::default(); settings.windows.len()],
            book: empty_book(settings, emission),
            since,
            subscribed: false,
            first_grid: NO_GRID,
            late: Vec::new(),
        }
    }

    /// Since when its windows can be whole: `first` is the log's first time, and trades before
    /// `held_from` are gone.
    pub(super) fn observed_since(&self, first: i64, held_from: i64) -> i64 {
        self.since.unwrap_or(first).max(held_from)
    }

    /// Asks for the lines of it that a step needs; see [`super::fetch`].
    #[inline]
    pub(super) fn fetch(&self, step: Step) {
        let lines = match step {
            Step::Add => Self::LINES_TO_ADD,
            Step::Follow | Step::Emit => Self::LINES_TO_MOVE,
        };
        prefetch_lines(&self.since, lines);
        if step != Step::Follow {
            // With the start of the series, which lies in the same line.
            prefetch(&self.emitted);
        }
    }

    /// Asks for what these lead to, after [`Symbol::fetch`].
    #[inline]
    pub(super) fn fetch_next(&self, step: Step) {
        self.book.fetch_next(step != Step::Add);
        if let Some(emitted) = self.emitted.first().filter(|_| step == Step::Emit) {
            prefetch(emitted);
        }
    }

    /// Asks for what these lead to, after [`Symbol::fetch_next`].
    #[inline]
    pub(super) fn fetch_last(&self, step: Step) {
        self.book.fetch_last(step != Step::Add);
        if let Some(emitted) = self.emitted.first().filter(|_| step == Step::Emit) {
            emitted.fetch();
        }
    }

    /// Whether a grid time has a point of this symbol, as far as the start of the series decides.
    pub(super) fn is_due(&self, time: i64) -> bool {
        self.book.held() > 0 && self.first_grid <= time
    }

    /// Appends the points of a grid time: of each window that holds a trade, or did a step before.
    pub(super) fn emit(&mut self, time: i64, context: Context<'_>, out: &mut Vec<Point>) {
        let grid = context.settings.grid.ns();
        for (place, emitted) in self.emitted.iter_mut().enumerate() {
            // A late trade may have come behind the place where the view stands.
            let was_empty = self.book.advance(place, time - grid);
            let is_empty = self.book.advance(place, time);
            if is_empty && was_empty {
                continue;
            }
            let metrics = self.book.metrics(place);
            let revision = emitted.note(time, grid);
            out.extend(context.point(place, (time, revision), metrics));
        }
    }

    /// Appends the points of past grid times, first to last, for which `concerned` says so.
    pub(super) fn emit_again(
        &mut self,
        (place, from, to): (usize, i64, i64),
        context: Context<'_>,
        concerned: impl Fn(&Past, bool) -> bool,
        out: &mut Vec<Point>,
    ) {
        let (grid, window) = (
            context.settings.grid.ns(),
            context.settings.windows.get(place),
        );
        let (Some(emitted), Some(window)) = (self.emitted.get_mut(place), window) else {
            return;
        };
        let step = usize::try_from(grid).unwrap_or(usize::MAX);
        let times = (from - grid..=to).step_by(step);
        self.book.walk(window.ns(), times, &mut |past: Past| {
            if concerned(&past, emitted.contains(past.time)) {
                let revision = emitted.note(past.time, grid);

                out.extend(context.point(place, (past.time, revision), past.metrics));
            }
        });
    }

    /// Forgets which grid times before `horizon` were emitted.
    #[inline]
    pub(super) fn forget(&mut self, horizon: i64, grid: i64) {
        for emitted in &mut self.emitted {
            emitted.forget(horizon, grid);
        }
    }

    /// Goes on with new settings; what was emitted for a window that stays is remembered.
    pub(super) fn reconfigure(
        &mut self,
        (old, new): (&AnalyzerSettings, &AnalyzerSettings),
        emitted_to: i64,
    ) {
        self.book.set_windows(&lengths(new), emitted_to);
        let mut before = std::mem::take(&mut self.emitted);
        let mut kept = |window| {
            let place = old.windows.iter().position(|other| other == window)?;
            before
                .get_mut(place)
                .filter(|_| old.grid == new.grid)
                .map(std::mem::take)
        };
        self.emitted = new
            .windows
            .iter()
            .map(|window| kept(window).unwrap_or_default())
            .collect();
    }
}

impl Context<'_> {
    fn point(&self, place: usize, (time, revision): (i64, u32), metrics: Metrics) -> Option<Point> {
        let window = *self.settings.windows.get(place)?;
        let from = time.saturating_sub(window.ns());
        let (status, coverage) = self.coverage.judge(self.since, from, time);
        Some(Point {
            symbol: self.id,
            window,
            time,
            revision,
            status,
            coverage,
            metrics,
        })
    }
}

/// The lengths of the windows, ns.
pub(super) fn lengths(settings: &AnalyzerSettings) -> Vec<i64> {
    settings.windows.iter().map(|window| window.ns()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More would be waited for: with thousands of symbols they come from afar.
    #[test]
    fn what_a_trade_needs_of_a_symbol_fills_few_cache_lines() {
        assert_eq!(Symbol::LINES_TO_ADD, 2);
        assert_eq!(Symbol::LINES_TO_MOVE, 4);
        assert_eq!(offset_of!(Symbol, emitted) / LINE, 7);
        assert_eq!(size_of::<Symbol>(), 8 * LINE);
    }
}
