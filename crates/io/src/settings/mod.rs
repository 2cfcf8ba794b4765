//! Live settings: a small file that is watched, and may be written by the page.
//!
//! [`Settings`] are parsed and checked as a whole: a change is applied whole or refused whole, with
//! its reason, and the settings before stay. [`SettingsFile`] owns the file; everybody else holds a
//! [`SettingsHandle`] and sees [`SettingsState`] change.
//!
//! Try it: start `stock-up run`, edit `settings.toml` in the data directory and look at the page.

pub mod durable;
mod error;
mod file;
mod form;
mod model;
mod parse;
mod seen;
mod watch;

pub use error::{SettingsError, SettingsFileError};
pub use file::{Missing, SettingsFile};
pub use model::{LogLevel, MAX_SUBSCRIPTIONS, Settings, parse_symbols};
pub use watch::{SettingsHandle, SettingsState};
