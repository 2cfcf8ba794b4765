//! What tests need from outside: real servers, their programs, recorded tapes.
//!
//! `cargo xtask services up` starts servers and prints the variables that name them, such as
//! `STOCK_UP_TEST_INFLUXDB`; `STOCK_UP_TAPES` names a folder of `*.csv.gz`.
//! A test that lacks what it needs is skipped, and says so; `STOCK_UP_REQUIRE_SERVICES=1` and
//! `STOCK_UP_REQUIRE_TAPES=1` turn that into a failure.

use std::io::Write as _;
use std::path::PathBuf;

const SERVICES: &str = "STOCK_UP_REQUIRE_SERVICES";
const TAPES: &str = "STOCK_UP_REQUIRE_TAPES";

/// The server that `variable` names, or nothing, loudly.
#[track_caller]
pub(crate) fn server(variable: &str, test: &str) -> Option<String> {
    let named = named(variable);
    if named.is_none() {
        let how = format!("set {variable}, for example through `cargo xtask services up`");
        lacks(test, &how);
    }
    named
}

/// The same for a server that `services up` starts only when it is named, for it takes long to come
/// by: nothing requires it.
pub(crate) fn rare_server(variable: &str, service: &str, test: &str) -> Option<String> {
    let named = named(variable);
    if named.is_none() {
        let how =
            format!("set {variable}, for example through `cargo xtask services up {service}`");
        say(test, &how);
    }
    named
}

fn named(variable: &str) -> Option<String> {
    let named = std::env::var(variable).ok();
    named.filter(|named| !named.is_empty())
}

/// The folder of recorded tapes, or nothing, loudly.
#[track_caller]
pub(crate) fn tapes(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("STOCK_UP_TAPES").map(PathBuf::from);
    if folder.is_none() {
        skipped(TAPES, test, "set STOCK_UP_TAPES to the folder of the tapes");
    }
    folder
}

/// Says that `test` does not run for want of a server or its program, or fails where that is not
/// allowed.
#[track_caller]
pub(crate) fn lacks(test: &str, why: &str) {
    skipped(SERVICES, test, why);
}

#[track_caller]
fn skipped(required: &str, test: &str, why: &str) {
    assert!(
        std::env::var_os(required).is_none_or(|value| value != "1"),
        "{required} is set, but {test} cannot run: {why}"
    );
    say(test, why);
}

/// To the stream itself: the harness hides what a passing test prints.
fn say(test: &str, why: &str) {
    let line = format!("SKIPPED {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}
