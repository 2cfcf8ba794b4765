//! Licences, bans, sources and advisories of everything we depend on, through cargo-deny.
//!
//! cargo-deny is built once into `.cache/`, unoptimised: that takes about a minute on two cores
//! instead of several, and it only reads a lock file.
//! Its database of advisories comes from a git host.
//! Where that is out of reach the step passes without it, and says so.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use crate::stopwatch::Stopwatch;
use crate::{shell, workspace};

const VERSION: &str = "0.20.2";
/// How long the database of advisories may take to come.
const FETCH_TIMEOUT: Duration = Duration::from_mins(1);

/// The path of cargo-deny, built when it is missing or of another version.
pub(crate) fn install() -> anyhow::Result<PathBuf> {
    let cache = workspace::root().join(".cache");
    let binary = cache.join("bin/cargo-deny");
    let version = shell::read(shell::program(&binary.to_string_lossy(), &["--version"]));
    if version.is_ok_and(|text| text.trim().ends_with(VERSION)) {
        return Ok(binary);
    }
    println!("building cargo-deny {VERSION} into `.cache`: about a minute, once");
    let mut build = shell::cargo(&["install", "--quiet", "--locked", "--version", VERSION]);
    build.args(["cargo-deny", "--root"]).arg(&cache);
    // Cargo's own temporary folder goes away afterwards; ours would keep what nobody else uses.
    build.env_remove("CARGO_TARGET_DIR");
    for (key, value) in [
        ("OPT_LEVEL", "0"),
        ("DEBUG", "0"),
        ("LTO", "off"),
        ("STRIP", "symbols"),
    ] {
        build.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
    }
    shell::run(build).context("cargo-deny checks licences and sources")?;
    Ok(binary)
}

/// Runs the checks; the note says what could not be checked.
pub(crate) fn check() -> anyhow::Result<String> {
    let binary = install()?;
    let deny = |arguments: &[&str]| shell::program(&binary.to_string_lossy(), arguments);
    shell::run(deny(&[
        "--log-level",
        "error",
        "check",
        "licenses",
        "bans",
        "sources",
    ]))?;
    if !arrives(deny(&["--log-level", "error", "fetch", "db"]))? {
        println!("NOT CHECKED: advisories, for their database is out of reach from here");
        return Ok("advisories NOT CHECKED: database out of reach".to_owned());
    }
    shell::run(deny(&[
        "--log-level",
        "error",
        "check",
        "--disable-fetch",
        "advisories",
    ]))?;
    Ok(String::new())
}

/// Whether `fetch` ends well within its time.
fn arrives(mut fetch: Command) -> anyhow::Result<bool> {
    fetch
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let mut child = fetch.spawn().context("cargo-deny could not be started")?;
    let watch = Stopwatch::start();
    while watch.elapsed() < FETCH_TIMEOUT {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        thread::sleep(Duration::from_millis(50));
    }
    child.kill()?;
    child.wait()?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_that_fails_did_not_arrive() {
        assert!(arrives(shell::program("true", &[])).expect("it starts"));
        assert!(!arrives(shell::program("false", &[])).expect("it starts"));
    }
}
