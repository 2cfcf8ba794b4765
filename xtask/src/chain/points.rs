//! Points as columns of text, and how two sets of them differ.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};

/// The columns after time, symbol and window, as `replay` names them and as InfluxDB's layout
/// `wide` has its fields.
pub(super) const COLUMNS: [&str; 11] = [
    "transactions",
    "volume",
    "last_price",
    "min_price",
    "max_price",
    "avg_price_trans",
    "avg_price_volume",
    "variance",
    "status",
    "coverage",
    "revision",
];

/// How many differences are shown.
const SHOWN: usize = 3;

/// What names a point: symbol, window, time in ns.
type Name = (String, String, i64);

/// Points by their names; of each the last revision.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Points(BTreeMap<Name, Vec<String>>);

impl Points {
    /// Those that `replay` wrote, in the order of their emission.
    pub(super) fn from_csv(text: &str) -> anyhow::Result<Self> {
        let (head, rows) = text
            .split_once('\n')
            .context("there is not even a header")?;
        if head != format!("timestamp_ns,symbol,window,{}", COLUMNS.join(",")) {
            bail!("`{head}` are not the columns of a series");
        }
        let mut points = Self::default();
        for row in rows.lines() {
            let cells: Vec<&str> = row.split(',').collect();
            let [time, symbol, window, values @ ..] = cells.as_slice() else {
                bail!("`{row}` is no row of a series");
            };
            points.add((time, symbol, window), values)?;
        }
        Ok(points)
    }

    /// Adds a point, or a revision of one.
    pub(super) fn add(
        &mut self,
        (time, symbol, window): (&str, &str, &str),
        values: &[&str],
    ) -> anyhow::Result<()> {
        let time = time
            .parse()
            .with_context(|| format!("`{time}` is no time"))?;
        let name = (symbol.to_owned(), window.to_owned(), time);
        let values = values.iter().map(|value| plain(value)).collect();
        self.0.insert(name, values);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Fails with the first differences unless `found` is equal.
    pub(super) fn compare(&self, found: &Self) -> anyhow::Result<()> {
        let missing = self.0.iter().filter_map(|(name, expected)| {
            let difference = match found.0.get(name) {
                None => "it is missing".to_owned(),
                Some(found) => difference(expected, found)?,
            };
            Some((name, difference))
        });
        let extra = found
            .0
            .iter()
            .filter(|(name, _)| !self.0.contains_key(*name));
        let extra = extra.map(|(name, _)| (name, "it should not be there".to_owned()));
        let all: Vec<String> = missing
            .chain(extra)
            .map(|((symbol, window, time), what)| format!("{symbol} {window} at {time}: {what}"))
            .collect();
        if all.is_empty() {
            return Ok(());
        }
        let first = all.get(..SHOWN).unwrap_or(&all);
        bail!(
            "{} of {} points differ, and {} were found; {}",
            all.len(),
            self.len(),
            found.len(),
            first.join("; ")
        )
    }
}

/// The first column that differs.
fn difference(expected: &[String], found: &[String]) -> Option<String> {
    let pairs = COLUMNS.iter().zip(expected.iter().zip(found));
    let mut different = pairs.filter(|(_, (expected, found))| expected != found);
    let (column, (expected, found)) = different.next()?;
    Some(format!("{column} should be `{expected}` and is `{found}`"))
}

/// A number in one spelling, anything else as it is.
fn plain(cell: &str) -> String {
    match cell.parse::<f64>() {
        Ok(number) => number.to_string(),
        Err(_) => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(rows: &[&str]) -> Points {
        let head = format!("timestamp_ns,symbol,window,{}", COLUMNS.join(","));
        Points::from_csv(&format!("{head}\n{}\n", rows.join("\n"))).expect("rows of a series")
    }

    #[test]
    fn a_difference_says_which_point_and_what_was_expected() {
        let first = "1,SPY,60s,2,300,167.4,167.4,167.4,167.4,167.4,0,complete,1,0";
        let again = "1,SPY,60s,3,400.0,167.40,167.4,167.4,167.4,167.4,0,complete,1,1";
        let second = "2,SPY,60s,0,0,,,,,,,gap,0.5,0";
        let expected = points(&[first, again, second]);
        assert_eq!(expected.len(), 2);
        expected.compare(&points(&[again, second])).expect("equal");
        let said = |rows: &[&str]| {
            let error = expected.compare(&points(rows)).expect_err("different");
            error.to_string()
        };
        assert_eq!(
            said(&[first, second]),
            "1 of 2 points differ, and 2 were found; \
             SPY 60s at 1: transactions should be `3` and is `2`"
        );
        assert_eq!(
            said(&[again]),
            "1 of 2 points differ, and 1 were found; SPY 60s at 2: it is missing"
        );
        let third = second.replacen('2', "3", 1);
        assert_eq!(
            said(&[again, second, &third]),
            "1 of 2 points differ, and 3 were found; SPY 60s at 3: it should not be there"
        );
        assert!(Points::from_csv("time,price\n1,2\n").is_err());
    }
}
