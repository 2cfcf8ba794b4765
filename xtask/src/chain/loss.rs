//! What a killed collector missed: the venue cannot be asked again, so it must lie in gaps that the
//! log declares.

use anyhow::{Context as _, bail};

use super::day::time;

/// From and to, both included, in ns.
type Gap = (i64, i64);

/// The gaps that `gaps --format csv` printed.
pub(super) fn gaps(csv: &str) -> anyhow::Result<Vec<Gap>> {
    let rows = csv.lines().skip(1);
    rows.map(|row| {
        let mut cells = row.split(',');
        let mut cell = || cells.next().and_then(|cell| cell.parse().ok());
        let (from, to) = (cell(), cell());
        from.zip(to)
            .with_context(|| format!("`{row}` is no gap that has ended"))
    })
    .collect()
}

/// How many trades of the tape the log does not hold. Those it holds must be the tape's in its
/// order, and each that it misses must lie in a gap.
pub(super) fn missed(tape: &str, exported: &str, gaps: &[Gap]) -> anyhow::Result<usize> {
    let mut held = exported.lines().skip(1).map(exported_row).peekable();
    let (mut now, mut missed) = (i64::MIN, 0);
    for row in tape.lines().skip(1) {
        let row = plain_row(row);
        // A late trade is missed in the gap of the moment at which it would have come.
        now = now.max(time(&row)?);
        if held.peek() == Some(&row) {
            held.next();
            continue;
        }
        missed += 1;
        if !gaps.iter().any(|(from, to)| (*from..=*to).contains(&now)) {
            bail!(
                "the log misses `{row}`, which lies in none of its {} gaps",
                gaps.len()
            );
        }
    }
    match held.next() {
        Some(row) => bail!("the log holds `{row}`, which is not there on the tape, or came twice"),
        None => Ok(missed),
    }
}

/// A row of `export trades` in the columns of a tape: without time of receipt and number.
fn exported_row(row: &str) -> String {
    plain_row(row.rsplitn(3, ',').last().unwrap_or_default())
}

/// A row with its price in one spelling: the log writes 167.4 where the tape says 167.40.
fn plain_row(row: &str) -> String {
    let mut cells: Vec<&str> = row.split(',').collect();
    if let Some(price) = cells.get_mut(2).filter(|price| price.contains('.')) {
        *price = price.trim_end_matches('0').trim_end_matches('.');
    }
    cells.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAPE: &str = "timestamp_ns,symbol,price,size,conditions\n\
                        1,IBM,10.50,1,\n2,IBM,11.00,1,a=1;b=2\n2,IBM,11.00,1,a=1;b=2\n\
                        5,IBM,12,1,\n4,IBM,13,1,\n9,IBM,14,1,\n";

    fn log(rows: &[&str]) -> String {
        let rows = rows.iter().map(|row| format!("{row},77,88\n"));
        format!("head\n{}", rows.collect::<String>())
    }

    #[test]
    fn what_is_missed_must_lie_in_a_gap() {
        let whole = [
            "1,IBM,10.5,1,",
            "2,IBM,11,1,a=1;b=2",
            "2,IBM,11,1,a=1;b=2",
            "5,IBM,12,1,",
            "4,IBM,13,1,",
            "9,IBM,14,1,",
        ];
        assert_eq!(missed(TAPE, &log(&whole), &[]).expect("all is there"), 0);
        // A twin, and a late trade, which would have come at 5.
        let torn = [whole[0], whole[1], whole[3], whole[5]];
        let found = missed(TAPE, &log(&torn), &[(2, 3), (5, 8)]);
        assert_eq!(found.expect("gaps tell"), 2);
        let error = missed(TAPE, &log(&torn), &[(2, 3)]).expect_err("a loss that is not declared");
        assert!(
            error.to_string().contains("misses `4,IBM,13,1,`"),
            "{error}"
        );
        let twice = [&whole[..], &whole[5..]].concat();
        assert!(missed(TAPE, &log(&twice), &[(0, 9)]).is_err());
        assert_eq!(
            gaps("from,to,cause\n2,3,stopped\n").expect("a gap"),
            [(2, 3)]
        );
        assert!(gaps("from,to,cause\n2,,stopped\n").is_err());
    }
}
