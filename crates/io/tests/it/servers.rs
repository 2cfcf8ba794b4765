//! Where the real servers are, for the tests that want them.
//!
//! `cargo xtask services up` prints the variables, such as `STOCK_UP_TEST_INFLUXDB`; without its
//! variable such a test is skipped, and says so.
//! `STOCK_UP_REQUIRE_SERVICES=1` turns that into a failure.

use std::io::Write as _;

/// What `variable` says, or nothing, loudly.
pub(crate) fn address(variable: &str, test: &str) -> Option<String> {
    if let Ok(address) = std::env::var(variable) {
        return Some(address);
    }
    skipped(
        test,
        &format!("set {variable}, for example through `cargo xtask services up`"),
    );
    None
}

/// Says that `test` does not run, or fails where that is not allowed.
pub(crate) fn skipped(test: &str, why: &str) {
    assert!(
        std::env::var_os("STOCK_UP_REQUIRE_SERVICES").is_none_or(|value| value != "1"),
        "STOCK_UP_REQUIRE_SERVICES is set, but {test} cannot run: {why}"
    );
    // The stream itself: the harness hides what a passing test prints.
    let skipped = format!("SKIPPED {test}: {why}\n");
    std::io::stderr().write_all(skipped.as_bytes()).unwrap();
}
