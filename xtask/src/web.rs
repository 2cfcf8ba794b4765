//! The page's own build: dependencies, bundle, checks, unit tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::transcript::Transcript;
use crate::{setup, shell, workspace};

/// What the bundle is made of; everything else in `web/` is tests and tools.
const SOURCES: [&str; 7] = [
    "index.html",
    "package-lock.json",
    "package.json",
    "public",
    "src",
    "tsconfig.json",
    "vite.config.ts",
];

pub(crate) fn folder() -> PathBuf {
    workspace::root().join("web")
}

/// npm, in the page's folder.
pub(crate) fn npm(arguments: &[&str]) -> Command {
    let mut command = shell::program("npm", arguments);
    command.current_dir(folder());
    command
}

/// Installs the locked dependencies when the lock is newer than what is installed.
pub(crate) fn install() -> anyhow::Result<()> {
    setup::node()?;
    let lock = modified(&folder().join("package-lock.json"));
    // npm writes this file last, so an interrupted installation is seen too.
    let installed = modified(&folder().join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= lock {
        return Ok(());
    }
    shell::run(npm(&["ci", "--no-audit", "--no-fund"]))
}

/// Builds `web/dist` when a source is newer than it; the binary carries what is there.
pub(crate) fn build() -> anyhow::Result<&'static str> {
    let newest = SOURCES
        .iter()
        .filter_map(|name| newest_in(&folder().join(name)))
        .max();
    let built = modified(&folder().join("dist/index.html"));
    if built.is_some() && built >= newest {
        return Ok("up to date");
    }
    install()?;
    shell::run(npm(&["run", "build"]))?;
    Ok("built")
}

/// Types and lints.
pub(crate) fn check() -> anyhow::Result<()> {
    install()?;
    shell::run(npm(&["run", "check"]))
}

/// The page's tests that need no browser.
pub(crate) fn unit() -> anyhow::Result<Transcript> {
    install()?;
    shell::record(npm(&["run", "unit"]))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}

/// When the newest file at or below `path` was changed.
fn newest_in(path: &Path) -> Option<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    // The folder itself counts: a file that was removed leaves no other trace.
    entries
        .map(|entry| newest_in(&entry.path()))
        .chain([modified(path)])
        .max()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_file_of_a_folder_counts() {
        let source = workspace::root().join("xtask/src");
        assert!(newest_in(&source) >= newest_in(&source.join("web.rs")));
        assert_eq!(newest_in(&source.join("nothing.rs")), None);
    }
}
