//! The documents that the binary writes about itself, so that they cannot differ from it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::workspace;

/// Exit code of `stock-up` for a command that it does not know.
const USAGE: i32 = 2;

/// A document and the arguments of `stock-up` that print it.
struct Generated {
    path: &'static str,
    arguments: [&'static str; 2],
}

const GENERATED: [Generated; 3] = [
    Generated {
        path: "docs/config.md",
        arguments: ["docs", "config"],
    },
    Generated {
        path: "docs/metrics.md",
        arguments: ["docs", "metrics"],
    },
    Generated {
        path: "docs/openapi.json",
        arguments: ["docs", "openapi"],
    },
];

/// Writes every document that the binary can print.
pub(crate) fn write() -> anyhow::Result<()> {
    let binary = workspace::build_for_tests()?;
    for document in &GENERATED {
        let Some(text) = print(&binary, document)? else {
            println!("{}: the binary does not print it yet", document.path);
            continue;
        };
        let path = workspace::root().join(document.path);
        fs::write(&path, text).with_context(|| format!("`{}`", path.display()))?;
        println!("{}: written", document.path);
    }
    Ok(())
}

/// Compares every document with what the binary prints now; the note counts them.
pub(crate) fn check() -> anyhow::Result<String> {
    let binary = workspace::build_for_tests()?;
    let mut same = 0;
    for document in &GENERATED {
        let written = fs::read_to_string(workspace::root().join(document.path)).ok();
        match (print(&binary, document)?, written) {
            (Some(printed), Some(written)) if printed == written => same += 1,
            (None, None) => {}
            _ => bail!(
                "`{}` is not what the binary prints: cargo xtask docs",
                document.path
            ),
        }
    }
    Ok(format!(
        "{same} of {} generated documents are there and up to date",
        GENERATED.len()
    ))
}

/// What the binary prints for `document`, or none while it does not know the command.
fn print(binary: &Path, document: &Generated) -> anyhow::Result<Option<String>> {
    let output = Command::new(binary).args(document.arguments).output();
    let output = output.with_context(|| format!("`{}` could not be started", binary.display()))?;
    if output.status.code() == Some(USAGE) || (output.status.success() && output.stdout.is_empty())
    {
        return Ok(None);
    }
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`stock-up {}` failed: {}",
            document.arguments.join(" "),
            said.trim_end()
        );
    }
    Ok(Some(String::from_utf8(output.stdout)?))
}
