//! From a fresh clone to the page in the browser: what `make run` calls.

use std::os::unix::process::CommandExt as _;

use anyhow::Context as _;

use crate::{shell, web, workspace};

/// Builds the page and the release binary, where they are stale.
///
/// Without the clients of Kafka, RabbitMQ, etcd and Redis: they would double the time to the first
/// page, and the embedded default has no use for them. A plain `cargo build` has them all.
pub(crate) fn build() -> anyhow::Result<()> {
    release(&["--no-default-features"])
}

/// The same with all clients, as a team runs it.
pub(crate) fn build_for_brokers() -> anyhow::Result<()> {
    release(&[])
}

fn release(more: &[&str]) -> anyhow::Result<()> {
    web::build()?;
    let build = ["build", "--release", "--package", "stock-up"];
    shell::run(shell::cargo(&[&build, more].concat()))
}

/// Builds what is stale, then becomes `stock-up run`.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    build()?;

    let binary = workspace::binary("release")?;
    let mut command = shell::program(&binary.to_string_lossy(), &["run"]);
    command.args(arguments);
    println!("$ {}", shell::shown(&command));
    // It takes the place of this process: signals and the exit code are its own.
    let error = command.exec();
    Err(error).with_context(|| format!("`{}` could not be started", binary.display()))
}
