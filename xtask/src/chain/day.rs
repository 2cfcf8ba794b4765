//! The recorded day: two symbols of 2013-10-08, and a third of the day before, moved by a day.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::points::Points;
use crate::shell;

const SPY: &str = "us_equity_SPY_20131008.csv.gz";
const IBM: &str = "us_equity_IBM_20131008.csv.gz";
/// Moved by a day, so that it lies beside the others.
const BAC: &str = "us_equity_BAC_20131007.csv.gz";

const DAY: i64 = 86_400 * SECOND;
const SECOND: i64 = 1_000_000_000;

/// 9:00 in New York: before, a part of the tape would be quiet for hours.
const PART_BEGINS: i64 = 1_381_237_200 * SECOND;

/// 16 hours in 5 minutes, and 11 hours in not quite as much: the market is open for about two, and
/// the tapes still run when the last server is back.
const WHOLE_SPEED: &str = "192";
const PART_SPEED: &str = "140";

/// What a venue plays.
#[derive(Debug, Clone)]
pub(super) struct Tape {
    /// Merged by time.
    pub(super) files: Vec<PathBuf>,
    pub(super) symbols: &'static str,
    pub(super) speed: &'static str,
}

/// The files of the day.
#[derive(Debug)]
pub(super) struct Day {
    whole: Tape,
    part: Tape,
}

impl Day {
    /// Finds the tapes, and writes into `folder` what has to be made of them.
    pub(super) fn prepare(tapes: &Path, folder: &Path) -> anyhow::Result<Self> {
        let [spy, ibm, bac] = [SPY, IBM, BAC].map(|name| tapes.join(name));
        let moved = folder.join("bac.csv");
        let bac = shifted(&unpacked(&bac)?, DAY)?;
        fs::write(&moved, &bac)?;
        let part = folder.join("part.csv");
        fs::write(&part, merged(&unpacked(&ibm)?, &bac, PART_BEGINS)?)?;
        Ok(Self {
            whole: Tape {
                files: vec![spy, ibm, moved],
                symbols: "BAC,IBM,SPY",
                speed: WHOLE_SPEED,
            },
            part: Tape {
                files: vec![part],
                symbols: "BAC,IBM",
                speed: PART_SPEED,
            },
        })
    }

    /// All trades of the three.
    pub(super) fn whole(&self) -> Tape {
        self.whole.clone()
    }

    /// Those of two, from shortly before the market opened.
    pub(super) fn part(&self) -> Tape {
        self.part.clone()
    }

    /// What `replay` makes of the whole tape.
    pub(super) fn replay(&self, binary: &Path) -> anyhow::Result<Points> {
        let mut replay = shell::program(&binary.to_string_lossy(), &["replay", "--merge"]);
        replay.args(&self.whole.files);
        Points::from_csv(&shell::read(replay)?)
    }
}

fn unpacked(file: &Path) -> anyhow::Result<String> {
    shell::read(shell::program("gzip", &["-dc", &file.to_string_lossy()]))
}

/// The time of a row.
pub(super) fn time(row: &str) -> anyhow::Result<i64> {
    let (time, _) = row.split_once(',').unwrap_or((row, ""));
    time.parse()
        .with_context(|| format!("`{row}` does not begin with a time"))
}

fn shifted(csv: &str, by: i64) -> anyhow::Result<String> {
    let (head, rows) = csv.split_once('\n').context("a tape has a header")?;
    let mut out = format!("{head}\n");
    for row in rows.lines() {
        let (_, rest) = row.split_once(',').context("a row has columns")?;
        writeln!(out, "{},{rest}", time(row)? + by).expect("a String takes all text");
    }
    Ok(out)
}

/// Two tapes as one, from `begin` on; among equals the first goes first.
fn merged(first: &str, second: &str, begin: i64) -> anyhow::Result<String> {
    let (head, first) = first.split_once('\n').context("a tape has a header")?;
    let (_, second) = second.split_once('\n').context("a tape has a header")?;
    let (mut first, mut second) = (first.lines().peekable(), second.lines().peekable());
    let mut out = format!("{head}\n");
    loop {
        let row = match (first.peek(), second.peek()) {
            (Some(a), Some(b)) if time(b)? < time(a)? => second.next(),
            (Some(_), _) => first.next(),
            (None, _) => second.next(),
        };
        let Some(row) = row else { return Ok(out) };
        if time(row)? >= begin {
            out.push_str(row);
            out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_is_moved_and_merged_with_another() {
        let moved = shifted("time,symbol\n1,B\n5,B\n", 10).expect("rows have times");
        assert_eq!(moved, "time,symbol\n11,B\n15,B\n");
        let both = merged("time,symbol\n3,A\n11,A\n20,A\n", &moved, 4).expect("rows have times");
        assert_eq!(both, "time,symbol\n11,A\n11,B\n15,B\n20,A\n");
        assert!(shifted("time\nx,1\n", 1).is_err());
    }
}
