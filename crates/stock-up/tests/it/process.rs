//! The binary as a process of its own: started, waited for by what it says, killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use stock_up_io::clock::Stopwatch;

use crate::cli::command;

/// Nothing here takes so long on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// Anything that needs a token; it must never be seen again.
pub(crate) const TOKEN: &str = "CANARY-7f3a";

/// A process that says on its first line where it listens.
pub(crate) struct Server {
    child: Child,
    /// Kept open, so that it can go on talking.
    _out: BufReader<ChildStdout>,
    /// Host and port.
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line
            .split("://")
            .nth(1)
            .unwrap_or_else(|| panic!("no address in `{line}`"));
        let address = address.split_whitespace().next().unwrap().to_owned();
        Self {
            child,
            _out: out,
            address,
        }
    }

    /// `venue serve` over `tape`.
    pub(crate) fn venue(tape: &Path, more: &[&str]) -> Self {
        let tape = tape.to_str().unwrap();
        let args = ["venue", "serve", "--tape", tape, "--listen", "127.0.0.1:0"];
        let mut venue = command();
        venue.args(args).args(more);
        Self::start(venue)
    }

    /// `run` over this venue, in `dir`.
    pub(crate) fn run(venue: &Self, dir: &Path, more: &[&str]) -> Self {
        Self::start(run(venue, dir, more))
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, as an operator does, and waits until it has.
    #[track_caller]
    pub(crate) fn end(mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        self.ended();
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub(crate) fn ended(&mut self) {
        let status = wait("the end of a process", || self.child.try_wait().unwrap());
        assert!(status.success(), "it ended with {status}");
    }

    /// The answer to a GET, head and body.
    pub(crate) fn get(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let host = &self.address;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Asks until the answer holds `text`.
    #[track_caller]
    pub(crate) fn wait_for(&self, path: &str, text: &str) -> String {
        wait(&format!("`{text}` in {path}"), || {
            self.get(path).ok().filter(|answer| answer.contains(text))
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The command `run` in `dir`; without more said, its market is simulated.
pub(crate) fn run_alone(dir: &Path) -> Command {
    let dir = dir.to_str().unwrap();
    let mut command = command();
    command.args(["run", "--listen", "127.0.0.1:0", "--data-dir", dir]);
    command
}

/// The command `run` over a venue, in `dir`.
pub(crate) fn run(venue: &Server, dir: &Path, more: &[&str]) -> Command {
    let mut command = run_alone(dir);
    command
        .args(more)
        .env("QUOTE_SERVER", format!("ws://{}", venue.address))
        .env("QUOTE_API_TOKEN", TOKEN);
    command
}

/// Waits for a condition, with a deadline.
#[track_caller]
pub(crate) fn wait<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let watch = Stopwatch::start();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(watch.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::park_timeout(Duration::from_millis(10));
    }
}
