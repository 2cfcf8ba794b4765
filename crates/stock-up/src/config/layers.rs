//! The file and the environment, laid over the defaults.

use std::fs;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use toml::{Table, Value};

use super::Config;

/// Variables with this prefix set a key: `STOCK_UP__SERVE__LISTEN=127.0.0.1:9000`.
const PREFIX: &str = "STOCK_UP__";

/// Longest configuration file in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Reads the file, if one is given, and lays the variables over it.
pub(super) fn read(
    file: Option<&Path>,
    environment: &[(String, String)],
) -> anyhow::Result<Config> {
    let mut table = match file {
        Some(file) => read_file(file)?,
        None => Table::new(),
    };
    let mut named: Vec<_> = environment
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value)))
        .collect();
    named.sort();
    for (name, value) in named {
        let path: Vec<String> = name.split("__").map(str::to_lowercase).collect();
        set(&mut table, &path, value)
            .with_context(|| format!("environment variable `{PREFIX}{name}`"))?;
        let partial: Result<Config, _> = Value::Table(table.clone()).try_into();
        partial.with_context(|| format!("environment variable `{PREFIX}{name}`"))?;
    }
    Ok(Value::Table(table).try_into()?)
}

fn read_file(file: &Path) -> anyhow::Result<Table> {
    let shown = file.display();
    let about = || format!("cannot read configuration `{shown}`");
    let size = fs::metadata(file).with_context(about)?.len();
    if size > MAX_FILE_BYTES {
        bail!("configuration `{shown}` has {size} bytes; that is no configuration");
    }
    let text = fs::read_to_string(file).with_context(about)?;
    // Parsed as a whole first: only then does an error know its line.
    toml::from_str::<Config>(&text).map_err(|error| located(&shown.to_string(), &text, &error))?;
    Ok(text.parse()?)
}

/// An error of the TOML reader on one line, with its place and without the text around it, which
/// may hold a secret.
fn located(file: &str, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let before = error
        .span()
        .and_then(|span| text.get(..span.start))
        .unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |rest| rest.chars().count())
        + 1;
    anyhow!(
        "{file}:{line}:{column}: {}",
        error.message().replace('\n', " ")
    )
}

fn set(table: &mut Table, path: &[String], value: &str) -> anyhow::Result<()> {
    let [first, rest @ ..] = path else {
        bail!("names no key")
    };
    if first.is_empty() {
        bail!("names no key");
    }
    if rest.is_empty() {
        table.insert(first.clone(), read_value(value));
        return Ok(());
    }
    let inner = table
        .entry(first.clone())
        .or_insert_with(|| Value::Table(Table::new()));
    match inner {
        Value::Table(inner) => set(inner, rest, value),
        _ => bail!("`{first}` is no section"),
    }
}

/// A value as TOML has it, or else the text itself.
fn read_value(text: &str) -> Value {
    let parsed: Option<Table> = format!("value = {text}").parse().ok();
    let value = parsed.and_then(|mut table| table.remove("value"));
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}
