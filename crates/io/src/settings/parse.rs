//! Settings from and to TOML.

use toml::Spanned;
use toml::de::{DeTable, Error};

use super::error::SettingsError;
use super::field::Field;
use super::form::conditions;
use super::model::Settings;
use crate::text::json::write_string;

const KEYS: [&str; 7] = [
    Field::Subscriptions.name(),
    Field::Windows.name(),
    Field::Grid.name(),
    Field::Lateness.name(),
    Field::Revise.name(),
    Field::Conditions.name(),
    Field::LogLevel.name(),
];

impl Settings {
    /// Reads a settings file; an error says line and column.
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        if text.trim().is_empty() {
            return Err(SettingsError::Empty);
        }
        let table = DeTable::parse(text).map_err(|error| syntax(text, &error))?;
        for key in table.get_ref().keys() {
            if !KEYS.contains(&key.get_ref().as_ref()) {
                let (line, column) = position(text, key.span().start);
                return Err(SettingsError::UnknownKey {
                    line,
                    column,
                    key: key.get_ref().to_string(),
                    hint: hint(key.get_ref()),
                });
            }
        }
        let settings: Self = toml::from_str(text).map_err(|error| syntax(text, &error))?;
        settings.validated().map_err(|problem| {
            let (line, column) = position(text, value_start(&table, key_of(&problem)));
            SettingsError::At {
                line,
                column,
                problem: Box::new(problem),
            }
        })
    }

    /// Writes a settings file with a comment on every key.
    pub fn to_toml(&self) -> String {
        let list = |texts: Vec<String>| {
            let quoted: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
            format!("[{}]", quoted.join(", "))
        };
        let revise = match self.revise {
            Some(revise) => format!("revise = \"{revise}\""),
            None => "# revise = \"60s\"".to_owned(),
        };
        format!(
            "# Live settings of stock-up: a change is applied as soon as the file is saved.\n\
             # A change that cannot be used is refused with its reason, and the settings before stay.\n\
             \n\
             # Symbols to follow, as the venue spells them.\n\
             subscriptions = {subscriptions}\n\
             \n\
             # Lengths of the sliding windows, from 1ms to 24h, at most 16.\n\
             windows = {windows}\n\
             \n\
             # Distance of the times at which a point is emitted, from 10ms to 1h.\n\
             grid = \"{grid}\"\n\
             \n\
             # How long a point waits for trades that are under way, at most 1h.\n\
             lateness = \"{lateness}\"\n\
             \n\
             # How far back points are emitted again for later trades; left out: the longest window.\n\
             {revise}\n\
             \n\
             # \"all\": every trade moves every number; \"sip\": as the US consolidated tape allows.\n\
             conditions = \"{conditions}\"\n\
             \n\
             # error, warn, info, debug or trace.\n\
             log_level = \"{log_level}\"\n",
            subscriptions = list(self.subscriptions.clone()),
            windows = list(self.windows.iter().map(ToString::to_string).collect()),
            grid = self.grid,
            lateness = self.lateness,
            conditions = conditions::name(self.conditions),
            log_level = self.log_level.name(),
        )
    }
}

/// A TOML string; for texts without control characters it is spelled as in JSON.
fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    write_string(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn syntax(text: &str, error: &Error) -> SettingsError {
    let (line, column) = position(text, error.span().map_or(0, |span| span.start));
    SettingsError::Syntax {
        line,
        column,
        detail: error.message().replace('\n', "; "),
    }
}

/// The key that a problem is about.
fn key_of(problem: &SettingsError) -> &'static str {
    use stock_up_core::SettingsError as Analyzer;
    match problem {
        SettingsError::Analyzer(Analyzer::Grid(_)) => "grid",
        SettingsError::Analyzer(Analyzer::Lateness(_)) => "lateness",
        SettingsError::Analyzer(Analyzer::Revise(_)) => "revise",
        SettingsError::Analyzer(_) => "windows",
        _ => "subscriptions",
    }
}

fn value_start(table: &Spanned<DeTable<'_>>, key: &str) -> usize {
    table
        .get_ref()
        .iter()
        .find(|(known, _)| known.get_ref().as_ref() == key)
        .map_or(0, |(_, value)| value.span().start)
}

/// Line and column of a byte, both from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}

/// What was probably meant by `key`.
pub(super) fn hint(key: &str) -> String {
    let nearest = KEYS
        .into_iter()
        .map(|known| (distance(key, known), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3));
    match nearest {
        Some((_, known)) => format!("; did you mean `{known}`?"),
        None => format!("; known are {}", KEYS.join(", ")),
    }
}

/// How many characters must be added, removed or replaced to get from one word to the other.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (index, l) in left.chars().take(64).enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        for (place, r) in row.iter_mut().skip(1).zip(right.chars()) {
            let replaced = diagonal + usize::from(l != r);
            diagonal = *place;
            *place = replaced.min(diagonal + 1).min(before + 1);
            before = *place;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
