//! `gaps` of a log.

use crate::cli::ok;
use crate::data_dir::{live_day, write};

#[test]
fn gaps_are_listed_for_people_and_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &live_day());
    let dir = folder.path().to_str().unwrap();
    let table = "\
FROM                  TO                    SYMBOLS  CAUSE         STATE
1970-01-01T00:16:43Z  1970-01-01T00:16:46Z  IBM,SPY  disconnected  given_up
1970-01-01T00:17:00Z                        IBM,SPY  stopped       open
";
    assert_eq!(ok(&["gaps", dir]), table);
    let csv = "\
from_ns,to_ns,symbols,cause,state
1003000000000,1006000000000,\"IBM,SPY\",disconnected,given_up
1020000000000,,\"IBM,SPY\",stopped,open
";
    assert_eq!(ok(&["gaps", dir, "--format", "csv"]), csv);
    let jsonl = r#"{"from_ns":1003000000000,"to_ns":1006000000000,"symbols":["IBM","SPY"],"cause":"disconnected","state":"given_up"}
{"from_ns":1020000000000,"to_ns":null,"symbols":["IBM","SPY"],"cause":"stopped","state":"open"}
"#;
    assert_eq!(ok(&["gaps", dir, "--format", "jsonl"]), jsonl);
}

#[test]
fn a_log_without_gaps_gives_a_header_alone() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &live_day()[..5]);
    let dir = folder.path().to_str().unwrap();
    assert_eq!(ok(&["gaps", dir]), "FROM  TO  SYMBOLS  CAUSE  STATE\n");
    assert_eq!(ok(&["gaps", dir, "--format", "jsonl"]), "");
}
