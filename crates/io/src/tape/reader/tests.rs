//! Reading tapes: shapes of files and the errors of bad ones.

use std::io::{Cursor, Read, Write};

use super::*;

fn all(reader: &mut TapeReader) -> Result<Vec<String>, TapeError> {
    let (mut batch, mut rows) = (TradeBatch::default(), Vec::new());
    while reader.next_batch(&mut batch)? {
        for trade in &batch.trades {
            rows.push(format!(
                "{} {} {} {} {}",
                trade.ts_event,
                batch.names.get(trade.symbol),
                trade.price,
                trade.size,
                batch.names.get(trade.conditions)
            ));
        }
    }
    Ok(rows)
}

fn read(text: impl Into<Vec<u8>>) -> Result<Vec<String>, TapeError> {
    all(&mut TapeReader::from_bytes(
        "a.csv",
        Cursor::new(text.into()),
    )?)
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(read(text).unwrap(), expected, "{text:?}");
}

#[track_caller]
fn refuses(text: impl Into<Vec<u8>>, expected: &str) {
    assert_eq!(read(text).unwrap_err().to_string(), expected);
}

const HEAD: &str = "timestamp_ns,symbol,price,size,conditions\n";

fn rows(text: &str) -> String {
    format!("{HEAD}{text}")
}

#[test]
fn rows_come_in_order_whatever_ends_their_lines() {
    let expected = ["1 SPY 167.42 100 ex=P", "2 IBM 0.5 0 "];
    check(&rows("1,SPY,167.42,100,ex=P\n2,IBM,0.50,0,\n"), &expected);
    check(&rows("1,SPY,167.42,100,ex=P\n2,IBM,0.50,0,"), &expected);
    let text = rows("1,SPY,167.42,100,ex=P\n\n2,IBM,5e-1,0,\n\n").replace('\n', "\r\n");
    check(&text, &expected);
    check(&format!("\u{feff}{text}"), &expected);
    check(HEAD, &[]);
    check(HEAD.trim_end(), &[]);
}

#[test]
fn quoted_fields_may_hold_commas_quotes_and_line_ends() {
    check(
        &rows("1,\"SPY\",\"1\",1,\"a,\"\"b\"\"\nc\"\n2,SPY,1,1,d\n"),
        &["1 SPY 1 1 a,\"b\"\nc", "2 SPY 1 1 d"],
    );
}

#[test]
fn conditions_may_be_absent_and_the_columns_of_an_export_are_passed_over() {
    check(
        "timestamp_ns,symbol,price,size\n1,SPY,1,2\n",
        &["1 SPY 1 2 "],
    );
    check(
        "timestamp_ns,symbol,price,size,conditions,ts_recv_ns,seq\n1,SPY,1,2,x,3,4\n",
        &["1 SPY 1 2 x"],
    );
}

#[test]
fn what_is_no_trade_file_says_so() {
    let expected =
        "`a.csv` is empty; expected the header `timestamp_ns,symbol,price,size,conditions`";
    for empty in ["", "\n", "\u{feff}"] {
        refuses(empty, expected);
    }
    refuses(
        "time,symbol,price,size\n",
        "`a.csv` line 1: the header is `time,symbol,price,size`; expected \
         `timestamp_ns,symbol,price,size,conditions`",
    );
    refuses(
        "1,SPY,1,1\n",
        "`a.csv` line 1: the header is `1,SPY,1,1`; expected \
         `timestamp_ns,symbol,price,size,conditions`",
    );
    refuses(
        vec![b'x'; 2 << 20],
        "`a.csv` line 1: the row is longer than 1 MiB; this is no trade file",
    );
}

#[test]
fn a_bad_row_is_named_by_line_and_column() {
    let check = |row: &str, expected: &str| {
        refuses(
            rows(&format!("1,SPY,1,1,\"\n\"\n{row}\n")),
            &format!("`a.csv` line 4: {expected}"),
        );
    };
    check("1,SPY,1,1", "4 fields, but the header has 5");
    check("1,SPY,1,1,,", "6 fields, but the header has 5");
    check("1", "1 fields, but the header has 5");
    check(
        "x,SPY,1,1,",
        "timestamp_ns is `x`; expected ns since 1970 as a whole number, before 2262",
    );
    check(
        "-1,SPY,1,1,",
        "timestamp_ns is `-1`; expected ns since 1970 as a whole number, before 2262",
    );
    check(
        "1.5,SPY,1,1,",
        "timestamp_ns is `1.5`; expected ns since 1970 as a whole number, before 2262",
    );
    check(
        "1,SPY,1x,1,",
        "price is `1x`: not a number: unexpected character at position 1",
    );
    check("1,SPY,,1,", "price is ``: number is empty");
    check(
        "1,SPY,1,-5,",
        "size is `-5`: negative number; prices and sizes are zero or more",
    );
    check(
        "1,SPY,NaN,1,",
        "price is `NaN`: not a number: unexpected character at position 0",
    );
    check(
        "1,SPY,1,0.0000000000001,",
        "size is `0.0000000000001`: number is below 1e-12",
    );
    check("1, SPY,1,1,", "symbol begins or ends with a blank: ` SPY`");
    check("1,,1,1,", "symbol is empty: ``");
    check(
        "1,\"A,B\",1,1,",
        "symbol holds a comma, which separates symbols: `A,B`",
    );
    check(
        "1,SPY,1,1,\"x",
        "a field begins with a quote that is not closed before the end of the file",
    );
    check(
        "1,SPY,1,1,\"x\"y",
        "a quoted field is followed by something other than a comma",
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_by_column() {
    let row = |symbol: &[u8], conditions: &[u8]| {
        [HEAD.as_bytes(), b"1,", symbol, b",1,1,", conditions, b"\n"].concat()
    };
    refuses(row(b"\xff", b""), "`a.csv` line 2: symbol is not UTF-8");
    refuses(
        row(b"SPY", b"\xc3\x28"),
        "`a.csv` line 2: conditions is not UTF-8",
    );
    let long = "x".repeat(257);
    let shown = format!("{}…", "x".repeat(60));
    refuses(
        row(b"SPY", long.as_bytes()),
        &format!("`a.csv` line 2: conditions are longer than 256 bytes: `{shown}`"),
    );
}

/// Gives its bytes in pieces of 1, 2, 3 … bytes.
struct Trickle(Cursor<Vec<u8>>, usize);

impl Read for Trickle {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 % 97 + 1;
        let count = out.len().min(self.1);
        self.0.read(&mut out[..count])
    }
}

fn big() -> (String, usize) {
    use std::fmt::Write;
    let mut text = HEAD.to_owned();
    for row in 0..30_000 {
        let conditions = if row % 7 == 0 { "\"a\n,\"\"b\"" } else { "x" };
        writeln!(text, "{row},S{},{row}.25,{row},{conditions}", row % 50).unwrap();
    }
    (text, 30_000)
}

#[test]
fn pieces_and_batches_of_any_size_give_the_same_rows() {
    let (text, count) = big();
    let whole = read(text.as_str()).unwrap();
    assert_eq!(whole.len(), count);
    let trickle = Trickle(Cursor::new(text.into_bytes()), 0);
    let mut reader = TapeReader::from_bytes("a.csv", trickle)
        .unwrap()
        .with_batch_rows(7);
    assert_eq!(all(&mut reader).unwrap(), whole);
    assert_eq!(reader.line(), 30_000 + 4_286 + 2);
}

#[test]
fn gzip_is_known_by_its_bytes_and_may_have_several_members() {
    let (text, _) = big();
    let (first, second) = text.split_at(text.len() / 2);
    let mut packed = Vec::new();
    for part in [first, second] {
        let mut encoder = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
        encoder.write_all(part.as_bytes()).unwrap();
        encoder.finish().unwrap();
    }
    assert_eq!(read(packed.clone()).unwrap(), read(text).unwrap());
    packed.truncate(packed.len() / 2 - 10);
    let error = read(packed).unwrap_err();
    assert!(matches!(error, TapeError::Truncated { .. }), "{error}");
    let error = read(b"\x1f\x8bnonsense that is no gzip").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot read `a.csv` after line 0"),
        "{error}"
    );
}

#[test]
fn files_are_opened_by_name_and_progress_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tape.csv");
    let error = TapeReader::open(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot open `{}`", path.display())
    );
    let error = TapeReader::open(folder.path()).unwrap_err();
    assert!(matches!(error, TapeError::Directory { .. }), "{error}");
    let text = rows("1,SPY,1,1,\n");
    std::fs::write(&path, &text).unwrap();
    let mut reader = TapeReader::open(&path).unwrap();
    assert_eq!(all(&mut reader).unwrap(), ["1 SPY 1 1 "]);
    assert_eq!(reader.total_bytes(), Some(text.len() as u64));
    assert_eq!(reader.bytes_read(), text.len() as u64);
}
