//! One server process: started in a session of its own, so that it outlives xtask, and found again
//! through files beside its data.
//!
//! A folder holds it: `start` (a script that becomes the server), `log` (what it printed), `pid`
//! (also the number of its process group) and `born` (when the system started that process).
//! Invariant: no signal is sent to a process whose birth differs from `born`, for numbers are used
//! again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal};

use crate::shell;
use crate::stopwatch::Stopwatch;

/// How long a server may take to end by itself; Kafka and RabbitMQ write their state first.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the system may take to end a process that was killed.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the system may take to give a process its session.
const SESSION_TIMEOUT: Duration = Duration::from_secs(10);
pub(super) const POLL: Duration = Duration::from_millis(20);
/// How much of a log an error repeats.
const TAIL_LINES: usize = 25;

/// What a process does right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Running,
    Frozen,
    Stopped,
}

/// A server's folder; whether it runs is asked of the system each time.
#[derive(Debug)]
pub(super) struct Process {
    folder: PathBuf,
}

impl Process {
    pub(super) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Starts `start` unless the process runs; the log is continued.
    pub(super) fn start(&self) -> anyhow::Result<()> {
        if self.condition() != Condition::Stopped {
            return Ok(());
        }
        let log = self.folder.join("log");
        let out = File::options().create(true).append(true).open(&log);
        let out = out.with_context(|| format!("`{}` can't be written", log.display()))?;
        let script = self.folder.join("start");
        // `setsid` becomes the shell, and the shell the server: one number for all three.
        let mut command = shell::program("setsid", &["sh"]);
        command
            .arg(&script)
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out);
        let child = command
            .spawn()
            .with_context(|| format!("`{}` could not be started", script.display()))?;
        let born = self.led(child.id())?;
        // Order matters: a `pid` without its `born` is never signalled.
        fs::write(self.folder.join("born"), format!("{born}\n"))?;
        fs::write(self.folder.join("pid"), format!("{}\n", child.id()))?;
        Ok(())
    }

    /// Waits until process `pid` leads a group of its own, for a signal to the group would be lost
    /// before, and returns when it was born.
    fn led(&self, pid: u32) -> anyhow::Result<u64> {
        let watch = Stopwatch::start();
        while watch.elapsed() < SESSION_TIMEOUT {
            match stat(pid) {
                Some(stat) if stat.group == pid => return Ok(stat.born),
                Some(Stat { state: 'Z', .. }) | None => break,
                Some(_) => thread::sleep(POLL),
            }
        }
        bail!("the server in `{}` got no session", self.folder.display())
    }

    pub(super) fn pid(&self) -> Option<u32> {
        number(&self.folder.join("pid")).and_then(|number| number.try_into().ok())
    }

    pub(super) fn condition(&self) -> Condition {
        let born = number(&self.folder.join("born"));
        let Some(stat) = self.pid().and_then(stat) else {
            return Condition::Stopped;
        };
        match stat.state {
            _ if born != Some(stat.born) => Condition::Stopped,
            // A zombie has ended; it waits for a parent that looks later or never.
            'Z' | 'X' => Condition::Stopped,
            'T' => Condition::Frozen,
            _ => Condition::Running,
        }
    }

    /// Asks it to end, and ends it when it does not.
    pub(super) fn stop(&self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        // A frozen process sees the first signal only when it goes on.
        self.signal(Signal::CONT)?;
        if !self.ended(STOP_TIMEOUT) {
            eprintln!("{} did not stop in time: killed", self.folder.display());
            self.kill()?;
        }
        Ok(())
    }

    /// Ends it at once, as a crash would.
    pub(super) fn kill(&self) -> anyhow::Result<()> {
        self.signal(Signal::KILL)?;
        if !self.ended(KILL_TIMEOUT) {
            bail!("`{}` can't be killed", self.folder.display());
        }
        Ok(())
    }

    pub(super) fn freeze(&self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)
    }

    pub(super) fn thaw(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Sends `signal` to the whole group, or does nothing when the process has ended.
    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        if self.condition() == Condition::Stopped {
            return Ok(());
        }
        let pid = self
            .pid()
            .and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
        let pid = pid.context("a process that runs has a number")?;
        match rustix::process::kill_process_group(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| {
                format!("the server in `{}` took no signal", self.folder.display())
            }),
        }
    }

    fn ended(&self, within: Duration) -> bool {
        let watch = Stopwatch::start();
        while self.condition() != Condition::Stopped {
            if watch.elapsed() > within {
                return false;
            }
            thread::sleep(POLL);
        }
        true
    }

    /// The last lines of its log, for errors.
    pub(super) fn tail(&self) -> String {
        let log = self.folder.join("log");
        let text = fs::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.len().saturating_sub(TAIL_LINES);
        let shown: Vec<String> = lines[tail..]
            .iter()
            .map(|line| format!("  {line}"))
            .collect();
        format!("the end of `{}`:\n{}", log.display(), shown.join("\n"))
    }
}

/// What the system says of a process.
struct Stat {
    state: char,
    group: u32,
    born: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// `proc(5)`: number, name in brackets (which may hold brackets and blanks), then fields from the
/// third on; the state is the third, the group the fifth, the time of birth the 22nd.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    Some(Stat {
        state: fields.next()?.chars().next()?,
        group: fields.nth(1)?.parse().ok()?,
        born: fields.nth(16)?.parse().ok()?,
    })
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let text = "9 (a) b) S 1 7 8 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 987 5 6";
        let stat = parse_stat(text).expect("a valid line");
        assert_eq!((stat.state, stat.group, stat.born), ('S', 7, 987));
    }

    fn until(holds: impl Fn() -> bool) {
        let watch = Stopwatch::start();
        while !holds() {
            assert!(watch.elapsed() < KILL_TIMEOUT, "it never came to hold");
            thread::sleep(POLL);
        }
    }

    #[test]
    fn a_process_is_started_frozen_thawed_and_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("start"), "echo here; exec sleep 600").expect("written");
        let process = Process::at(folder.path().to_owned());
        assert_eq!(process.condition(), Condition::Stopped);
        process.start().expect("it starts");
        assert_eq!(process.condition(), Condition::Running);
        until(|| process.tail().ends_with("  here"));
        process.freeze().expect("it freezes");
        // The state changes when the process next runs.
        until(|| process.condition() == Condition::Frozen);
        process.stop().expect("it stops, though frozen");
        assert_eq!(process.condition(), Condition::Stopped);
    }

    #[test]
    fn the_number_of_another_process_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = std::process::id();
        fs::write(folder.path().join("pid"), own.to_string()).expect("written");
        fs::write(folder.path().join("born"), "1").expect("written");
        let process = Process::at(folder.path().to_owned());
        assert_eq!(process.condition(), Condition::Stopped);
        // Would end this test.
        process.kill().expect("there is nothing to kill");
    }
}
