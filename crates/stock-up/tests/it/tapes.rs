//! Real tapes: sampled rows of `replay` against a computation that shares no code with it.
//!
//! `STOCK_UP_TAPES` names the folder; without it the test is skipped and says so, and with
//! `STOCK_UP_REQUIRE_TAPES=1` that is a failure.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::cli::ok;
use crate::needs;

const SECOND: i64 = 1_000_000_000;
const LENGTH: i64 = 60 * SECOND;

/// Grid times that are looked at for each symbol.
const SAMPLES: i64 = 150;

/// A trade with its decimals in units of `10^-scale` of its file.
#[derive(Debug, Clone, Copy)]
struct Print {
    time: i64,
    price: i128,
    size: i128,
}

/// A file, read naively.
struct Tape {
    /// Trades that are not too late, by symbol, sorted by time.
    symbols: BTreeMap<String, Vec<Print>>,
    price_scale: usize,
    size_scale: usize,
    first: i64,
    last: i64,
}

fn units(text: &str, scale: usize) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<scale$}").parse().unwrap()
}

fn shown(units: i128, scale: usize) -> String {
    let digits = format!("{units:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction}")
    }
}

fn read(file: &Path) -> Tape {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(File::open(file).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    let places = |column: usize| {
        let places = rows
            .iter()
            .map(|row| row[column].split_once('.').map_or(0, |(_, f)| f.len()));
        places.max().unwrap_or(0)
    };
    let (price_scale, size_scale) = (places(2), places(3));
    let mut symbols: BTreeMap<String, Vec<Print>> = BTreeMap::new();
    let (mut now, mut first) = (i64::MIN, None);
    for row in &rows {
        let time: i64 = row[0].parse().unwrap();
        now = now.max(time);
        first.get_or_insert(time);
        if time >= now - LENGTH {
            let (price, size) = (units(row[2], price_scale), units(row[3], size_scale));
            symbols
                .entry(row[1].to_owned())
                .or_default()
                .push(Print { time, price, size });
        }
    }
    for prints in symbols.values_mut() {
        prints.sort_by_key(|print| print.time);
    }
    Tape {
        symbols,
        price_scale,
        size_scale,
        first: first.unwrap(),
        last: now,
    }
}

fn window(prints: &[Print], time: i64) -> &[Print] {
    let start = prints.partition_point(|print| print.time < time - LENGTH);
    &prints[start..prints.partition_point(|print| print.time <= time)]
}

impl Tape {
    /// The exact columns of a row, and its means and variance; `None` if there is no row.
    #[expect(clippy::cast_precision_loss, reason = "compared with a tolerance")]
    fn row(&self, prints: &[Print], time: i64) -> Option<(String, Option<[f64; 3]>)> {
        let held = window(prints, time);
        if held.is_empty() && window(prints, time - SECOND).is_empty() {
            return None;
        }
        let counted: Vec<&Print> = held.iter().filter(|print| print.size != 0).collect();
        let price = |units: Option<i128>| {
            units.map_or(String::new(), |units| shown(units, self.price_scale))
        };
        let volume: i128 = counted.iter().map(|print| print.size).sum();
        let exact = format!(
            "{},{},{},{},{}",
            counted.len(),
            shown(volume, self.size_scale),
            price(held.last().map(|print| print.price)),
            price(counted.iter().map(|print| print.price).min()),
            price(counted.iter().map(|print| print.price).max()),
        );
        if counted.is_empty() {
            return Some((exact, None));
        }
        let unit = 10_f64.powi(i32::try_from(self.price_scale).unwrap());
        let count = counted.len() as f64;
        let mean = counted.iter().map(|print| print.price).sum::<i128>() as f64 / count / unit;
        let vwap = counted
            .iter()
            .map(|print| print.price * print.size)
            .sum::<i128>() as f64
            / volume as f64
            / unit;
        let square = |print: &&Print| (print.price as f64 / unit - mean).powi(2);
        let variance = counted.iter().map(square).sum::<f64>() / count;
        Some((exact, Some([mean, vwap, variance])))
    }

    fn trust(&self, time: i64) -> (&'static str, f64) {
        let from = time - LENGTH;
        let observed = (time - from.max(self.first)).max(0);
        #[expect(clippy::cast_precision_loss, reason = "compared with a tolerance")]
        let share = observed as f64 / LENGTH as f64;
        (
            if from < self.first {
                "warming"
            } else {
                "complete"
            },
            share,
        )
    }
}

/// The last row of each (time, symbol).
fn last_rows(csv: &str) -> HashMap<(i64, &str), Vec<&str>> {
    let mut rows = HashMap::new();
    for line in csv.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!((fields.len(), fields[2]), (14, "60s"), "{line}");
        rows.insert((fields[0].parse().unwrap(), fields[1]), fields);
    }
    rows
}

fn close(found: &str, expected: f64, tolerance: f64, what: &str) {
    let found: f64 = found.parse().unwrap();
    let distance = (found - expected).abs();
    // The naive variance of prices that are all alike is a little above zero.
    assert!(
        distance <= tolerance * expected.abs() + 1e-14,
        "{what}: {found} is not {expected}"
    );
}

/// Compares sampled rows; the number of rows that were there.
fn compare(file: &Path) -> usize {
    let tape = read(file);
    let csv = ok(&["replay", file.to_str().unwrap()]);
    let rows = last_rows(&csv);
    let grid = |time: i64| (time + SECOND - 1).div_euclid(SECOND) * SECOND;
    let mut compared = 0;
    for (symbol, prints) in &tape.symbols {
        let (first, last) = (grid(prints[0].time), grid(tape.last));
        let steps = (last - first) / SECOND;
        for sample in 0..=SAMPLES.min(steps) {
            let time = first + steps * sample / SAMPLES.min(steps).max(1) * SECOND;
            let what = format!("{} {symbol} at {time}", file.display());
            let found = rows.get(&(time, symbol.as_str()));
            let Some((exact, floats)) = tape.row(prints, time) else {
                assert!(found.is_none(), "{what}: {found:?} is one too many");
                continue;
            };
            let found = found.unwrap_or_else(|| panic!("{what} is missing, expected {exact}"));
            assert_eq!(found[3..8].join(","), exact, "{what}");
            match floats {
                None => assert_eq!(found[8..11], ["", "", ""], "{what}"),
                Some([mean, vwap, variance]) => {
                    close(found[8], mean, 1e-12, &what);
                    close(found[9], vwap, 1e-12, &what);
                    close(found[10], variance, 1e-6, &what);
                }
            }
            let (status, coverage) = tape.trust(time);
            assert_eq!(found[11], status, "{what}");
            close(found[12], coverage, 1e-12, &what);
            compared += 1;
        }
    }
    compared
}

#[test]
fn replay_of_real_tapes_is_what_a_naive_computation_gives() {
    let Some(folder) = needs::tapes("replay of real tapes") else {
        return;
    };
    let files = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files
        .filter(|file| file.to_str().is_some_and(|name| name.ends_with(".csv.gz")))
        .collect();
    files.sort();
    for kind in ["SPY", "IBM", "BAC", "crypto"] {
        let is_kind = |file: &PathBuf| file.to_str().is_some_and(|name| name.contains(kind));
        assert!(
            files.iter().any(is_kind),
            "no {kind} in {}",
            folder.display()
        );
    }
    for file in &files {
        let compared = compare(file);
        assert!(compared > 50, "{}: only {compared} rows", file.display());
    }
}
