//! Runs the binary and tells what it did.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run of the binary left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not killed"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The binary in a world of its own: no variable of ours reaches it.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stock-up"));
    command.env_clear().stdin(Stdio::null());
    command
}

pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    command().args(args).output().unwrap().into()
}

/// Runs with `input` on standard input.
pub(crate) fn run_with_input(args: &[&str], input: &[u8]) -> Ran {
    let mut child = command()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap().into()
}

/// What a run that must succeed wrote.
#[track_caller]
pub(crate) fn ok(args: &[&str]) -> String {
    let ran = run(args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
    ran.out
}

/// Asserts the exit code and that the error begins so.
#[track_caller]
pub(crate) fn refused(args: &[&str], code: i32, error: &str) {
    let ran = run(args);
    assert!(
        ran.err.starts_with(error),
        "{args:?} said\n{}expected\n{error}",
        ran.err
    );
    assert_eq!(ran.code, code, "{args:?}: {}", ran.err);
    assert_eq!(ran.out, "", "{args:?}");
}

/// A file of `testdata/`.
pub(crate) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name);
    path.to_str().expect("a path of ours").to_owned()
}

#[track_caller]
pub(crate) fn read(path: impl Into<PathBuf>) -> String {
    fs::read_to_string(path.into()).unwrap()
}

#[test]
fn help_shows_an_example_on_every_command() {
    for command in [
        &["run"][..],
        &["replay"],
        &["verify"],
        &["gaps"],
        &["export"],
        &["export", "trades"],
        &["export", "series"],
        &["republish"],
        &["check"],
        &["doctor"],
        &["venue"],
        &["venue", "serve"],
    ] {
        let args: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        let help = ok(&args);
        assert!(help.contains("Example"), "{command:?}");
        assert!(
            help.contains(&format!("stock-up {}", command[0])),
            "{command:?}"
        );
    }
}

#[test]
fn version_and_help_go_to_standard_output() {
    assert_eq!(
        ok(&["--version"]),
        format!("stock-up {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = ok(&["--help"]);
    for name in [
        "run",
        "replay",
        "check",
        "verify",
        "gaps",
        "export",
        "republish",
        "doctor",
        "venue",
    ] {
        assert!(help.contains(&format!("  {name} ")), "{name} in\n{help}");
    }
    // Not in this version, and for the build.
    for name in ["backtest", "docs"] {
        assert!(!help.contains(name), "{name} in\n{help}");
    }
}

#[test]
fn generated_documents_are_printed() {
    assert!(ok(&["docs", "config"]).starts_with("# "));
    assert!(ok(&["docs", "metrics"]).contains("stock_up_"));
    assert!(ok(&["docs", "openapi"]).contains("/api/v1/series"));
}
