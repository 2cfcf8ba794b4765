//! Where things are: the checkout, the target folder, the binary.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::Context as _;
use serde_json::Value;

use crate::shell;

/// The root of the checkout, wherever the command was started.
///
/// What cargo says of the running command goes before what was known when it was compiled: a
/// `target` that was copied to another checkout would work in the first one.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let running = std::env::var_os("CARGO_MANIFEST_DIR").filter(|_| is_of_this_package());
        let package = running.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&package).parent();
        root.expect("xtask lies in the workspace root").to_owned()
    });
    &ROOT
}

/// Whether cargo's variables speak of us, and not of a package whose test started us.
fn is_of_this_package() -> bool {
    std::env::var("CARGO_PKG_NAME").is_ok_and(|name| name == env!("CARGO_PKG_NAME"))
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
