//! A process of the program: started with its output in a file, killed, asked to end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal};

use crate::stopwatch::Stopwatch;

pub(super) const POLL: Duration = Duration::from_millis(50);

/// How long a process may take to say where it is.
const START_TIME: Duration = Duration::from_mins(1);

/// How much of an output an error repeats.
const TAIL_LINES: usize = 25;

/// A process at work; it ends with this value.
#[derive(Debug)]
pub(super) struct Role {
    child: Child,
    /// What it says, and what it complains of.
    log: PathBuf,
}

impl Role {
    /// Starts `command`; what it says goes to the end of `log`.
    pub(super) fn start(mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        command
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out);
        let child = command
            .spawn()
            .with_context(|| format!("`{}` could not be started", log.display()))?;
        let log = log.to_owned();
        Ok(Self { child, log })
    }

    /// Waits for a line with `before` and gives what stands after it.
    pub(super) fn says(&mut self, before: &str) -> anyhow::Result<String> {
        let watch = Stopwatch::start();
        loop {
            let text = fs::read_to_string(&self.log)?;
            let line = text.lines().find_map(|line| line.split_once(before));
            if let Some((_, after)) = line {
                return Ok(after.trim().to_owned());
            }
            self.guard()?;
            if watch.elapsed() > START_TIME {
                bail!("never said `{before}`; {}", self.tail());
            }
            thread::sleep(POLL);
        }
    }

    /// Fails if it has ended.
    pub(super) fn guard(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("ended by itself, {status}; {}", self.tail()),
            None => Ok(()),
        }
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.guard()?;
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, as an operator would.
    pub(super) fn ask_to_end(&self) -> anyhow::Result<()> {
        let pid = self.child.id().try_into().ok().and_then(Pid::from_raw);
        let pid = pid.context("a process has a number")?;
        Ok(rustix::process::kill_process(pid, Signal::TERM)?)
    }

    /// Waits until it has ended well.
    pub(super) fn ends(&mut self, within: Duration) -> anyhow::Result<()> {
        let watch = Stopwatch::start();
        let status: ExitStatus = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if watch.elapsed() > within {
                bail!("does not end; {}", self.tail());
            }
            thread::sleep(POLL);
        };
        if !status.success() {
            bail!("ended with {status}; {}", self.tail());
        }
        Ok(())
    }

    /// The last lines that it said.
    fn tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.len().saturating_sub(TAIL_LINES);
        format!(
            "the end of `{}`:\n  {}",
            self.log.display(),
            lines[tail..].join("\n  ")
        )
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, folder: &Path) -> Role {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Role::start(command, &folder.join("log")).expect("it starts")
    }

    #[test]
    fn a_role_is_heard_asked_and_killed_and_its_own_end_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "trap 'exit 0' TERM; echo 'here at x'; while :; do sleep 0.01; done";
        let mut role = shell(script, folder.path());
        assert_eq!(role.says("here at ").expect("it says so"), "x");
        role.guard().expect("it is there");
        role.ask_to_end().expect("it is there");
        role.ends(START_TIME).expect("it ends well");
        let error = role.kill().expect_err("it is gone").to_string();
        assert!(
            error.starts_with("ended by itself, exit status: 0"),
            "{error}"
        );
        let mut role = shell("echo oh; exit 3", folder.path());
        let error = role.ends(START_TIME).expect_err("it failed").to_string();
        assert!(
            error.contains("exit status: 3") && error.ends_with("  oh"),
            "{error}"
        );
        let mut role = shell("exec sleep 600", folder.path());
        role.kill().expect("it was there");
    }
}
