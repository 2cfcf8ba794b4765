//! `export`: trades from the log, series from the store.

use std::ops::Range;
use std::path::Path;

use stock_up_core::{Analyzer, AnalyzerSettings, Emission, Record};
use stock_up_io::store::{Commit, NewPoint, Progress, Store};

use crate::cli::{fixture, ok, read, refused};
use crate::data_dir::{live_day, tape_begin, trades, write};

/// Fills the store as role analyze does.
pub(crate) fn store(dir: &Path, records: &[Record]) {
    let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Emission::Grid, 0);
    let (mut store, mut emission) = (Store::open(dir).unwrap(), 0);
    for record in records {
        let mut points = Vec::new();
        analyzer
            .apply(analyzer.position(), record, &mut points)
            .unwrap();
        let named = (emission..).zip(&points).map(|(emission, point)| NewPoint {
            emission,
            symbol: analyzer.symbol(point.symbol),
            point,
        });
        let named: Vec<NewPoint<'_>> = named.collect();
        emission += named.len() as u64;
        let position = analyzer.position();
        let progress = Progress {
            position,
            state: b"state",
            points: &named,
            next_emission: emission,
        };
        store
            .commit(&Commit {
                gaps: &[],
                progress: Some(progress),
                ..Commit::default()
            })
            .unwrap();
    }
}

#[test]
fn the_stored_series_is_the_replay_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &live_day());
    store(folder.path(), &live_day());
    let dir = folder.path().to_str().unwrap();
    let whole = ok(&["replay", "--log", dir]);
    assert_eq!(ok(&["export", "series", dir]), whole);
    let json = ok(&["replay", "--log", dir, "--format", "jsonl"]);
    assert_eq!(ok(&["export", "series", dir, "--format", "jsonl"]), json);

    let wanted = |line: &&str, times: Range<i64>| {
        let mut fields = line.split(',');
        let (time, symbol, window) = (fields.next(), fields.next(), fields.next());
        let time: i64 = time.unwrap().parse().unwrap_or(times.start);
        (symbol, window) == (Some("symbol"), Some("window"))
            || times.contains(&time) && (symbol, window) == (Some("SPY"), Some("2s"))
    };
    let expected: Vec<&str> = whole
        .lines()
        .filter(|line| wanted(line, 1_009_000_000_000..1_012_000_000_001))
        .collect();
    let args = [
        "--symbol",
        "SPY",
        "--window",
        "2s",
        "--from",
        "1009000000000",
        "--to",
        "1970-01-01T00:16:52Z",
    ];
    let args: Vec<&str> = ["export", "series", dir].into_iter().chain(args).collect();
    assert_eq!(ok(&args).lines().collect::<Vec<_>>(), expected);
    assert!(expected.len() > 4, "{expected:?}");
}

#[test]
fn trades_come_in_log_order_with_their_numbers_and_can_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = tape_begin();
    records.push(trades(
        7,
        &[
            (1_001, "SPY", "10.50", "2"),
            (1_000, "A/B", "0.000000000001", "1"),
        ],
    ));
    records.push(trades(8, &[(1_002, "SPY", "11", "0")]));
    write(folder.path(), &records);
    let dir = folder.path().to_str().unwrap();
    let all = "\
timestamp_ns,symbol,price,size,conditions,ts_recv_ns,seq
1001,SPY,10.5,2,,7,2
1000,A/B,0.000000000001,1,,7,3
1002,SPY,11,0,,8,4
";
    assert_eq!(ok(&["export", "trades", dir]), all);
    let jsonl = r#"{"timestamp_ns":1000,"symbol":"A/B","price":"0.000000000001","size":"1","conditions":"","ts_recv_ns":7,"seq":3}
"#;
    assert_eq!(
        ok(&[
            "export", "trades", dir, "--symbol", "A/B", "--format", "jsonl"
        ]),
        jsonl
    );
    let part = ok(&["export", "trades", dir, "--from", "1001", "--to", "1001"]);
    assert_eq!(part.lines().nth(1), Some("1001,SPY,10.5,2,,7,2"));
    assert_eq!(part.lines().count(), 2);

    let file = folder.path().join("trades.csv");
    let file = file.to_str().unwrap();
    ok(&["export", "trades", dir, "--output", file]);
    assert_eq!(read(file), all);
    let rows = ok(&["replay", file, "--window", "1s"]);
    assert!(rows.contains("1000000000,SPY,1s,1,2,11,"), "{rows}");
}

#[test]
fn an_export_of_a_file_s_trades_gives_the_file_s_windows() {
    let folder = tempfile::tempdir().unwrap();
    let text = read(fixture("replay/small.csv"));
    let mut records = tape_begin();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        records.push(trades(
            0,
            &[(fields[0].parse().unwrap(), fields[1], fields[2], fields[3])],
        ));
    }
    write(folder.path(), &records);
    let file = folder.path().join("trades.csv");
    let (dir, file) = (folder.path().to_str().unwrap(), file.to_str().unwrap());
    ok(&["export", "trades", dir, "--output", file]);
    assert_eq!(
        ok(&["replay", file, "--window", "2s"]),
        read(fixture("replay/small-2s.csv"))
    );
}

/// What a file of Parquet says, as rows of CSV: read with the library's own rows.
#[cfg(feature = "parquet")]
fn rows_of_parquet(path: &Path) -> Vec<Vec<String>> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    let decimal = |bytes: &[u8]| {
        let units = i128::from_be_bytes(bytes.try_into().unwrap());
        let text = format!(
            "{}.{:018}",
            units / 10_i128.pow(18),
            units % 10_i128.pow(18)
        );
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let cell = |field: &Field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Long(number) => number.to_string(),
        Field::ULong(number) => number.to_string(),
        Field::Double(number) => number.to_string(),
        Field::Decimal(number) => decimal(number.data()),
        other => panic!("{other:?} is of no column"),
    };
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| {
        let row = row.unwrap();
        row.get_column_iter()
            .map(|(_, field)| cell(field))
            .collect()
    })
    .collect()
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_holds_what_csv_does() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &live_day());
    store(folder.path(), &live_day());
    let dir = folder.path().to_str().unwrap();
    for what in ["trades", "series"] {
        let file = folder.path().join(what);
        let output = ["--format", "parquet", "--output", file.to_str().unwrap()];
        ok(&[&["export", what, dir], &output[..]].concat());
        let csv = ok(&["export", what, dir]);
        let cells = |line: &str| line.split(',').map(str::to_owned).collect();
        let expected: Vec<Vec<String>> = csv.lines().skip(1).map(cells).collect();
        assert!(expected.len() > 3, "{what}: {csv}");
        assert_eq!(rows_of_parquet(&file), expected, "{what}");
    }
}

#[test]
fn what_cannot_be_exported_says_why() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &live_day());
    let dir = folder.path().to_str().unwrap();
    refused(
        &["export", "trades", dir, "--from", "2", "--to", "1"],
        2,
        "error: --from is after --to, so there is nothing between; swap them\n",
    );
    refused(
        &["export", "trades", dir, "--from", "yesterday"],
        2,
        "error: invalid value 'yesterday' for '--from <TIME>': expected ns since 1970 or a time like \
         2013-10-08T13:30:00Z\n",
    );
    refused(
        &["export", "trades", dir, "--window", "60s"],
        2,
        "error: unexpected argument '--window' found\n",
    );
    refused(
        &["export", "series", dir],
        3,
        "error: cannot open the store `",
    );
}
