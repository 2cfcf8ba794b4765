//! The main job: trades of a venue, over a real socket, into the log, the store and the page.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::{Ran, command, ok};
use crate::needs;
use crate::process::{Server, TOKEN, run};

const SYMBOLS: [&str; 3] = ["BAC", "IBM", "SPY"];
const START: i64 = 1_381_219_217_034_000_000;

/// A small market: bursts in one millisecond, twins, quiet spells, prints that are a little late.
pub(crate) fn tape(rows: u32, late_ms: i64) -> String {
    let mut text = String::from("timestamp_ns,symbol,price,size,conditions\n");
    let (mut time, mut random) = (START, 88_172_645_463_325_252_u64);
    for row in 0..rows {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let pick = |range: u64| random % range;
        let step = [0, 0, 1, 3, 40, 700][usize::try_from(pick(6)).unwrap()];
        time += step * 1_000_000 + if row % 997 == 0 { 90_000_000_000 } else { 0 };
        let late = if pick(50) == 0 {
            late_ms * 1_000_000
        } else {
            0
        };
        let symbol = SYMBOLS[usize::try_from(pick(3)).unwrap()];
        let (cents, size) = (16_700 + pick(40), 1 + pick(500));
        let (dollars, cents, time) = (cents / 100, cents % 100, time - late);
        writeln!(
            text,
            "{time},{symbol},{dollars}.{cents:02},{size},flags={row}"
        )
        .unwrap();
    }
    text
}

struct Case {
    folder: tempfile::TempDir,
    tape: PathBuf,
}

impl Case {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tape = folder.path().join("tape.csv");
        fs::write(&tape, text).unwrap();
        Self { folder, tape }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Trades of the log in the columns of the tape.
    fn exported(&self) -> String {
        let trades = ok(&["export", "trades", self.dir().to_str().unwrap()]);
        let row = |line: &str| line.rsplitn(3, ',').last().unwrap_or_default().to_owned() + "\n";
        trades.lines().map(row).collect()
    }

    fn series(&self) -> String {
        ok(&["export", "series", self.dir().to_str().unwrap()])
    }
}

fn same_decimals(tape: &str) -> String {
    // The log writes 167.4 where the tape says 167.40.
    let row = |line: &str| {
        let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
        if fields[2].contains('.') {
            let kept = fields[2].trim_end_matches('0').trim_end_matches('.').len();
            fields[2].truncate(kept);
        }
        fields.join(",") + "\n"
    };
    tape.lines().map(row).collect()
}

#[track_caller]
fn same(left: &str, right: &str, what: &str) {
    let first = left
        .lines()
        .zip(right.lines())
        .enumerate()
        .find(|(_, (a, b))| a != b);
    assert!(first.is_none(), "{what}: first difference {first:?}");
    assert_eq!(
        left.lines().count(),
        right.lines().count(),
        "{what}: number of rows"
    );
}

fn captured_whole(case: &Case, symbols: &str) {
    let venue = Server::venue(&case.tape, &["--speed", "max"]);
    let args = ["--symbols", symbols, "--until-idle", "2s"];
    let ran = Ran::from(run(&venue, &case.dir(), &args).output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!(ran.out + &ran.err).contains(TOKEN), "the token was shown");
    let tape = fs::read_to_string(&case.tape).unwrap();
    same(
        &case.exported(),
        &same_decimals(&tape),
        "trades of the log against the tape",
    );
    let replayed = ok(&["replay", case.tape.to_str().unwrap()]);
    same(
        &case.series(),
        &replayed,
        "stored series against the replay of the tape",
    );
    ok(&["verify", case.dir().to_str().unwrap()]);
    no_token_in(&case.dir());
}

fn no_token_in(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_token_in(&path);
        } else {
            let bytes = fs::read(&path).unwrap();
            let found = bytes
                .windows(TOKEN.len())
                .any(|part| part == TOKEN.as_bytes());
            assert!(!found, "the token is in {}", path.display());
        }
    }
}

#[test]
fn a_served_tape_is_captured_whole_and_its_series_is_that_of_replay() {
    captured_whole(&Case::new(&tape(20_000, 4_000)), "BAC,IBM,SPY");
}

#[test]
fn real_tapes_are_captured_whole_and_their_series_is_that_of_replay() {
    let Some(folder) = needs::tapes("real_tapes_are_captured_whole") else {
        return;
    };
    let names = ["us_equity_SPY_20131008", "us_equity_IBM_20131008"];
    let files = names.map(|name| folder.join(format!("{name}.csv.gz")).display().to_string());
    let merged = merged_tape(&files);
    captured_whole(&Case::new(&merged), "SPY,IBM");
}

/// Recorded tapes as one, by time; files earlier in the list go first among equals.
fn merged_tape(files: &[String]) -> String {
    let mut rows = Vec::new();
    for file in files {
        let plain = output_of_gunzip(file);
        rows.extend(plain.lines().skip(1).map(str::to_owned));
    }
    rows.sort_by_key(|row| row.split(',').next().unwrap().parse::<i64>().unwrap());
    let head = "timestamp_ns,symbol,price,size,conditions\n";
    rows.iter()
        .fold(String::from(head), |text, row| text + row + "\n")
}

fn output_of_gunzip(file: &str) -> String {
    let mut text = String::new();
    let packed = fs::File::open(file).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(packed), &mut text)
        .unwrap();
    text
}

/// The story: the process dies in the middle of everything, again and again. What it had not read
/// from the socket is lost, because this venue cannot be asked again; all of that lies in declared
/// gaps, and nothing else differs.
#[test]
fn kill_nine_at_random_moments_changes_nothing_but_declared_gaps() {
    let case = Case::new(&tape(60_000, 0));
    let venue = Server::venue(&case.tape, &["--speed", "2000", "--hold"]);
    let args = ["--symbols", "BAC,IBM,SPY"];
    let mut random = 7_u64;
    for _ in 0..20 {
        let process = Server::run(&venue, &case.dir(), &args);
        process.wait_for("/readyz", "200 OK");
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // So many trades later it dies: 0 to 1,600 of the 3,000 that it could take.
        let more = (random >> 33) % 1_600;
        let before = received(&process);
        crate::process::wait("more trades", || {
            (received(&process) >= before + more).then_some(())
        });
        process.kill();
    }
    let last = [&args[..], &["--until-idle", "2s"]].concat();
    let ran = Ran::from(run(&venue, &case.dir(), &last).output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    lost_only_in_gaps(&case);
    let dir = case.dir();
    let replayed = ok(&["replay", "--log", dir.to_str().unwrap()]);
    same(
        &case.series(),
        &replayed,
        "stored series against the replay of the log",
    );
    ok(&["verify", dir.to_str().unwrap()]);
}

fn received(process: &Server) -> u64 {
    let metrics = process.get("/metrics").unwrap();
    let line = metrics
        .lines()
        .find(|line| line.starts_with("stock_up_trades_received_total"));
    line.and_then(|line| line.split(' ').nth(1))
        .and_then(|count| count.parse().ok())
        .unwrap_or(0)
}

/// What is in the log is a part of the tape in its order, and the rest lies in declared gaps.
fn lost_only_in_gaps(case: &Case) {
    let gaps = ok(&["gaps", case.dir().to_str().unwrap(), "--format", "csv"]);
    let time = |text: &str| text.parse::<i64>().unwrap();
    let gaps: Vec<(i64, i64)> = gaps
        .lines()
        .skip(1)
        .map(|line| line.splitn(3, ',').collect::<Vec<_>>())
        .map(|fields| (time(fields[0]), time(fields[1])))
        .collect();
    assert!(
        gaps.len() >= 10,
        "the process died twenty times, but {} gaps are declared",
        gaps.len()
    );
    let tape = same_decimals(&fs::read_to_string(&case.tape).unwrap());
    let exported = case.exported();
    let mut held = exported.lines().peekable();
    let mut now = i64::MIN;
    for line in tape.lines() {
        if held.peek() == Some(&line) {
            held.next();
        } else {
            // Late trades are lost in the gap of the moment at which they would have come.
            now = now.max(time(line.split(',').next().unwrap()));
            assert!(
                gaps.iter().any(|(from, to)| (*from..=*to).contains(&now)),
                "undeclared loss: {line}"
            );
        }
        if let Ok(event) = line.split(',').next().unwrap().parse::<i64>() {
            now = now.max(event);
        }
    }
    assert_eq!(
        held.next(),
        None,
        "a trade that is not on the tape, or twice"
    );
}

#[test]
fn a_second_process_on_one_data_directory_is_turned_away() {
    let case = Case::new(&tape(10, 0));
    let venue = Server::venue(&case.tape, &[]);
    let first = Server::run(&venue, &case.dir(), &["--symbols", "SPY"]);
    first.wait_for("/readyz", "200 OK");
    let ran = Ran::from(
        run(&venue, &case.dir(), &["--symbols", "SPY"])
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("is locked by process"), "{}", ran.err);
}

#[test]
fn simulated_and_real_trades_are_never_mixed() {
    let case = Case::new(&tape(10, 0));
    let dir = case.dir();
    let dir = dir.to_str().unwrap();
    let mut demo = command();
    demo.args(["run", "--listen", "127.0.0.1:0", "--data-dir", dir]);
    let demo = Server::start(demo);
    demo.wait_for("/api/v1/symbols", "\"simulated\":true");
    demo.kill();
    let venue = Server::venue(&case.tape, &[]);
    let ran = Ran::from(run(&venue, &case.dir(), &[]).output().unwrap());
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(
        ran.err
            .contains("holds trades of venue `demo`, not of `finnhub`"),
        "{}",
        ran.err
    );
}

#[test]
fn a_refused_token_is_told_and_ends_an_unattended_run_with_its_own_code() {
    let case = Case::new(&tape(10, 0));
    let venue = Server::venue(&case.tape, &["--token", "another"]);
    let ran = Ran::from(
        run(
            &venue,
            &case.dir(),
            &["--symbols", "SPY", "--until-idle", "1s"],
        )
        .output()
        .unwrap(),
    );
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert!(ran.err.contains("the venue refuses us"), "{}", ran.err);
    assert!(!(ran.out + &ran.err).contains(TOKEN), "the token was shown");
}
