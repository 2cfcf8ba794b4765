//! The files of `deploy/`: what can be known of them without starting them.
//!
//! `compose.yaml` is held against the schema of the Compose specification and our own rules, the
//! dashboards against the types that Grafana publishes, and what they ask of our own HTTP interface
//! is asked of the program.
//! Where the Compose plugin of Docker is, it reads the file too.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::transcript::Transcript;
use crate::{setup, shell, workspace};

/// The tests over the files, and the plugin's own reading of them.
pub(crate) fn check() -> anyhow::Result<Transcript> {
    setup::node()?;
    let folder = workspace::root().join("deploy/check");
    if !installed(&folder) {
        shell::run(npm(&folder, &["ci", "--no-audit", "--no-fund"]))?;
    }
    let binary = workspace::build_for_tests()?;
    let mut check = npm(&folder, &["run", "--silent", "check"]);
    check.env("STOCK_UP_BIN", binary);
    let mut tests = shell::record(check)?;
    if shell::succeeds(shell::program("docker", &["compose", "version"])) {
        for transport in ["kafka", "rabbitmq"] {
            let transport = format!("deploy/{transport}.env");
            let file = ["compose", "--file", "deploy/compose.yaml"];
            let read = ["--env-file", &transport, "config", "--quiet"];
            shell::run(shell::program("docker", &[&file[..], &read[..]].concat()))?;
        }
    } else {
        tests
            .skipped
            .push("deploy/compose.yaml: `docker compose config` is not on this machine".into());
    }
    Ok(tests)
}

fn npm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = shell::program("npm", arguments);
    command.current_dir(folder);
    command
}

/// Whether the locked packages are there; npm writes its own copy of the lock last.
fn installed(folder: &Path) -> bool {
    let changed = |name: &str| fs::metadata(folder.join(name)).and_then(|data| data.modified());
    let (lock, copy) = (
        changed("package-lock.json"),
        changed("node_modules/.package-lock.json"),
    );
    matches!((lock, copy), (Ok(lock), Ok(copy)) if copy >= lock)
}
