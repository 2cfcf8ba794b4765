//! As much of HTTP as it takes to ask our own server.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::measure::now;
use crate::program::Program;

/// Nothing that we ask takes longer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Distance of two looks at a server that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// `GET path`: status and body.
pub(crate) fn get(address: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("a head")?;
    let status = head.split_whitespace().nth(1).context("a status line")?;
    Ok((status.parse()?, body.to_owned()))
}

/// A number of `/metrics`.
pub(crate) fn metric(address: SocketAddr, name: &str) -> anyhow::Result<u64> {
    let (status, body) = get(address, "/metrics")?;
    ensure!(status == 200, "/metrics: {status}");
    let value = body.lines().find_map(|line| {
        let (found, value) = line.split_once(' ')?;
        (found == name).then_some(value)
    });
    Ok(value.with_context(|| format!("no `{name}`"))?.parse()?)
}

/// Looks again and again until `reached`, for at most `patience`; returns what it says.
pub(crate) fn wait<T>(
    program: &mut Program,
    patience: Duration,
    mut reached: impl FnMut(SocketAddr) -> Option<T>,
) -> anyhow::Result<T> {
    let start = now();
    while start.elapsed() < patience {
        if let Some(found) = reached(program.address) {
            return Ok(found);
        }
        program.check_alive()?;
        thread::sleep(LOOK_EVERY);
    }
    anyhow::bail!("not reached within {patience:?}")
}
