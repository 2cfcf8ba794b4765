//! Running other programs: what is started is printed, and a failure names it.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, bail};

use crate::transcript::Transcript;
use crate::workspace;

/// A command that starts in the root of the checkout.
pub(crate) fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(workspace::root());
    command
}

/// Cargo, without the variables that an outer `cargo run` leaves behind: build scripts that watch
/// them would run again at each change between `cargo xtask` and plain `cargo`.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let name = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = program(&name, arguments);
    for (key, _) in std::env::vars() {
        let package = key.starts_with("CARGO_PKG_") || key.starts_with("CARGO_MANIFEST_");
        if package || key == "CARGO_BIN_NAME" || key == "CARGO_CRATE_NAME" {
            command.env_remove(key);
        }
    }
    command
}

/// Runs `command` with its output shown; anything but success is an error.
pub(crate) fn run(mut command: Command) -> anyhow::Result<()> {
    let line = shown(&command);
    println!("$ {line}");
    let status = command
        .status()
        .with_context(|| format!("`{line}` could not be started"))?;
    succeeded(&line, status)
}

/// The same for what prepares the way to an output that a shell reads: everything is shown on the
/// error stream.
pub(crate) fn run_aside(mut command: Command) -> anyhow::Result<()> {
    let line = shown(&command);
    eprintln!("$ {line}");
    let status = command
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("`{line}` could not be started"))?;
    succeeded(&line, status)
}

fn succeeded(line: &str, status: ExitStatus) -> anyhow::Result<()> {
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs `command` silently and returns what it printed.
pub(crate) fn read(mut command: Command) -> anyhow::Result<String> {
    let line = shown(&command);
    let output = command
        .output()
        .with_context(|| format!("`{line}` could not be started"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{line}` failed: {}\n{}", output.status, said.trim_end());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` did not print text"))
}

/// Whether `command` can be started and succeeds; its output is dropped.
pub(crate) fn succeeds(mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs `command` with its output shown, and keeps the lines that count tests.
/// The error of a run that failed names the tests that did.
pub(crate) fn record(mut command: Command) -> anyhow::Result<Transcript> {
    let line = shown(&command);
    println!("$ {line}");
    if std::io::stdout().is_terminal() {
        command
            .env("CARGO_TERM_COLOR", "always")
            .env("FORCE_COLOR", "1");
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{line}` could not be started"))?;
    let out = child.stdout.take().expect("stdout is piped");
    let err = child.stderr.take().expect("stderr is piped");

    let transcript = Mutex::new(Transcript::default());
    thread::scope(|scope| {
        scope.spawn(|| follow(err, &transcript));
        follow(out, &transcript);
    });
    let status = child.wait().with_context(|| format!("`{line}` was lost"))?;
    let transcript = transcript.into_inner().expect("no reader panicked");
    if !status.success() {
        let mut names = String::new();
        for name in &transcript.failed {
            write!(names, "\n  {name}").expect("a String takes all text");
        }
        bail!("`{line}` failed: {status}{names}");
    }
    Ok(transcript)
}

fn follow(stream: impl Read, transcript: &Mutex<Transcript>) {
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        transcript.lock().expect("no reader panicked").line(&line);
    }
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let name = command.get_program().to_string_lossy();
    let mut line = name.rsplit('/').next().unwrap_or(&name).to_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        let quote = if argument.contains(' ') { "'" } else { "" };
        write!(line, " {quote}{argument}{quote}").expect("a String takes all text");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_typed() {
        assert_eq!(
            shown(&program("/usr/bin/echo", &["a", "b c"])),
            "echo a 'b c'"
        );
    }

    #[test]
    fn a_failure_names_the_command() {
        let error = read(program("false", &[])).expect_err("`false` fails");
        assert!(
            error
                .to_string()
                .starts_with("`false` failed: exit status: 1"),
            "{error}"
        );
        let error = read(program("no-such-program", &[])).expect_err("it does not exist");
        assert_eq!(error.to_string(), "`no-such-program` could not be started");
    }

    #[test]
    fn output_of_both_streams_is_recorded() {
        let script = "echo 'test result: ok. 2 passed; 0 failed;'; echo 'SKIPPED a: b' >&2";
        let transcript = record(program("sh", &["-c", script])).expect("sh runs");
        assert_eq!(transcript.passed, 2);
        assert_eq!(transcript.skipped, ["a: b"]);
    }

    #[test]
    fn a_failed_run_names_its_tests() {
        let script = "echo 'test one ... FAILED'; echo 'test two ... ok'; exit 101";
        let error = record(program("sh", &["-c", script])).expect_err("it exits with 101");
        let text = error.to_string();
        assert!(text.ends_with("failed: exit status: 101\n  one"), "{text}");
    }
}
