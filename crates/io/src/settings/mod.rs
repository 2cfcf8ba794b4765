//! Live settings: a small file that is watched, or keys in etcd; the page may write both.
//!
//! What cannot be used is refused with its reason, and what was in force before stays: of a file
//! the whole change, of etcd the one value. [`SettingsFile`] owns the file, `EtcdSettings` the keys;
//! everybody else holds a [`SettingsHandle`] and sees [`SettingsState`] change.
//!
//! Try it: start `stock-up run`, edit `settings.toml` in the data directory and look at the page.

pub mod durable;
mod error;
#[cfg(feature = "etcd")]
pub mod etcd;
mod field;
mod file;
mod form;
mod model;
mod parse;
mod seen;
mod watch;

pub use error::{SettingsError, SettingsFileError};
pub use field::Field;
pub use file::{Missing, SettingsFile};
pub use model::{LogLevel, MAX_SUBSCRIPTIONS, Settings, parse_symbols};
pub use watch::{SettingsHandle, SettingsState};
