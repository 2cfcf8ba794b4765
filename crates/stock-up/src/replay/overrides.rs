//! Settings from the command line, in place of the defaults or of those in the log.

use stock_up_core::{AnalyzerSettings, Conditions, SettingsError, Span};

/// The settings that were given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    pub(crate) windows: Option<Vec<Span>>,
    pub(crate) grid: Option<Span>,
    pub(crate) lateness: Option<Span>,
    pub(crate) revise: Option<Span>,
    pub(crate) conditions: Option<Conditions>,
}

impl Overrides {
    /// `settings`, except where another value was given.
    pub(crate) fn over(
        &self,
        settings: AnalyzerSettings,
    ) -> Result<AnalyzerSettings, SettingsError> {
        AnalyzerSettings {
            windows: self.windows.clone().unwrap_or(settings.windows),
            grid: self.grid.unwrap_or(settings.grid),
            lateness: self.lateness.unwrap_or(settings.lateness),
            revise: self.revise.or(settings.revise),
            conditions: self.conditions.unwrap_or(settings.conditions),
        }
        .validated()
    }
}
