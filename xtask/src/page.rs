//! The page's tests in a real Chromium, against the real binary.
//!
//! Every run has its own port, its own data folder and the simulated market.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::stopwatch::Stopwatch;
use crate::transcript::Transcript;
use crate::{setup, shell, web, workspace};

/// How long the binary may take until it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of the binary's own output is shown when a test failed.
const TAIL_LINES: usize = 40;

/// Starts the binary, runs the page's tests against it, and ends it.
pub(crate) fn test() -> anyhow::Result<Transcript> {
    let chromium = setup::chromium()?;
    web::install()?;
    web::build()?;
    shell::run(shell::cargo(&["build", "--quiet", "--package", "stock-up"]))?;

    let server = Server::start(&workspace::binary("debug")?)?;
    let mut tests = web::npm(&["run", "test:page"]);
    tests.env("STOCK_UP_URL", server.url());
    tests.env("STOCK_UP_BIN", workspace::binary("debug")?);
    tests.env("STOCK_UP_CHROMIUM", chromium);
    shell::record(tests).inspect_err(|_| server.show_tail())
}

/// A running `stock-up run`, ended when dropped.
struct Server {
    child: Child,
    address: SocketAddr,
    output: PathBuf,
}

impl Server {
    fn start(binary: &Path) -> anyhow::Result<Self> {
        let folder = workspace::target_dir()?.join("page-test");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let output = folder.join("stock-up.log");
        let address = free_address()?;
        let file = File::create(&output)?;

        let mut command = shell::program(&binary.to_string_lossy(), &["run", "--listen"]);
        command
            .arg(address.to_string())
            .arg("--data-dir")
            .arg(folder.join("data"));
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        println!("$ {}", shell::shown(&command));
        let child = command.spawn().context("`stock-up` could not be started")?;
        let mut server = Self {
            child,
            address,
            output,
        };
        server
            .wait_until_ready()
            .inspect_err(|_| server.show_tail())?;
        Ok(server)
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let watch = Stopwatch::start();
        while watch.elapsed() < READY_TIMEOUT {
            if let Some(status) = self.child.try_wait()? {
                bail!("`stock-up run` ended before it was ready: {status}");
            }
            if is_ready(self.address) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!(
            "`{}/readyz` did not answer 200 within {READY_TIMEOUT:?}",
            self.url()
        )
    }

    fn show_tail(&self) {
        let text = fs::read_to_string(&self.output).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        println!("--- the end of what stock-up printed:");
        for line in lines.iter().skip(lines.len().saturating_sub(TAIL_LINES)) {
            println!("{line}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which `wait` tells as well as the kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An address on loopback that was free a moment ago.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port on loopback")?;
    Ok(listener.local_addr()?)
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        let head = format!("host: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(format!("GET /readyz HTTP/1.1\r\n{head}").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &'static str, ready: bool) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = [0; 512];
            assert!(stream.read(&mut request).expect("a request") > 0);
            stream.write_all(answer.as_bytes()).expect("it reads");
        });
        assert_eq!(is_ready(address), ready, "{answer}");
        server.join().expect("the server is well");
    }

    #[test]
    fn only_200_is_ready() {
        check("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nready", true);
        check(
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            false,
        );
        assert!(!is_ready(free_address().expect("a port")));
    }
}
