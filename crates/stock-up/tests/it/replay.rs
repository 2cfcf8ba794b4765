//! `replay` of files: golden outputs, all of them worked out by hand.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use crate::cli::{Ran, command, fixture, ok, read, run_with_input};

#[track_caller]
fn golden(input: &str, args: &[&str], expected: &str) {
    let input = fixture(input);
    let args: Vec<&str> = ["replay", &input]
        .into_iter()
        .chain(args.iter().copied())
        .collect();
    assert_eq!(ok(&args), read(fixture(expected)), "{args:?}");
}

#[test]
fn a_file_gives_its_windows_on_the_grid() {
    golden(
        "replay/small.csv",
        &["--window", "2s"],
        "replay/small-2s.csv",
    );
    golden(
        "replay/small.csv",
        &["--window", "2s", "--emit", "1s", "--format", "csv"],
        "replay/small-2s.csv",
    );
    golden(
        "replay/small.csv",
        &["--window", "2s", "--format", "jsonl"],
        "replay/small-2s.jsonl",
    );
    golden(
        "replay/small.csv",
        &["--window", "2s", "--format", "influx"],
        "replay/small-2s.influx",
    );
}

#[test]
fn the_live_view_is_a_row_per_trade() {
    golden(
        "replay/small.csv",
        &["--window", "2s", "--emit", "trade"],
        "replay/small-2s-trade.csv",
    );
}

#[test]
fn a_late_trade_revises_what_was_emitted_and_one_too_late_is_dropped() {
    golden("replay/late.csv", &["--window", "4s"], "replay/late-4s.csv");
    let short = ok(&[
        "replay",
        &fixture("replay/late.csv"),
        "--window",
        "4s",
        "--revise",
        "0s",
    ]);
    assert!(!short.contains(",1\n"), "nothing is revised:\n{short}");
    let patient = ok(&[
        "replay",
        &fixture("replay/late.csv"),
        "--window",
        "4s",
        "--lateness",
        "10s",
    ]);
    assert!(
        !patient.contains(",1\n"),
        "nothing was emitted too early:\n{patient}"
    );
    assert!(
        patient.contains("1001000000000,SPY,4s,4,13,20,10,99,"),
        "the later one counts too:\n{patient}"
    );
}

/// The columns time, symbol and window of each row.
fn keys(csv: &str) -> Vec<String> {
    let key = |line: &str| line.split(',').take(3).collect::<Vec<_>>().join(",");
    csv.lines().skip(1).map(key).collect()
}

#[test]
fn rows_come_by_time_then_symbol_then_window() {
    let args = [
        "replay",
        &fixture("replay/small.csv"),
        "--window",
        "5s,1s",
        "--window",
        "2s",
    ];
    let found = keys(&ok(&args));
    let mut sorted = found.clone();
    let number = |text: &str| text.trim_end_matches('s').parse::<i64>().unwrap();
    sorted.sort_by_key(|key| {
        let mut parts = key.split(',').map(str::to_owned);
        let (time, symbol) = (number(&parts.next().unwrap()), parts.next().unwrap());
        (time, symbol, number(&parts.next().unwrap()))
    });
    assert_eq!(found, sorted);
    assert_eq!(
        found[..3],
        [
            "1000000000000,SPY,1s",
            "1000000000000,SPY,2s",
            "1000000000000,SPY,5s"
        ]
    );
    assert!(found.contains(&"1004000000000,IBM,5s".to_owned()));
    assert!(
        !found.contains(&"1004000000000,IBM,2s".to_owned()),
        "the empty window is told once"
    );
}

#[test]
fn another_grid_is_another_distance_of_points() {
    let found = ok(&[
        "replay",
        &fixture("replay/small.csv"),
        "--window",
        "2s",
        "--emit",
        "500ms",
    ]);
    let found = keys(&found);
    assert_eq!(
        found[..3],
        [
            "1000000000000,SPY,2s",
            "1000500000000,IBM,2s",
            "1000500000000,SPY,2s"
        ]
    );
    assert_eq!(found.last().unwrap(), "1004500000000,SPY,2s");
}

#[test]
fn conditions_decide_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sip.csv");
    let rows = "timestamp_ns,symbol,price,size,conditions\n\
        1000000000000,SPY,10,1,flags=1\n1000000000000,SPY,99,1,flags=1000000\n";
    fs::write(&file, rows).unwrap();
    let file = file.to_str().unwrap();
    assert!(ok(&["replay", file]).contains("1000000000000,SPY,60s,2,2,99,10,99,"));
    assert!(
        ok(&["replay", file, "--conditions", "sip"])
            .contains("1000000000000,SPY,60s,1,1,10,10,10,")
    );
}

#[test]
fn files_are_one_stream_one_after_another_or_merged_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let text = read(fixture("replay/small.csv"));
    let (header, rows) = text.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    let write = |name: &str, rows: &[&str]| {
        let path = folder.path().join(name);
        fs::write(&path, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (first, second) = (
        write("first.csv", &rows[..3]),
        write("second.csv", &rows[3..]),
    );
    let expected = read(fixture("replay/small-2s.csv"));
    assert_eq!(ok(&["replay", &first, &second, "--window", "2s"]), expected);
    let by_symbol = |symbol: &str| -> Vec<&str> {
        rows.iter()
            .copied()
            .filter(|row| row.contains(symbol))
            .collect()
    };
    let (ibm, spy) = (
        write("ibm.csv", &by_symbol("IBM")),
        write("spy.csv", &by_symbol("SPY")),
    );
    assert_eq!(
        ok(&["replay", "--merge", &ibm, &spy, "--window", "2s"]),
        expected
    );
    assert_eq!(
        ok(&["replay", "--merge", &spy, &ibm, "--window", "2s"]),
        expected
    );
}

#[test]
fn the_same_input_gives_the_same_bytes_also_gzipped_and_from_standard_input() {
    let file = fixture("replay/small.csv");
    let (bytes, expected) = (
        fs::read(&file).unwrap(),
        read(fixture("replay/small-2s.csv")),
    );
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&bytes).unwrap();
    let packed = packed.finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let gz = folder.path().join("small.csv.gz");
    fs::write(&gz, &packed).unwrap();
    for _ in 0..2 {
        assert_eq!(
            ok(&["replay", gz.to_str().unwrap(), "--window", "2s"]),
            expected
        );
    }
    for input in [&bytes, &packed] {
        let ran = run_with_input(&["replay", "-", "--window", "2s"], input);
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err.as_str()),
            (0, expected.as_str(), "")
        );
    }
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let text = read(fixture("replay/small.csv")).replace('\n', "\r\n");
    let ran = run_with_input(
        &["replay", "-", "--window", "2s"],
        format!("\u{feff}{text}").as_bytes(),
    );
    assert_eq!(
        (ran.code, ran.out),
        (0, read(fixture("replay/small-2s.csv")))
    );
}

#[test]
fn a_header_alone_gives_a_header_alone() {
    let ran = run_with_input(&["replay", "-"], b"timestamp_ns,symbol,price,size\n");
    assert_eq!((ran.code, ran.out.lines().count()), (0, 1));
}

#[test]
fn an_output_file_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.csv");
    let name = output.to_str().unwrap();
    let small = fixture("replay/small.csv");
    assert_eq!(
        ok(&["replay", &small, "--window", "2s", "--output", name]),
        ""
    );
    assert_eq!(read(&output), read(fixture("replay/small-2s.csv")));

    let wrong = b"timestamp_ns,symbol,price,size\n1000000000000,SPY,10,1\nnot,a,trade,row\n";
    let ran = run_with_input(&["replay", "-", "--output", name], wrong);
    assert_eq!(ran.code, 1);
    assert_eq!(
        read(&output),
        read(fixture("replay/small-2s.csv")),
        "the earlier one is untouched"
    );
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "and nothing is left beside it"
    );

    assert_eq!(ok(&["replay", &small, "--output", "/dev/null"]), "");
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.csv");
    let row = |second: i64| format!("{},SPY,10,1\n", (1_000 + second) * 1_000_000_000);
    let rows: String = (0..200_000).map(row).collect();
    let rows = format!("timestamp_ns,symbol,price,size\n{rows}");
    fs::write(&file, rows).unwrap();
    let mut child = command()
        .args(["replay".as_ref(), file.as_os_str()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut head = [0; 64];
    child.stdout.take().unwrap().read_exact(&mut head).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}
