//! What the tests need on a bare machine, installed when it is missing.
//!
//! Each function is quick and silent when there is nothing to do, so a single step can call for
//! just what it needs.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::services::{self, Service};
use crate::{deny, shell, web};

/// The oldest Node that the page's tools run on.
const NODE_MIN: u32 = 20;
/// Names under which a Chromium that Playwright can drive is installed.
const CHROMIUMS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Everything at once: what step `setup` of `ci` does.
pub(crate) fn all() -> anyhow::Result<()> {
    build_tools()?;
    web::install()?;
    chromium()?;
    // Step `test` says whether they may be missing.
    if let Err(error) = services::install(&Service::USUAL) {
        println!("no servers for the tests: {error:#}");
    }
    deny::install().map(drop)
}

/// What the clients of Kafka (C and OpenSSL) and etcd (Protobuf) are built with; a build without
/// default features needs none of it.
pub(crate) fn build_tools() -> anyhow::Result<()> {
    let has_openssl = shell::succeeds(shell::program(
        "pkg-config",
        &["--exists", "openssl", "zlib"],
    ));
    if has_openssl
        && ["protoc", "make", "g++"]
            .iter()
            .all(|name| find(name).is_some())
    {
        return Ok(());
    }
    apt(&[
        "protobuf-compiler",
        "pkg-config",
        "libssl-dev",
        "zlib1g-dev",
        "make",
        "g++",
    ])
    .context("the clients of Kafka and etcd are built with these")
}

/// Node and npm, from Debian where they are missing.
pub(crate) fn node() -> anyhow::Result<()> {
    if find("node").is_none() || find("npm").is_none() {
        apt(&["nodejs", "npm"]).context("Node and npm build the page")?;
    }
    let version = shell::read(shell::program("node", &["--version"]))?;
    let major = version.trim().trim_start_matches('v').split('.').next();
    let major: u32 = major.and_then(|text| text.parse().ok()).unwrap_or(0);
    if major < NODE_MIN {
        bail!(
            "Node {NODE_MIN} or newer builds the page, and `node` is {}; \
             install a newer one and call this again",
            version.trim()
        );
    }
    Ok(())
}

/// A Chromium for the page tests: `STOCK_UP_CHROMIUM`, one on the path, or Debian's.
pub(crate) fn chromium() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("STOCK_UP_CHROMIUM") {
        return Ok(PathBuf::from(named));
    }
    let installed = || CHROMIUMS.iter().find_map(|name| find(name));
    if let Some(path) = installed() {
        return Ok(path);
    }
    // A bare machine has no fonts either, and text without glyphs has no width to test.
    apt(&["chromium", "fonts-liberation"])
        .context("the page tests run in Chromium (or set `STOCK_UP_CHROMIUM` to one)")?;
    installed().context("Debian's `chromium` is installed but not on the path")
}

/// Installs Debian packages as root or through a sudo that asks nothing.
fn apt(packages: &[&str]) -> anyhow::Result<()> {
    apt_with(&[], packages)
}

/// The same with options of `apt-get install`.
pub(crate) fn apt_with(options: &[&str], packages: &[&str]) -> anyhow::Result<()> {
    let wanted = packages.join(" ");
    let prefix = root_prefix();
    let (Some(prefix), Some(_)) = (prefix, find("apt-get")) else {
        bail!(
            "`{wanted}` is missing and can't be installed from here; install it by hand, \
               on Debian: sudo apt-get install {wanted}"
        );
    };
    eprintln!("installing {wanted} from Debian");
    for arguments in [
        vec!["update", "-qq"],
        [&["install", "-y", "-qq"], options, packages].concat(),
    ] {
        let line = [
            prefix,
            &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
            &arguments,
        ];
        let line = line.concat();
        let (name, rest) = line.split_first().expect("the line names a program");
        shell::run_aside(shell::program(name, rest))?;
    }
    Ok(())
}

/// How to become root: not at all, through sudo, or none.
pub(crate) fn root_prefix() -> Option<&'static [&'static str]> {
    let user = shell::read(shell::program("id", &["-u"])).unwrap_or_default();
    if user.trim() == "0" {
        return Some(&[]);
    }
    shell::succeeds(shell::program("sudo", &["-n", "true"])).then_some(&["sudo", "-n"])
}

/// The program's path, if it is on the search path.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program").is_none());
    }
}
