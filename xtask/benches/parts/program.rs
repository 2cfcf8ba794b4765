//! The release binary as its users run it: started, watched from outside, killed.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context as _, bail, ensure};

/// Where `cargo xtask bench` says what it built.
const VARIABLE: &str = "STOCK_UP_BENCH_BINARY";

/// A second of `/proc/PID/stat`, in its ticks: `USER_HZ` is 100 on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// The binary under measurement.
pub(crate) fn binary() -> anyhow::Result<PathBuf> {
    let path = env::var_os(VARIABLE).map(PathBuf::from);
    path.with_context(|| format!("start this by `cargo xtask bench`, which sets `{VARIABLE}`"))
}

/// A running `stock-up`, killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    /// Where it listens, as it said in its first line.
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts `stock-up ARGUMENTS` and waits until it says where it listens.
    pub(crate) fn start<S: AsRef<OsStr>>(
        arguments: impl IntoIterator<Item = S>,
        variables: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(binary()?);
        // Nothing that the caller's shell holds may change what is measured.
        for (key, _) in env::vars_os() {
            let text = key.to_string_lossy().into_owned();
            if text.starts_with("STOCK_UP__") || text.starts_with("QUOTE_") {
                command.env_remove(key);
            }
        }
        let mut child = command
            .args(arguments)
            .envs(variables.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().context("the output is piped")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let address = line
            .split("://")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        let Some(address) = address else {
            drop(child.kill());
            child.wait()?;
            bail!("`{}` is no first line of a server", line.trim_end());
        };
        Ok(Self { child, address })
    }

    /// CPU time of all its threads so far.
    pub(crate) fn cpu_time(&self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in brackets may hold blanks: fields are counted behind it.
        let behind = stat.rsplit(')').next().context("a line of `stat`")?;
        let field = |place: usize| -> anyhow::Result<f64> {
            let text = behind.split_whitespace().nth(place);
            Ok(text.context("a field of `stat`")?.parse()?)
        };
        let ticks = field(11)? + field(12)?;
        Ok(Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
    }

    /// The most memory that was resident at once, in MB.
    pub(crate) fn peak_megabytes(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        let kilobytes: f64 = kilobytes.context("`VmHWM` of `status`")?.parse()?;
        Ok(kilobytes * 1024.0 / 1e6)
    }

    /// Ends it as a power cut would: `SIGKILL`.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it ends by itself, which it must do well.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let status: ExitStatus = self.child.wait()?;
        ensure!(status.success(), "it ended with {status}");
        Ok(())
    }

    /// Whether it still runs.
    pub(crate) fn check_alive(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended early, with {status}"),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended already needs nothing.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
