//! The last good settings, on disk, for a start without etcd.
//!
//! A small TOML file that is replaced as a whole. It holds what was in force, as etcd had it; it is
//! no place to change settings, and says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;

use super::super::durable;
use super::key::{Held, Key, Listing, Value};
use crate::text::json::write_string;

/// Longest file: every key may hold its longest value, escaped.
const MAX_FILE_BYTES: u64 = 64 << 20;

const HEAD: &str = "\
# The last good settings from etcd, for a start without it; written by stock-up.
# A change here is lost: change the keys in etcd, or use `stock-up settings set`.
";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    prefix: String,
    cluster: String,
    revision: i64,
    #[serde(default)]
    keys: BTreeMap<String, Kept>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    value: String,
    revision: i64,
}

/// What was kept for the keys under `prefix`; `None` if nothing was.
///
/// # Errors
/// A file that cannot be read, or is not one of ours.
pub(super) fn read(path: &Path, prefix: &str) -> io::Result<Option<Listing>> {
    let mut text = String::new();
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    file.take(MAX_FILE_BYTES).read_to_string(&mut text)?;
    let file: File = toml::from_str(&text)
        .map_err(|error| io::Error::other(error.message().replace('\n', " ")))?;
    if file.prefix != prefix {
        return Ok(None);
    }
    let named = |(name, kept): (String, Kept)| {
        let (value, revision) = (Value::Text(kept.value), kept.revision);
        Some((Key::named(&name)?, Held { value, revision }))
    };
    Ok(Some(Listing {
        cluster: u64::from_str_radix(&file.cluster, 16).unwrap_or(0),
        revision: file.revision,
        values: file.keys.into_iter().filter_map(named).collect(),
        unknown: Vec::new(),
    }))
}

/// Keeps what is in force. It is durable when this returns.
pub(super) fn write(path: &Path, prefix: &str, kept: &Listing) -> io::Result<()> {
    durable::replace(path, text(prefix, kept).as_bytes())
}

fn text(prefix: &str, kept: &Listing) -> String {
    let Listing {
        cluster, revision, ..
    } = kept;
    let prefix = quoted(prefix);
    let mut text = format!(
        "{HEAD}prefix = {prefix}\ncluster = \"{cluster:x}\"\nrevision = {revision}\n\n[keys]\n"
    );
    for (key, held) in &kept.values {
        if let Value::Text(value) = &held.value {
            let (name, value, revision) = (key.name(), quoted(value), held.revision);
            writeln!(
                text,
                "\"{name}\" = {{ value = {value}, revision = {revision} }}"
            )
            .expect("a String takes any text");
        }
    }
    text
}

/// A TOML string. JSON's escapes are TOML's, but for the one control character above them.
fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    write_string(text, &mut out);
    String::from_utf8_lossy(&out).replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etcd.toml");
        assert!(read(&path, "p/").unwrap().is_none());
        let held = |text: &str, revision| Held {
            value: Value::Text(text.to_owned()),
            revision,
        };
        let values = vec![
            (Key::Windows, held("60s,5m", 0)),
            (Key::Subscriptions, held("SPY, \"q\"\n\u{7f}\u{1}é", 7)),
        ];
        let kept = Listing {
            cluster: 0xfeed_0000_0000_0001,
            revision: 9,
            values,
            unknown: Vec::new(),
        };
        write(&path, "p/", &kept).unwrap();
        let found = read(&path, "p/").unwrap().unwrap();
        assert_eq!((found.cluster, found.revision), (kept.cluster, 9));
        assert_eq!(found.values, kept.values);
        assert!(read(&path, "other/").unwrap().is_none());
    }

    #[test]
    fn a_damaged_file_is_an_error_and_no_panic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etcd.toml");
        for text in ["", "prefix = 1", "\u{0}", "prefix = \"\"\nmore = 1"] {
            fs::write(&path, text).unwrap();
            assert!(read(&path, "").is_err(), "{text}");
        }
    }
}
