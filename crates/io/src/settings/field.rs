//! Single settings as text: as etcd keeps them and as the command line takes them.

use stock_up_core::{Conditions, Span};

use super::error::SettingsError;
use super::form::conditions;
use super::model::{LogLevel, Settings, parse_symbols};
use super::parse::hint;

/// Longest text of a bad value that is repeated in a message, in characters.
const MAX_SHOWN: usize = 200;

/// One of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Symbols to follow.
    Subscriptions,
    /// Lengths of the sliding windows.
    Windows,
    /// Distance of the grid times.
    Grid,
    /// How long a point waits for trades that are under way.
    Lateness,
    /// How far back points are emitted again.
    Revise,
    /// Which trades may move which numbers.
    Conditions,
    /// How much is logged.
    LogLevel,
}

impl Field {
    /// All, in the order of the settings file.
    pub const ALL: [Self; 7] = [
        Self::Subscriptions,
        Self::Windows,
        Self::Grid,
        Self::Lateness,
        Self::Revise,
        Self::Conditions,
        Self::LogLevel,
    ];

    /// As the settings file names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subscriptions => "subscriptions",
            Self::Windows => "windows",
            Self::Grid => "grid",
            Self::Lateness => "lateness",
            Self::Revise => "revise",
            Self::Conditions => "conditions",
            Self::LogLevel => "log_level",
        }
    }

    /// The setting of this name, or what was probably meant.
    pub fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|field| field.name() == name);
        found.ok_or_else(|| format!("unknown setting `{}`{}", shown(name), hint(name)))
    }
}

impl Settings {
    /// A setting as text: lists with commas, an absent value empty.
    pub fn text(&self, field: Field) -> String {
        match field {
            Field::Subscriptions => self.subscriptions.join(","),
            Field::Windows => {
                let windows: Vec<_> = self.windows.iter().map(Span::to_string).collect();
                windows.join(",")
            }
            Field::Grid => self.grid.to_string(),
            Field::Lateness => self.lateness.to_string(),
            Field::Revise => self.revise.map(|span| span.to_string()).unwrap_or_default(),
            Field::Conditions => conditions::name(self.conditions).to_owned(),
            Field::LogLevel => self.log_level.name().to_owned(),
        }
    }

    /// The same settings with `field` read from `text`, once all of them can be used.
    ///
    /// Blanks around values do not matter, nor does the case of a level; the levels of the seed
    /// system (`WARNING`, `CRITICAL`) are known.
    pub fn with(mut self, field: Field, text: &str) -> Result<Self, SettingsError> {
        let text = text.trim();
        match field {
            Field::Subscriptions => {
                // As the seed system had it: blanks are nothing, also between two commas.
                let symbols: Vec<_> = text
                    .split(',')
                    .filter(|one| !one.trim().is_empty())
                    .collect();
                self.subscriptions = parse_symbols(&symbols.join(","))?;
            }
            Field::Windows => {
                let spans = text.split(',').map(|one| span(field, one));
                self.windows = spans.collect::<Result<_, _>>()?;
            }
            Field::Grid => self.grid = span(field, text)?,
            Field::Lateness => self.lateness = span(field, text)?,
            Field::Revise if text.is_empty() => self.revise = None,
            Field::Revise => self.revise = Some(span(field, text)?),
            Field::Conditions => {
                let all = [Conditions::All, Conditions::Sip];
                let found = all.into_iter().find(|one| conditions::name(*one) == text);
                self.conditions =
                    found.ok_or_else(|| bad(field, text, "neither `all` nor `sip`"))?;
            }
            Field::LogLevel => {
                let known = "none of error, warn, info, debug, trace";
                self.log_level = level(text).ok_or_else(|| bad(field, text, known))?;
            }
        }
        self.validated()
    }
}

fn level(text: &str) -> Option<LogLevel> {
    Some(match text.to_ascii_lowercase().as_str() {
        "error" | "critical" | "fatal" => LogLevel::Error,
        "warn" | "warning" => LogLevel::Warn,
        "info" => LogLevel::Info,
        "debug" => LogLevel::Debug,
        "trace" => LogLevel::Trace,
        _ => return None,
    })
}

fn span(field: Field, text: &str) -> Result<Span, SettingsError> {
    Span::parse(text.trim()).map_err(|error| SettingsError::Value {
        field: field.name(),
        problem: shown(&error.to_string()),
    })
}

fn bad(field: Field, text: &str, problem: &str) -> SettingsError {
    SettingsError::Value {
        field: field.name(),
        problem: format!("`{}` is {problem}", shown(text)),
    }
}

/// A text from outside, bounded and without control characters.
fn shown(text: &str) -> String {
    let plain = text.chars().flat_map(|c| {
        let escaped = c.is_control().then(|| c.escape_debug());
        let kept = (!c.is_control()).then_some(c);
        escaped.into_iter().flatten().chain(kept)
    });
    plain.take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &str, text: &str, expected: &str) {
        let field = Field::named(field).unwrap();
        let found = match Settings::default().with(field, text) {
            Ok(settings) => settings.text(field),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_setting_is_read_from_text_and_written_as_such() {
        check("subscriptions", " SPY , IBM,,SPY,", "SPY,IBM");
        check("subscriptions", " ", "");
        check("windows", "5m, 60s", "60s,300s");
        check("grid", "1s", "1s");
        check("lateness", "0s", "0s");
        check("revise", "", "");
        check("revise", "30s", "30s");
        check("conditions", "sip", "sip");
        check("log_level", "WARNING", "warn");
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named() {
        check(
            "windows",
            "60",
            "windows: `60` has no unit; expected a duration like \"60s\"",
        );
        check("windows", "25h", "window `90000s` is outside 1ms to 86400s");
        check(
            "conditions",
            "some\n",
            "conditions: `some` is neither `all` nor `sip`",
        );
        let error = Field::named("windws").unwrap_err();
        assert_eq!(error, "unknown setting `windws`; did you mean `windows`?");
    }
}
