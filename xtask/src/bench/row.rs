//! Figures and their table.

use anyhow::{Context as _, bail};
use serde_json::Value;

/// One measured figure.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    /// Our figure with its unit.
    pub(super) ours: String,
    /// The peer's figure from the same run, or `-` where the target is absolute.
    pub(super) peer: String,
    /// What is compared with the target: ours to the peer's, or ours itself.
    pub(super) ratio: f64,
    pub(super) target: Target,
}

/// What a ratio must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Target {
    AtMost(f64),
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

impl Row {
    /// Reads a figure from the line of JSON that a part prints.
    pub(super) fn parse(line: &str) -> anyhow::Result<Self> {
        let value: Value = serde_json::from_str(line).context("a figure of the bench")?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| value[key].as_f64();
        let target = match (number("at_most"), number("at_least")) {
            (Some(bound), None) => Target::AtMost(bound),
            (None, Some(bound)) => Target::AtLeast(bound),
            _ => bail!("a figure needs one of `at_most` and `at_least`: {line}"),
        };
        Ok(Self {
            name: text("name"),
            ours: text("ours"),
            peer: text("peer"),
            ratio: number("ratio").with_context(|| format!("no `ratio`: {line}"))?,
            target,
        })
    }

    pub(super) fn is_met(&self) -> bool {
        self.target.is_met(self.ratio)
    }
}

/// The rows under a head, in columns as wide as their widest cell.
pub(super) fn table(rows: &[Row]) -> String {
    let head = ["name", "ours", "peer", "ratio", "target", "ok"].map(str::to_owned);
    let body = rows.iter().map(|row| {
        let ok = if row.is_met() { "yes" } else { "NO" };
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

    #[test]
    fn the_table_lines_up_and_judges() {
        let line = |name: &str, ratio: f64, key: &str, bound: f64| {
            let (ours, peer) = ("1 s", "2 s");
            let line = serde_json::json!({
                "name": name, "ours": ours, "peer": peer, "ratio": ratio, key: bound,
            });
            Row::parse(&line.to_string()).expect("a figure")
        };
        let rows = [
            line("engine", 1.25, "at_most", 1.5),
            line("parse", 2.0, "at_least", 3.0),
        ];
        let expected = "\
name    ours  peer  ratio  target   ok
engine   1 s   2 s   1.25   ≤ 1.5  yes
parse    1 s   2 s   2.00     ≥ 3   NO";
        assert_eq!(table(&rows), expected);
    }

    #[test]
    fn a_figure_without_a_target_is_refused() {
        let error = Row::parse("{\"name\":\"x\",\"ratio\":1}").expect_err("no target");
        assert!(error.to_string().contains("`at_most`"), "{error}");
    }
}
