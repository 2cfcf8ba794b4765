//! The settings themselves.

use serde::{Deserialize, Serialize};
use stock_up_core::trade::symbol_problem;
use stock_up_core::{AnalyzerSettings, Conditions, Span};

use super::error::SettingsError;
use super::form;

/// Most symbols that one settings file may subscribe; a venue may take fewer.
pub const MAX_SUBSCRIPTIONS: usize = 10_000;

/// What can be changed while the program runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Symbols to follow.
    pub subscriptions: Vec<String>,
    /// Lengths of the sliding windows.
    #[serde(with = "form::spans")]
    pub windows: Vec<Span>,
    /// Distance of the grid times.
    #[serde(with = "crate::form::span")]
    pub grid: Span,
    /// How long a point waits for trades that are under way.
    #[serde(with = "crate::form::span")]
    pub lateness: Span,
    /// How far back points are emitted again for late trades; absent for the longest window.
    #[serde(with = "crate::form::optional_span")]
    pub revise: Option<Span>,
    /// Which trades may move which numbers.
    #[serde(with = "form::conditions")]
    pub conditions: Conditions,
    /// How much is logged.
    pub log_level: LogLevel,
}

/// How much is logged; a greater level logs more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Data was lost, or somebody must act.
    Error,
    /// And what was mended by itself.
    Warn,
    /// And the life of the program.
    #[default]
    Info,
    /// And what helps to find a fault.
    Debug,
    /// And every record.
    Trace,
}

impl LogLevel {
    /// The level as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let analyzer = AnalyzerSettings::default();
        Self {
            subscriptions: Vec::new(),
            windows: analyzer.windows,
            grid: analyzer.grid,
            lateness: analyzer.lateness,
            revise: analyzer.revise,
            conditions: analyzer.conditions,
            log_level: LogLevel::Info,
        }
    }
}

impl Settings {
    /// The same settings with trimmed symbols, each once, and sorted windows, once all can be used.
    pub fn validated(mut self) -> Result<Self, SettingsError> {
        self.subscriptions = tidy_symbols(self.subscriptions.iter().map(String::as_str))?;
        self.windows = self.to_analyzer()?.windows;
        Ok(self)
    }

    /// What the analyzer shall compute.
    pub fn to_analyzer(&self) -> Result<AnalyzerSettings, SettingsError> {
        let settings = AnalyzerSettings {
            windows: self.windows.clone(),
            grid: self.grid,
            lateness: self.lateness,
            revise: self.revise,
            conditions: self.conditions,
        };
        Ok(settings.validated()?)
    }
}

/// Reads a list of symbols as the command line and etcd have it: `SPY, IBM`, or nothing.
pub fn parse_symbols(text: &str) -> Result<Vec<String>, SettingsError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    tidy_symbols(text.split(','))
}

fn tidy_symbols<'a>(symbols: impl Iterator<Item = &'a str>) -> Result<Vec<String>, SettingsError> {
    let mut known = std::collections::HashSet::new();
    let mut tidy = Vec::new();
    for symbol in symbols.map(str::trim) {
        if let Some(problem) = symbol_problem(symbol) {
            return Err(SettingsError::Symbol {
                symbol: symbol
                    .chars()
                    .take(64)
                    .flat_map(char::escape_debug)
                    .collect(),
                problem,
            });
        }
        if known.insert(symbol) {
            tidy.push(symbol.to_owned());
        }
    }
    if tidy.len() > MAX_SUBSCRIPTIONS {
        return Err(SettingsError::Subscriptions(tidy.len()));
    }
    Ok(tidy)
}
