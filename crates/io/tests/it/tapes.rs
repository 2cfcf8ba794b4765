//! The recorded tapes, for the tests that want real ones.

use std::path::PathBuf;

use crate::needs;

/// All tapes by name, or nothing, loudly.
pub(crate) fn all(test: &str) -> Vec<PathBuf> {
    let Some(folder) = needs::tapes(test) else {
        return Vec::new();
    };
    let mut tapes: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("STOCK_UP_TAPES={}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".csv.gz"))
        .collect();
    tapes.sort();
    assert!(!tapes.is_empty(), "no *.csv.gz in {}", folder.display());
    tapes
}
