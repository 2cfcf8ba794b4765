//! Rows of tapes: the fast way reads what the careful one does.

use proptest::prelude::*;

use super::*;

const COLUMNS: Columns = Columns {
    conditions: true,
    count: 5,
};

#[track_caller]
fn takes_fast(columns: Columns, line: &str, expected: bool) {
    let (mut rows, mut batch) = (Rows::new(columns), TradeBatch::default());
    let line = format!("{line}\n");
    // What follows is no part of the row, whether it is much or nothing.
    for more in ["", "\n\n\n\n\n\n\n\n\n", "1,SPY,1,1,more\n"] {
        batch.clear();
        rows.begin();
        let taken = rows.fast(format!("{line}{more}").as_bytes(), &mut batch);
        assert_eq!(taken, expected.then_some(line.len()), "{line}{more}");
    }
    assert_eq!(batch.trades.len(), usize::from(expected));
}

#[test]
fn usual_rows_are_taken_fast_and_others_are_left() {
    for line in [
        "1381217400000000000,SPY,167.42,100,ex=P",
        "1381217400000000000,SPY,167.42,100,",
        "0,BRK.B,0.0000012,0,a b",
        "9,X,1,0.5,\u{e9}\r",
    ] {
        takes_fast(COLUMNS, line, true);
    }
    for line in [
        "",
        "1,SPY,1,1",
        "1,SPY,1,1,a,b",
        "1,SPY,1,1,\"a\"",
        "1,\"SPY\",1,1,",
        "1,,1,1,",
        "-1,SPY,1,1,",
        "1,SPY,1e3,1,",
        "1,SPY,1.,1,",
        "1,SPY,.5,1,",
        "1,SPY,1,,",
        "1,SPY,1234567890123.4567890,1,",
        "9999999999999999999,SPY,1,1,",
        "12345678901234567890,SPY,1,1,",
        "1;SPY;1;1;",
    ] {
        takes_fast(COLUMNS, line, false);
    }
    let exported = Columns {
        conditions: true,
        count: 7,
    };
    takes_fast(exported, "1,SPY,1,1,a,5,6", true);
    takes_fast(exported, "1,SPY,1,1,a,5", false);
    takes_fast(exported, "1,SPY,1,1,a,5,\"6\"", false);
    let short = Columns {
        conditions: false,
        count: 4,
    };
    takes_fast(short, "1,SPY,1,1", true);
    takes_fast(short, "1,SPY,1,1x", false);
    takes_fast(short, "1,SPY,1,1,", false);
}

#[test]
fn an_empty_symbol_is_refused_although_empty_conditions_are_known() {
    let (mut rows, mut batch) = (Rows::new(COLUMNS), TradeBatch::default());
    rows.fast(b"1,SPY,1,1,\n", &mut batch).unwrap();
    assert!(rows.fast(b"1,,1,1,\n", &mut batch).is_none());
    assert!(rows.fast(b"1, SPY,1,1, SPY\n", &mut batch).is_none());
}

/// A quoted text holds what a plain one cannot: it must not be found again in a row that says the
/// same without quotes, which is another row.
#[test]
fn what_was_quoted_is_not_remembered_as_plain() {
    let (mut rows, mut batch) = (Rows::new(COLUMNS), TradeBatch::default());
    let mut fields = Fields::default();
    fields.split(b"1,\"\"\"A\"\"\",1,1,\"a,b\"\n");
    rows.slow(&fields, &mut batch).unwrap();
    assert_eq!(batch.names.iter().collect::<Vec<_>>(), ["\"A\"", "a,b"]);
    assert!(rows.fast(b"1,\"A\",1,1,\n", &mut batch).is_none());
    assert!(rows.fast(b"1,A,1,1,a,b\n", &mut batch).is_none());
}

proptest! {
    #[test]
    fn any_line_is_taken_fast_as_it_is_taken_slow(
        line in "[0-9,.\"a \r-]{0,30}", prefix in prop_oneof![Just("1,A,"), Just("")],
    ) {
        let line = format!("{prefix}{line}\n");
        let (mut rows, mut fast) = (Rows::new(COLUMNS), TradeBatch::default());
        if rows.fast(line.as_bytes(), &mut fast).is_some() {
            let (mut rows, mut slow) = (Rows::new(COLUMNS), TradeBatch::default());
            let mut fields = Fields::default();
            fields.split(line.as_bytes());
            rows.slow(&fields, &mut slow).unwrap();
            prop_assert_eq!(fast, slow);
        }
    }
}
