//! `replay --log`: the records of a data directory, by the same analyzer.

use stock_up_core::{AnalyzerSettings, FeedEvent, Record, Span};

use crate::cli::{fixture, ok, read};
use crate::data_dir::{SECOND, feed, live_day, settings, tape_begin, trades, write};

const SMALL: [(i64, &str, &str, &str); 6] = [
    (1_000_000_000_000, "SPY", "10", "100"),
    (1_000_500_000_000, "IBM", "20.5", "10"),
    (1_001_200_000_000, "SPY", "10.50", "50"),
    (1_001_200_000_000, "SPY", "10.50", "50"),
    (1_002_000_000_000, "SPY", "9", "0"),
    (1_004_100_000_000, "SPY", "11", "25"),
];

fn replay_of(records: &[Record], args: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), records);
    let dir = folder.path().to_str().unwrap();
    let args: Vec<&str> = ["replay", "--log", dir]
        .into_iter()
        .chain(args.iter().copied())
        .collect();
    ok(&args)
}

#[test]
fn any_split_of_a_file_into_records_gives_the_same_rows() {
    let expected = read(fixture("replay/small-2s.csv"));
    for cuts in 0..1_u32 << (SMALL.len() - 1) {
        // Few of the many, but the first, the last and some between.
        if cuts > 2 && cuts < 29 && cuts % 5 != 0 {
            continue;
        }
        let mut records = tape_begin();
        let mut start = 0;
        for end in 1..=SMALL.len() {
            if end == SMALL.len() || cuts >> (end - 1) & 1 == 1 {
                records.push(trades(0, &SMALL[start..end]));
                start = end;
            }
        }
        records.push(feed(0, FeedEvent::Ended));
        assert_eq!(
            replay_of(&records, &["--window", "2s"]),
            expected,
            "cuts {cuts:b}"
        );
    }
}

#[test]
fn what_the_time_of_the_log_has_not_passed_is_not_emitted() {
    let mut records = tape_begin();
    records.push(trades(0, &SMALL));
    let found = replay_of(&records, &["--window", "2s"]);
    let whole = read(fixture("replay/small-2s.csv"));
    // Log time is 1004.1 s and lateness 1 s: the points up to 1003 s.
    let expected: Vec<&str> = whole.lines().take(8).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn settings_take_effect_where_they_stand_and_the_command_line_overrides_them() {
    let two = AnalyzerSettings {
        windows: vec![Span::from_secs(2)],
        ..AnalyzerSettings::default()
    };
    let mut records = tape_begin();
    records.push(settings(1, two));
    records.push(trades(0, &SMALL));
    records.push(feed(0, FeedEvent::Ended));
    assert_eq!(
        replay_of(&records, &[]),
        read(fixture("replay/small-2s.csv"))
    );
    let other = replay_of(&records, &["--window", "7s"]);
    assert!(
        other.lines().skip(1).all(|line| line.contains(",7s,")),
        "{other}"
    );
}

#[test]
fn a_live_day_has_its_gap_its_settings_and_its_revisions() {
    let found = replay_of(&live_day(), &[]);
    let row = |key: &str| {
        let found: Vec<&str> = found.lines().filter(|line| line.starts_with(key)).collect();
        assert!(!found.is_empty(), "{key} in\n{found:?}");
        (*found.last().unwrap()).to_owned()
    };
    assert!(row("1002000000000,SPY,60s,").contains(",warming,"));
    assert!(row("1005000000000,SPY,60s,").contains(",gap,"));
    assert!(
        !found.contains("1003000000000,SPY,2s"),
        "the window came later"
    );
    let late = "1012000000000,SPY,2s,6,12,10.75,10.75,11.25,11,11.125,0.0625,complete,1,2";
    assert_eq!(row("1012000000000,SPY,2s,"), late);
    assert!(row("1009000000000,SPY,2s,").contains(",complete,1,"));
    assert!(
        !found.contains(&format!("{},SPY", 1_020 * SECOND)),
        "its time has not come"
    );
}
