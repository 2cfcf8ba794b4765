//! Measurements, each beside a peer from the same run, for a figure alone depends on the machine.
//!
//! A part is registered by name in [`PARTS`] and returns its rows; the table says for each whether
//! the target is met.

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::stopwatch::{Shown, Stopwatch};
use crate::{shell, web};

/// A named part of the bench.
struct Part {
    name: &'static str,
    what: &'static str,
    run: fn() -> anyhow::Result<Vec<Row>>,
}

const PARTS: [Part; 2] = [
    Part {
        name: "bundle",
        what: "what a browser downloads, gzipped",
        run: bundle,
    },
    Part {
        name: "engine",
        what: "the analyzer, a point after every trade, beside a hand-written ring",
        run: || optimised("engine"),
    },
];

/// Kilobytes of the page on the wire.
const BUNDLE_KB_MAX: f64 = 300.0;

/// One measured figure.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Our figure with its unit.
    pub(crate) ours: String,
    /// The peer's figure from the same run, or `-` where the target is absolute.
    pub(crate) peer: String,
    /// What is compared with the target: ours to the peer's, or ours itself.
    pub(crate) ratio: f64,
    pub(crate) target: Target,
}

/// What a ratio must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    #[cfg_attr(not(test), expect(dead_code, reason = "no part compares so yet"))]
    AtLeast(f64),
}

impl Target {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(bound) => ratio <= bound,
            Self::AtLeast(bound) => ratio >= bound,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::AtMost(bound) => format!("≤ {bound}"),
            Self::AtLeast(bound) => format!("≥ {bound}"),
        }
    }
}

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
    let mut rows = Vec::new();
    for part in PARTS
        .iter()
        .filter(|part| names.is_empty() || names.contains(&part.name))
    {
        println!("==> {}: {}", part.name, part.what);
        let watch = Stopwatch::start();
        rows.extend((part.run)()?);
        println!("    took {}", Shown(watch.elapsed()));
    }
    println!("{}", table(&rows));
    let missed = rows
        .iter()
        .filter(|row| !row.target.is_met(row.ratio))
        .count();
    if missed > 0 {
        bail!("{missed} of {} targets missed", rows.len());
    }
    Ok(())
}

/// A part that needs optimised code: a program of its own, which prints a line of JSON per figure.
fn optimised(part: &str) -> anyhow::Result<Vec<Row>> {
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
    let lines = shell::read(shell::cargo(&bench))?;
    let row = |line: &str| {
        let value: Value = serde_json::from_str(line).context("a figure of the bench")?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| {
            value[key]
                .as_f64()
                .with_context(|| format!("no `{key}`: {line}"))
        };
        Ok(Row {
            name: text("name"),
            ours: text("ours"),
            peer: text("peer"),
            ratio: number("ratio")?,
            target: Target::AtMost(number("at_most")?),
        })
    };
    lines.lines().map(row).collect()
}

fn bundle() -> anyhow::Result<Vec<Row>> {
    web::build()?;
    let gzip = "tar -cf - -C web/dist . | gzip -9 | wc -c";
    let bytes = shell::read(shell::program("sh", &["-c", gzip]))?;
    let kilobytes = bytes.trim().parse::<f64>()? / 1000.0;
    Ok(vec![Row {
        name: "page bundle".to_owned(),
        ours: format!("{kilobytes:.0} kB"),
        peer: "-".to_owned(),
        ratio: kilobytes,
        target: Target::AtMost(BUNDLE_KB_MAX),
    }])
}

/// The rows under a head, in columns as wide as their widest cell.
fn table(rows: &[Row]) -> String {
    let head = ["name", "ours", "peer", "ratio", "target", "ok"].map(str::to_owned);
    let body = rows.iter().map(|row| {
        let ok = if row.target.is_met(row.ratio) {
            "yes"
        } else {
            "NO"
        };
        let ratio = format!("{:.2}", row.ratio);
        let (name, ours, peer) = (row.name.clone(), row.ours.clone(), row.peer.clone());
        [name, ours, peer, ratio, row.target.shown(), ok.to_owned()]
    });
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(body).collect();
    let width = |column: usize| {
        lines
            .iter()
            .map(|cells| cells[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let lines = lines.iter().map(|cells| {
        let cells: Vec<String> = cells
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        cells.join("  ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, ratio: f64, target: Target) -> Row {
        Row {
            name: name.into(),
            ours: "1 s".into(),
            peer: "2 s".into(),
            ratio,
            target,
        }
    }

    #[test]
    fn the_table_lines_up_and_judges() {
        let rows = [
            row("engine", 1.25, Target::AtMost(1.5)),
            row("parse", 2.0, Target::AtLeast(3.0)),
        ];
        let expected = "\
name    ours  peer  ratio  target   ok
engine   1 s   2 s   1.25   ≤ 1.5  yes
parse    1 s   2 s   2.00     ≥ 3   NO";
        assert_eq!(table(&rows), expected);
    }

    #[test]
    fn unknown_parts_are_refused() {
        let error = run(&["moon"]).expect_err("there is no such part");
        assert!(
            error.to_string().starts_with("`moon` is not a part"),
            "{error}"
        );
    }
}
