//! Where things are: the checkout, the target folder, the binary.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

use crate::shell;

/// The root of the checkout, wherever the command was started.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace root")
}

/// What cargo knows of the workspace's own packages, dependencies left out.
pub(crate) fn metadata() -> anyhow::Result<Value> {
    let text = shell::read(shell::cargo(&[
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
    ]))?;
    serde_json::from_str(&text).context("`cargo metadata` did not print JSON")
}

/// The folder that cargo builds into; `CARGO_TARGET_DIR` and `.cargo/config.toml` are heeded.
pub(crate) fn target_dir() -> anyhow::Result<PathBuf> {
    let metadata = metadata()?;
    let path = metadata["target_directory"].as_str();
    Ok(PathBuf::from(
        path.context("`cargo metadata` names no target directory")?,
    ))
}

/// Builds everything that tests need, the binary too, and returns that.
///
/// Whoever needs the unoptimised binary asks here: another choice of packages would have other
/// features of shared dependencies, and cargo would build these anew for it.
pub(crate) fn build_for_tests() -> anyhow::Result<PathBuf> {
    shell::run(shell::cargo(&[
        "test",
        "--workspace",
        "--no-run",
        "--quiet",
    ]))?;
    binary("debug")
}

/// Where cargo puts the binary of `profile` (`debug` or `release`).
pub(crate) fn binary(profile: &str) -> anyhow::Result<PathBuf> {
    Ok(target_dir()?.join(profile).join("stock-up"))
}
