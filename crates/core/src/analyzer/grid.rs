//! The times at which points are emitted, and how long trades are held for them.

use crate::settings::AnalyzerSettings;
use crate::span::Span;

/// The next grid time on a new grid: after the last of the old one.
pub(crate) fn regrid(next: i64, old: Span, new: Span) -> i64 {
    first_grid(next - old.ns() + 1, new)
}

/// The first multiple of `grid` at or after `time`.
pub(crate) fn first_grid(time: i64, grid: Span) -> i64 {
    let grid = grid.ns();
    let rest = time.rem_euclid(grid);
    if rest == 0 {
        time
    } else {
        time.saturating_add(grid - rest)
    }
}

/// How long trades are held: every point that can still be revised needs its whole window, and the
/// point before it, to know whether a window became empty.
pub(super) fn hold(settings: &AnalyzerSettings) -> i64 {
    let spans = [
        settings.reach(),
        settings.longest(),
        settings.lateness,
        settings.grid,
        settings.grid,
    ];
    spans.iter().map(|span| span.ns()).sum()
}
