//! The settings, as the page shows and changes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stock_up_core::{Conditions, Span, SpanError};
use stock_up_io::settings::{LogLevel, Settings, SettingsState};

/// The settings in force.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Settings")]
pub(in crate::serve) struct SettingsAnswer {
    revision: u64,
    /// Where they come from: a file, or etcd.
    source: String,
    settings: SettingsBody,
    /// Why the newest content of the source is not in force, if it is not.
    refused: Option<RefusedAnswer>,
    /// Why changes of the source do not arrive for now, if they do not.
    cut_off: Option<String>,
}

/// Why a change was refused.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RefusedChange")]
struct RefusedAnswer {
    detail: String,
}

/// A change of the settings.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "SettingsChange")]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct SettingsChange {
    /// The revision that is changed.
    pub(in crate::serve) revision: u64,
    pub(in crate::serve) settings: SettingsBody,
}

/// What can be changed while running. Durations are texts such as `60s`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SettingsValues")]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct SettingsBody {
    subscriptions: Vec<String>,
    windows: Vec<String>,
    /// Distance of the grid times; stays as it is when left out.
    #[serde(default)]
    grid: Option<String>,
    lateness: String,
    /// How far back points are emitted again; the longest window when left out.
    #[serde(default)]
    revise: Option<String>,
    /// Which trades may move which numbers; stays as it is when left out.
    #[serde(default)]
    conditions: Option<ConditionsWord>,
    #[schemars(with = "LogLevelWord")]
    log_level: LogLevel,
}

/// Which trades may move which numbers.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Conditions")]
#[serde(rename_all = "lowercase")]
enum ConditionsWord {
    All,
    Sip,
}

/// How much is logged.
#[derive(JsonSchema)]
#[schemars(rename = "LogLevel", rename_all = "lowercase")]
#[expect(dead_code, reason = "it only describes the words of `LogLevel`")]
enum LogLevelWord {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<&SettingsState> for SettingsAnswer {
    fn from(state: &SettingsState) -> Self {
        Self {
            revision: state.revision,
            source: state.source.to_string(),
            settings: state.settings.as_ref().into(),
            refused: state.refused.clone().map(|detail| RefusedAnswer { detail }),
            cut_off: state.cut_off.clone(),
        }
    }
}

impl From<&Settings> for SettingsBody {
    fn from(settings: &Settings) -> Self {
        Self {
            subscriptions: settings.subscriptions.clone(),
            windows: settings.windows.iter().map(Span::to_string).collect(),
            grid: Some(settings.grid.to_string()),
            lateness: settings.lateness.to_string(),
            revise: settings.revise.map(|span| span.to_string()),
            conditions: Some(match settings.conditions {
                Conditions::All => ConditionsWord::All,
                Conditions::Sip => ConditionsWord::Sip,
            }),
            log_level: settings.log_level,
        }
    }
}

impl SettingsBody {
    /// The settings that are asked for; what is left out is taken from `now`.
    pub(in crate::serve) fn into_settings(self, now: &Settings) -> Result<Settings, String> {
        let grid = self.grid.map(|text| span("grid", &text)).transpose()?;
        let windows = self.windows.iter().map(|text| span("windows", text));
        Ok(Settings {
            windows: windows.collect::<Result<_, _>>()?,
            grid: grid.unwrap_or(now.grid),
            lateness: span("lateness", &self.lateness)?,
            revise: self.revise.map(|text| span("revise", &text)).transpose()?,
            conditions: match self.conditions {
                Some(ConditionsWord::All) => Conditions::All,
                Some(ConditionsWord::Sip) => Conditions::Sip,
                None => now.conditions,
            },
            subscriptions: self.subscriptions,
            log_level: self.log_level,
        })
    }
}

fn span(name: &str, text: &str) -> Result<Span, String> {
    Span::parse(text).map_err(|error: SpanError| format!("`{name}`: {error}"))
}
