//! Measurements, each beside a peer from the same run, for a figure alone depends on the machine.
//!
//! A part is registered by name in [`PARTS`] and returns its rows; the table says for each whether
//! the target is met. The parts themselves are a program of their own, `xtask/benches/parts`.

mod row;

use anyhow::{Context as _, bail};

use crate::services::Running;
use crate::stopwatch::{Shown, Stopwatch};
use crate::{run, shell, web, workspace};
use row::{Row, Target, table};

/// A named part of the bench.
struct Part {
    name: &'static str,
    what: &'static str,
    needs: Needs,
}

/// What must be built before a part can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// The page.
    Page,
    /// Our crates, optimised.
    Crates,
    /// The same, and real servers.
    CratesAndServers,
    /// The release binary, which is measured from outside.
    Binary,
    /// The same with the clients of all brokers, and real servers.
    BinaryAndServers,
}

impl Needs {
    fn servers(self) -> bool {
        matches!(self, Self::CratesAndServers | Self::BinaryAndServers)
    }
}

const PARTS: [Part; 12] = [
    Part {
        name: "bundle",
        what: "what a browser downloads, gzipped",
        needs: Needs::Page,
    },
    Part {
        name: "engine",
        what: "the analyzer, a point after every trade, beside a hand-written ring",
        needs: Needs::Crates,
    },
    Part {
        name: "parse",
        what: "a venue's frames to exact trades, beside serde_json",
        needs: Needs::Crates,
    },
    Part {
        name: "fused",
        what: "frames to windows to InfluxDB lines, beside serde_json and plain deques",
        needs: Needs::Crates,
    },
    Part {
        name: "log",
        what: "durable appends, beside a raw write and fdatasync",
        needs: Needs::Crates,
    },
    Part {
        name: "kafka",
        what: "messages through a real broker and back, beside librdkafka alone",
        needs: Needs::CratesAndServers,
    },
    Part {
        name: "influxdb",
        what: "points to a real InfluxDB, beside one connection with finished lines",
        needs: Needs::CratesAndServers,
    },
    Part {
        name: "replay",
        what: "20 million trades from a file, beside a loop that only splits it",
        needs: Needs::Binary,
    },
    Part {
        name: "capture",
        what: "a served tape as fast as it goes, to log, points and store",
        needs: Needs::Binary,
    },
    Part {
        name: "latency",
        what: "5,000 trades a second: frame to page, processor, memory; 3 minutes",
        needs: Needs::Binary,
    },
    Part {
        name: "restart",
        what: "ready again after kill -9 with full windows",
        needs: Needs::Binary,
    },
    // Last, because its binary is another one.
    Part {
        name: "stack",
        what: "roles over Kafka and RabbitMQ to InfluxDB: rate, delay, processor; 10 minutes",
        needs: Needs::BinaryAndServers,
    },
];

/// Kilobytes of the page on the wire.
const BUNDLE_KB_MAX: f64 = 300.0;

/// Where the parts look for the binary that they measure.
const BINARY_VARIABLE: &str = "STOCK_UP_BENCH_BINARY";

/// Runs the named parts, or all, and prints one table; a missed target is a failure.
pub(crate) fn run(names: &[&str]) -> anyhow::Result<()> {
    if let Some(unknown) = names
        .iter()
        .find(|name| !PARTS.iter().any(|part| part.name == **name))
    {
        let known: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        bail!(
            "`{unknown}` is not a part of the bench; the parts are: {}",
            known.join(", ")
        );
    }
    let wanted = |part: &&Part| names.is_empty() || names.contains(&part.name);
    let servers = PARTS.iter().filter(wanted).any(|part| part.needs.servers());
    let servers = servers.then(servers_up).transpose()?.flatten();
    let environment = servers.as_ref().map(Running::environment);
    let environment = environment.unwrap_or_default();
    let mut rows = Vec::new();
    for part in PARTS.iter().filter(wanted) {
        println!("==> {}: {}", part.name, part.what);
        let watch = Stopwatch::start();
        rows.extend(match part.needs {
            Needs::Page => bundle()?,
            Needs::Crates | Needs::CratesAndServers => optimised(part.name, &environment)?,
            Needs::Binary => {
                run::build()?;
                optimised(part.name, &environment)?
            }
            Needs::BinaryAndServers => {
                run::build_for_brokers()?;
                optimised(part.name, &environment)?
            }
        });
        println!("    took {}", Shown(watch.elapsed()));
    }
    println!("{}", table(&rows));
    let missed = rows.iter().filter(|row| !row.is_met()).count();
    if missed > 0 {
        bail!("{missed} of {} targets missed", rows.len());
    }
    Ok(())
}

/// Servers for this run; none if the environment leads to some already.
fn servers_up() -> anyhow::Result<Option<Running>> {
    if std::env::var_os("STOCK_UP_TEST_KAFKA").is_some() {
        return Ok(None);
    }
    Running::for_tests("services-bench")
}

/// A part that needs optimised code: a program of its own, which prints a line of JSON per figure.
fn optimised(part: &str, environment: &[(String, String)]) -> anyhow::Result<Vec<Row>> {
    let bench = [
        "bench",
        "--quiet",
        "--package",
        "xtask",
        "--bench",
        "parts",
        "--",
        part,
    ];
    let mut command = shell::cargo(&bench);
    command.envs(environment.iter().map(|(key, value)| (key, value)));
    command.env(BINARY_VARIABLE, workspace::binary("release")?);
    let lines = shell::read(command)?;
    lines.lines().map(Row::parse).collect()
}

fn bundle() -> anyhow::Result<Vec<Row>> {
    web::build()?;
    let gzip = "tar -cf - -C web/dist . | gzip -9 | wc -c";
    let bytes = shell::read(shell::program("sh", &["-c", gzip]))?;
    let bytes: f64 = bytes.trim().parse().context("a number of bytes")?;
    let kilobytes = bytes / 1000.0;
    Ok(vec![Row {
        name: "page bundle".to_owned(),
        ours: format!("{kilobytes:.0} kB"),
        peer: "-".to_owned(),
        ratio: kilobytes,
        target: Target::AtMost(BUNDLE_KB_MAX),
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_parts_are_refused() {
        let error = run(&["moon"]).expect_err("there is no such part");
        assert!(
            error.to_string().starts_with("`moon` is not a part"),
            "{error}"
        );
    }
}
