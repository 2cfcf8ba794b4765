//! Where recorded tapes are, for the tests that want real ones.
//!
//! `STOCK_UP_TAPES` names a folder of `*.csv.gz`; without it such a test is skipped, and says so.
//! `STOCK_UP_REQUIRE_TAPES=1` turns that into a failure.

use std::path::PathBuf;

/// All tapes by name, or nothing, loudly.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn all(test: &str) -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os("STOCK_UP_TAPES") else {
        assert!(
            std::env::var_os("STOCK_UP_REQUIRE_TAPES").is_none_or(|value| value != "1"),
            "STOCK_UP_REQUIRE_TAPES is set, but STOCK_UP_TAPES names no folder"
        );
        eprintln!("SKIPPED: {test}: set STOCK_UP_TAPES to a folder of recorded tapes");
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
