//! How values are written in the configuration: durations, sizes, tokens.

use std::fmt;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stock_up_io::feed::Secret;

pub(crate) use stock_up_io::form::duration;
pub(super) use stock_up_io::form::{secret, span};

/// Longest token in bytes.
const MAX_TOKEN_BYTES: u64 = 4_096;

/// A number of bytes, written `64MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

const UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

impl ByteSize {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (unit, bytes) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
        let number = text.strip_suffix(unit)?.trim_end();
        number.parse::<u64>().ok()?.checked_mul(*bytes).map(Self)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, bytes): &&(&str, u64)| self.0 >= *bytes && self.0.is_multiple_of(*bytes);
        let (unit, bytes) = UNITS.iter().find(whole).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / bytes)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| {
            let expected = "expected one like \"64MiB\", \"16GiB\" or \"4096B\"";
            serde::de::Error::custom(format!("`{text}` is no size; {expected}"))
        })
    }
}

/// Reads a secret from its file; others must not be able to change it.
pub(crate) fn secret_from_file(path: &Path) -> anyhow::Result<Secret> {
    let shown = path.display();
    let about = || format!("cannot read token file `{shown}`");
    let file = fs::metadata(path).with_context(about)?;
    if !file.is_file() {
        bail!("token file `{shown}` is no file");
    }
    if file.len() > MAX_TOKEN_BYTES {
        bail!("token file `{shown}` holds more than {MAX_TOKEN_BYTES} bytes; it is no token");
    }
    let mode = file.permissions().mode();
    if mode & 0o022 != 0 {
        bail!("token file `{shown}` can be written by others; `chmod 600 {shown}`");
    }
    // In a container it belongs to somebody else, and must be readable by others to be read at all.
    let is_ours = file.uid() == rustix::process::geteuid().as_raw();
    if is_ours && mode & 0o044 != 0 {
        tracing::warn!(file = %shown, "the token file can be read by others; chmod 600 is better");
    }
    let secret = Secret::new(&fs::read_to_string(path).with_context(about)?);
    if secret.is_empty() {
        bail!("token file `{shown}` is empty");
    }
    if secret
        .expose()
        .chars()
        .any(|c| c.is_control() || c.is_whitespace())
    {
        bail!("token file `{shown}` holds more than one word; it must be the token alone");
    }
    Ok(secret)
}
