//! Collect and analyze over one transport, started for one measurement.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{process, thread};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::transport::Transport;
use crate::http::{get, metric};
use crate::measure::now;
use crate::program::Program;
use crate::tape::name;

/// Trades that a process has applied, and points that it has emitted.
pub(super) const APPLIED: &str = "stock_up_trades_applied_total";
pub(super) const EMITTED: &str = "stock_up_points_emitted_total";

/// Distance of two looks at the database, which is busy as it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// One run: names that no other has, and both processes.
#[derive(Debug)]
pub(super) struct Roles {
    database: String,
    influxdb: SocketAddr,
    pub(super) collect: Program,
    pub(super) analyze: Program,
    /// When collect was started.
    pub(super) began: Instant,
}

impl Roles {
    /// Starts both; `venue` is where trades come from, `influxdb` where points go to.
    pub(super) fn start(
        transport: &Transport,
        (venue, influxdb): (SocketAddr, &str),
        (symbols, dir): (u32, &Path),
    ) -> anyhow::Result<Self> {
        let kind = transport.name.replace(' ', "_");
        let run = format!("bench_{kind}_{}_{}", process::id(), dir_name(dir)?);
        let mut variables = transport.environment(&run);
        variables.extend([
            ("QUOTE_SERVER", format!("ws://{venue}")),
            ("QUOTE_API_TOKEN", "bench".to_owned()),
            ("STOCK_UP__VENUE__MAX_SYMBOLS", symbols.to_string()),
            ("STOCK_UP__INFLUXDB__URL", format!("http://{influxdb}")),
            ("STOCK_UP__INFLUXDB__DATABASE", run.clone()),
            ("STOCK_UP__INFLUXDB__CREATE", "true".to_owned()),
            // The tape is older than what is kept by default.
            ("STOCK_UP__INFLUXDB__RETENTION", "0s".to_owned()),
        ]);
        let names: Vec<String> = (0..symbols).map(name).collect();
        let names = names.join(",");
        let start = |role: &str, more: &[&str]| {
            let folder = dir.join(role).to_string_lossy().into_owned();
            let all = [
                "run",
                "--role",
                role,
                "--data-dir",
                &folder,
                "--listen",
                "127.0.0.1:0",
            ];
            Program::start([&all[..], more].concat(), &variables)
        };
        // First, so that all that comes after it counts.
        let analyze = start("analyze", &[])?;
        let began = now();
        Ok(Self {
            database: run,
            influxdb: transport
                .influxdb
                .parse()
                .context("the database's address")?,
            collect: start("collect", &["--symbols", &names, "--venue", "finnhub"])?,
            analyze,
            began,
        })
    }

    /// CPU time of both processes so far.
    pub(super) fn cpu_time(&self) -> anyhow::Result<Duration> {
        Ok(self.collect.cpu_time()? + self.analyze.cpu_time()?)
    }

    /// Waits until the database holds every point that was emitted.
    pub(super) fn wait_until_stored(&mut self, patience: Duration) -> anyhow::Result<u64> {
        let start = now();
        loop {
            let emitted = metric(self.analyze.address, EMITTED)?;
            let stored = self.stored()?;
            if stored == emitted && emitted > 0 {
                return Ok(stored);
            }
            ensure!(
                start.elapsed() < patience,
                "{stored} of {emitted} points are stored after {patience:?}"
            );
            self.analyze.check_alive()?;
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Points in the database.
    fn stored(&self) -> anyhow::Result<u64> {
        let query = "SELECT%20count(transactions)%20FROM%20stock_window";
        let path = format!("/query?db={}&q={query}", self.database);
        let (status, body) = get(self.influxdb, &path)?;
        ensure!(status == 200, "the database answers {status}: {body}");
        let answer: Value = serde_json::from_str(body_of(&body)).context("an answer in JSON")?;
        Ok(answer["results"][0]["series"][0]["values"][0][1]
            .as_u64()
            .unwrap_or(0))
    }
}

impl Drop for Roles {
    fn drop(&mut self) {
        // What is left there hinders nobody: the server goes with `services down`.
        let path = format!("/query?q=DROP%20DATABASE%20{}", self.database);
        drop(get(self.influxdb, &path));
    }
}

/// The JSON of a body that may come in chunks.
fn body_of(body: &str) -> &str {
    let start = body.find('{').unwrap_or(0);
    let end = body.rfind('}').map_or(body.len(), |end| end + 1);
    body.get(start..end).unwrap_or(body)
}

fn dir_name(dir: &Path) -> anyhow::Result<String> {
    let name = dir.file_name().context("a folder with a name")?;
    Ok(name.to_string_lossy().replace('-', "_"))
}
