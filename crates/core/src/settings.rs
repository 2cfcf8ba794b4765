//! Settings that change results, and therefore are records in the log.

use thiserror::Error;

use crate::span::Span;

/// Most windows that one analyzer keeps per symbol.
pub const MAX_WINDOWS: usize = 16;

/// Longest window; a checkpoint holds the trades of the longest.
pub const MAX_WINDOW: Span = Span::from_secs(86_400);

/// Which trades may move which numbers, by their conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conditions {
    /// Every trade moves every number, as in the seed system.
    #[default]
    All,
    /// Trades that the US consolidated tape does not let move the last price, high and low, or
    /// volume do not move ours.
    Sip,
}

/// What the analyzer computes, from one position of the log on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalyzerSettings {
    /// Lengths of the sliding windows: sorted, without repetition, at least one.
    pub windows: Vec<Span>,
    /// Distance of the grid times at which points are emitted.
    pub grid: Span,
    /// How long a point waits for trades that are under way.
    pub lateness: Span,
    /// How far back emitted points are emitted again for late trades; `None`: the longest window.
    pub revise: Option<Span>,
    /// Which trades may move which numbers.
    pub conditions: Conditions,
}

/// Why settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// The list of windows is empty.
    #[error("no window is set; give at least one, such as \"60s\"")]
    NoWindow,
    /// More windows than [`MAX_WINDOWS`].
    #[error("{0} windows are set; at most 16 are kept")]
    TooManyWindows(usize),
    /// A window is shorter than the grid, or longer than [`MAX_WINDOW`].
    #[error("window `{0}` is outside 1ms to 86400s")]
    Window(Span),
    /// The same length twice.
    #[error("window `{0}` is set twice")]
    Twice(Span),
    /// The grid is out of range.
    #[error("grid `{0}` is outside 10ms to 3600s")]
    Grid(Span),
    /// Lateness is out of range.
    #[error("lateness `{0}` is above 3600s")]
    Lateness(Span),
    /// Revision reach is out of range.
    #[error("revise `{0}` is above 86400s")]
    Revise(Span),
}

impl Default for AnalyzerSettings {
    fn default() -> Self {
        Self {
            windows: vec![Span::from_secs(60)],
            grid: Span::from_secs(1),
            lateness: Span::from_secs(1),
            revise: None,
            conditions: Conditions::All,
        }
    }
}

impl AnalyzerSettings {
    /// The same settings with sorted windows, once every value is in range.
    ///
    /// # Errors
    /// [`SettingsError`] names the value.
    pub fn validated(mut self) -> Result<Self, SettingsError> {
        self.windows.sort_unstable();
        if self.windows.is_empty() {
            return Err(SettingsError::NoWindow);
        }
        if self.windows.len() > MAX_WINDOWS {
            return Err(SettingsError::TooManyWindows(self.windows.len()));
        }
        let shortest = Span::from_ns(1_000_000);
        if let Some(window) = self
            .windows
            .iter()
            .find(|w| **w < shortest || **w > MAX_WINDOW)
        {
            return Err(SettingsError::Window(*window));
        }
        if let Some(pair) = self
            .windows
            .windows(2)
            .find(|pair| pair.first() == pair.last())
        {
            return Err(SettingsError::Twice(
                pair.first().copied().unwrap_or_default(),
            ));
        }
        if self.grid < Span::from_ns(10_000_000) || self.grid > Span::from_secs(3_600) {
            return Err(SettingsError::Grid(self.grid));
        }
        if self.lateness > Span::from_secs(3_600) {
            return Err(SettingsError::Lateness(self.lateness));
        }
        match self.revise {
            Some(revise) if revise > MAX_WINDOW => Err(SettingsError::Revise(revise)),
            _ => Ok(self),
        }
    }

    /// Whether points of another grid time may be emitted when the log's time moves from one time
    /// to another: a grid time is due once the log's time has passed it by more than the lateness.
    pub fn makes_due(&self, from: i64, to: i64) -> bool {
        let last_due = |time: i64| {
            let before = time.saturating_sub(self.lateness.ns()).saturating_sub(1);
            before.div_euclid(self.grid.ns().max(1))
        };
        last_due(from) < last_due(to)
    }

    /// The longest window.
    pub fn longest(&self) -> Span {
        self.windows.last().copied().unwrap_or_default()
    }

    /// How far behind the log's time a trade may be and still be applied.
    pub fn reach(&self) -> Span {
        self.revise
            .unwrap_or_else(|| self.longest())
            .max(self.lateness)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(change: impl FnOnce(&mut AnalyzerSettings), expected: SettingsError) {
        let mut settings = AnalyzerSettings::default();
        change(&mut settings);
        assert_eq!(settings.validated(), Err(expected));
    }

    #[test]
    fn values_out_of_range_are_named() {
        let (minute, year) = (Span::from_secs(60), Span::from_secs(31_536_000));
        refuses(|s| s.windows.clear(), SettingsError::NoWindow);
        refuses(
            |s| s.windows = vec![minute, minute],
            SettingsError::Twice(minute),
        );
        refuses(
            |s| s.windows = vec![Span::ZERO],
            SettingsError::Window(Span::ZERO),
        );
        refuses(|s| s.windows = vec![year], SettingsError::Window(year));
        refuses(
            |s| s.windows = vec![minute; 17],
            SettingsError::TooManyWindows(17),
        );
        refuses(|s| s.grid = Span::ZERO, SettingsError::Grid(Span::ZERO));
        refuses(|s| s.lateness = year, SettingsError::Lateness(year));
        refuses(|s| s.revise = Some(year), SettingsError::Revise(year));
    }

    #[test]
    fn a_grid_time_is_due_once_time_has_passed_it_by_more_than_the_lateness() {
        let settings = AnalyzerSettings {
            grid: Span::from_secs(1),
            lateness: Span::from_ns(300_000_000),
            ..AnalyzerSettings::default()
        };
        let due = 5_300_000_000;
        assert!(!settings.makes_due(due - 2, due));
        assert!(settings.makes_due(due, due + 1));
        assert!(!settings.makes_due(due + 1, due + 999_999_999));
        assert!(settings.makes_due(-due, due));
        assert!(!settings.makes_due(due + 1, due), "time does not go back");
        assert!(settings.makes_due(i64::MIN, 0));
    }

    #[test]
    fn windows_are_sorted_and_the_longest_is_the_reach() {
        let windows = vec![Span::from_secs(300), Span::from_secs(60)];
        let settings = AnalyzerSettings {
            windows,
            ..AnalyzerSettings::default()
        }
        .validated()
        .unwrap();
        assert_eq!(settings.longest(), Span::from_secs(300));
        assert_eq!(settings.reach(), Span::from_secs(300));
    }
}
