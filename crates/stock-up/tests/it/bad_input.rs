//! What is wrong is said with its place and what to do, and the exit code says of what kind it is.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use crate::cli::{fixture, refused, run, run_with_input};

const HEADER: &str = "timestamp_ns,symbol,price,size,conditions\n";

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let small = fixture("replay/small.csv");
    let small = small.as_str();
    for (args, error) in [
        (
            &["exprot"][..],
            "error: unrecognized subcommand 'exprot'\n\n  tip: a similar subcommand exists: 'export'\n",
        ),
        (
            &["replay", small, "--windw", "60s"],
            "error: unexpected argument '--windw' found\n\n  tip: a similar argument exists: '--window'\n",
        ),
        (
            &["replay"],
            "error: the following required arguments were not provided:\n  <FILE>...\n",
        ),
        (
            &["replay", small, "--window"],
            "error: a value is required for '--window <TIME>' but none was supplied\n",
        ),
        (
            &["replay", small, "--log", "x"],
            "error: the argument '[FILE]...' cannot be used with '--log <DIR>'\n",
        ),
        (
            &["replay", small, "--format", "json"],
            "error: invalid value 'json' for '--format <FORMAT>'\n  [possible values: csv, jsonl, influx]\n\n  \
             tip: a similar value exists: 'jsonl'\n",
        ),
        (
            &["replay", small, "--format", "csv", "--format", "csv"],
            "error: the argument '--format <FORMAT>' cannot be used multiple times\n",
        ),
    ] {
        refused(args, 2, error);
    }
}

#[test]
fn a_value_out_of_range_or_of_the_wrong_kind_is_a_usage_error() {
    let small = fixture("replay/small.csv");
    let small = small.as_str();
    for (args, error) in [
        (
            &["replay", small, "--window", "60"][..],
            "error: invalid value '60' for '--window <TIME>': `60` has no unit; expected a duration like \"60s\"\n",
        ),
        (
            &["replay", small, "--window", "-1s"],
            "error: unexpected argument '-1' found\n",
        ),
        (
            &["replay", small, "--emit", "often"],
            "error: invalid value 'often' for '--emit <TIME|trade>': `often` is no duration; expected one like \
             \"60s\", \"5m\", \"1h\" or \"250ms\", or \"trade\"\n",
        ),
        (
            &["replay", small, "--window", "0s"],
            "error: window `0s` is outside 1ms to 86400s\n",
        ),
        (
            &["replay", small, "--window", "2d"],
            "error: window `172800s` is outside 1ms to 86400s\n",
        ),
        (
            &["replay", small, "--window", "99999999999h"],
            "error: invalid value '99999999999h' for '--window <TIME>': `99999999999h` is too long a time\n",
        ),
        (
            &["replay", small, "--window", "60s,1m"],
            "error: window `60s` is set twice\n",
        ),
        (
            &["replay", small, "--emit", "1ms"],
            "error: grid `1ms` is outside 10ms to 3600s\n",
        ),
        (
            &["replay", small, "--lateness", "2h"],
            "error: lateness `7200s` is above 3600s\n",
        ),
        (
            &["replay", small, "--revise", "2d"],
            "error: revise `172800s` is above 86400s\n",
        ),
    ] {
        refused(args, 2, error);
    }
}

#[test]
fn the_arguments_of_services_are_checked_before_anything_starts() {
    let small = fixture("replay/small.csv");
    let small = small.as_str();
    for (args, error) in [
        (
            &["run", "--symbols", "SPY,,IBM"][..],
            "error: invalid value 'SPY,,IBM' for '--symbols <SYMBOLS>': ",
        ),
        (
            &["run", "--tls-key", "key.pem"],
            "error: the following required arguments were not provided:\n  --tls-cert <FILE>\n",
        ),
        (
            &["run", "--listen", "8080"],
            "error: invalid value '8080' for '--listen <ADDRESS>': ",
        ),
        (
            &["run", "--role", "collector"],
            "error: invalid value 'collector' for '--role <ROLE>'\n",
        ),
        (
            &[
                "venue",
                "serve",
                "--tape",
                small,
                "--listen",
                "127.0.0.1:0",
                "--speed",
                "fast",
            ],
            "error: invalid value 'fast' for '--speed <SPEED>': speed `fast` is not `max` or a factor",
        ),
        (
            &[
                "venue",
                "serve",
                "--tape",
                small,
                "--listen",
                "127.0.0.1:0",
                "--fault",
                "explode",
            ],
            "error: invalid value 'explode' for '--fault <FAULT>': unknown fault `explode`; one of drop, reset,",
        ),
    ] {
        refused(args, 2, error);
    }
}

#[test]
fn an_argument_that_is_no_text_is_refused_or_a_file_name() {
    let odd = std::ffi::OsStr::from_bytes(b"n\xff.csv");
    let ran = run(["replay".as_ref(), odd, "--window".as_ref(), odd]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(
        ran.err
            .starts_with("error: invalid UTF-8 was detected in one or more arguments\n"),
        "{}",
        ran.err
    );
    let ran = run(["replay".as_ref(), odd]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.err
            .starts_with("error: cannot open `n\u{fffd}.csv`: No such file"),
        "{}",
        ran.err
    );
}

#[test]
fn a_file_that_is_no_tape_is_named_with_its_line() {
    for (text, error) in [
        (
            "",
            "`standard input` is empty; expected the header `timestamp_ns,symbol,price,size,conditions`",
        ),
        (
            "time,price\n",
            "`standard input` line 1: the header is `time,price`; expected `timestamp_ns,symbol,price,size,conditions`",
        ),
        (
            "1000,SPY,10,1\n",
            "`standard input` line 1: the header is `1000,SPY,10,1`; expected `timestamp_ns,symbol,price,size,conditions`",
        ),
        (
            &format!("{HEADER}1000,SPY,10,1,\n1000,SPY,10,1\n"),
            "`standard input` line 3: 4 fields, but the header has 5",
        ),
        (
            &format!("{HEADER}1000\n"),
            "`standard input` line 2: 1 fields, but the header has 5",
        ),
        (
            &format!("{HEADER}soon,SPY,10,1,\n"),
            "`standard input` line 2: timestamp_ns is `soon`; expected ns since 1970 as a whole number, before 2262",
        ),
        (
            &format!("{HEADER}1000,SPY,10.0.0,1,\n"),
            "`standard input` line 2: price is `10.0.0`: not a number: unexpected character at position 4",
        ),
        (
            &format!("{HEADER}1000,SPY,10,-1,\n"),
            "`standard input` line 2: size is `-1`: negative number; prices and sizes are zero or more",
        ),
        (
            &format!("{HEADER}1000,SPY,1.0000000000000000001,1,\n"),
            "`standard input` line 2: price is `1.0000000000000000001`: more than 18 significant digits; \
             rounding is not done here",
        ),
        (
            &format!("{HEADER}1000,,10,1,\n"),
            "`standard input` line 2: symbol is empty: ``",
        ),
        (
            &format!("{HEADER}1000,\"SPY,10,1,\n"),
            "`standard input` line 2: a field begins with a quote that is not closed before the end of the file",
        ),
    ] {
        let ran = run_with_input(&["replay", "-"], text.as_bytes());
        assert_eq!(
            (ran.code, ran.err),
            (1, format!("error: {error}\n")),
            "{text}"
        );
    }
}

#[test]
fn files_that_cannot_be_read_or_written_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let small = fixture("replay/small.csv");
    let copy = format!("{dir}/copy.csv");
    fs::copy(&small, &copy).unwrap();
    let os = "No such file or directory (os error 2)\n";
    refused(
        &["replay", "missing.csv"],
        1,
        &format!("error: cannot open `missing.csv`: {os}"),
    );
    refused(
        &["replay", dir],
        1,
        &format!(
            "error: `{dir}` is a directory; name a trade file, or use --log for a data directory\n"
        ),
    );
    refused(
        &["replay", &copy, "--output", &copy],
        2,
        &format!("error: `{copy}` is both input and output; name another output\n"),
    );
    refused(
        &["replay", &copy, "--output", dir],
        2,
        &format!("error: output `{dir}` is a directory; name a file\n"),
    );
    let lost = format!("{dir}/missing/out.csv");
    refused(
        &["replay", &copy, "--output", &lost],
        1,
        &format!("error: cannot write output `{lost}`: {os}"),
    );
    // The second file is opened when the first has been read: its error comes all the same.
    let ran = run(["replay", &copy, "missing.csv"]);
    assert_eq!(
        (ran.code, ran.err),
        (1, format!("error: cannot open `missing.csv`: {os}"))
    );
}

#[test]
fn a_gzip_file_that_was_cut_off_says_so() {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed
        .write_all(&fs::read(fixture("replay/small.csv")).unwrap())
        .unwrap();
    let mut packed = packed.finish().unwrap();
    packed.truncate(packed.len() - 12);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut.csv.gz");
    fs::write(&file, packed).unwrap();
    let ran = run(["replay".as_ref(), file.as_os_str()]);
    assert_eq!(ran.code, 1);
    let expected = format!(
        "error: `{}` ends within its compressed data after line ",
        file.display()
    );
    assert!(ran.err.starts_with(&expected), "{}", ran.err);
}

#[test]
fn check_says_what_is_wrong_where() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock-up.toml");
    let name = file.to_str().unwrap();
    let data = folder.path().join("data");
    let good = format!(
        "data_dir = \"{}\"\n[venue]\ntype = \"demo\"\n",
        data.display()
    );
    fs::write(&file, &good).unwrap();
    let said = crate::cli::ok(&["check", name]);
    assert!(
        said.starts_with(&format!("configuration `{name}`: good\nvenue: ")),
        "{said}"
    );

    let dir = data.display();
    for (text, error) in [
        (
            "[venu]\ntype = \"demo\"\n",
            format!("error: {name}:1:2: unknown field `venu`"),
        ),
        (
            "[venue]\ntype = \"nyse\"\n",
            format!("error: {name}:2:8: unknown variant `nyse`"),
        ),
        (
            "[serve]\nlisten = \"0.0.0.0:80\"\n[venue]\ntype = \"demo\"\n",
            "error: `0.0.0.0:80` can be reached from".to_owned(),
        ),
        (
            "[venue]\ntype = \"finnhub\"\n",
            "error: venue `finnhub` needs a token; ".to_owned(),
        ),
        (
            "[serve]\ntls_cert = \"x\"\n[venue]\ntype = \"demo\"\n",
            "error: [serve] tls_cert and tls_key belong together; ".to_owned(),
        ),
    ] {
        fs::write(&file, text).unwrap();
        refused(&["check", name], 2, &error);
    }
    fs::write(&file, &good).unwrap();
    fs::create_dir(&data).unwrap();
    fs::write(data.join("settings.toml"), "windows = [\"0s\"]\n").unwrap();
    refused(
        &["check", name],
        2,
        &format!("error: settings `{dir}/settings.toml`: line 1, column "),
    );
    refused(
        &["check", "missing.toml"],
        2,
        "error: cannot read configuration `missing.toml`: ",
    );
}
