//! `verify`: sound, damaged, unreadable.

use std::fs;
use std::path::{Path, PathBuf};

use stock_up_core::Record;

use crate::cli::{ok, refused, run};
use crate::data_dir::{live_day, write};

fn segment(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "log"))
        .unwrap()
}

fn day() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &live_day());
    let dir = folder.path().to_str().unwrap().to_owned();
    (folder, dir)
}

#[test]
fn a_sound_directory_says_what_it_holds() {
    let (_folder, dir) = day();
    let said = ok(&["verify", &dir]);
    let numbers: u64 = live_day()
        .iter()
        .map(|record| u64::from(record.count()))
        .sum();
    assert!(
        said.contains(&format!("with the numbers 0 up to {numbers}\n")),
        "{said}"
    );
    assert!(
        said.contains(&format!("records: {} read\n", live_day().len())),
        "{said}"
    );
    assert!(said.contains("store: none"), "{said}");
}

#[test]
fn a_flipped_bit_is_damage_with_its_place() {
    let (folder, dir) = day();
    let file = segment(folder.path());
    let mut bytes = fs::read(&file).unwrap();
    bytes[200] ^= 1;
    fs::write(&file, bytes).unwrap();
    let ran = run(["verify", &dir]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let place = format!("damaged: segment `{}` at offset ", file.display());
    assert!(ran.out.contains(&place), "{}", ran.out);
    let expected = format!("error: data directory `{dir}` is damaged in 1 place; ");
    assert!(ran.err.starts_with(&expected), "{}", ran.err);
}

#[test]
fn a_frame_that_is_no_record_is_damage() {
    use stock_up_log::{CommitBounds, GroupCommit, Log, Options};
    let (folder, dir) = day();
    let (log, writer) = Log::open(folder.path().join("log"), Options::new([0; 16])).unwrap();
    let commits = GroupCommit::start(writer, CommitBounds::default()).unwrap();
    let seq = commits.append(0, 1, b"\x80\x04pickle").unwrap();
    commits.close().unwrap();
    drop(log);
    let ran = run(["verify", &dir]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.out.contains(&format!("damaged: record {seq}: ")),
        "{}",
        ran.out
    );
    refused(
        &["replay", "--log", &dir, "--output", "/dev/null"],
        3,
        &format!("error: record {seq} of the log cannot be read: "),
    );
}

#[test]
fn a_torn_tail_is_no_damage() {
    let (folder, dir) = day();
    let file = segment(folder.path());
    let bytes = fs::read(&file).unwrap();
    let mut torn = bytes.clone();
    torn.extend_from_slice(&bytes[bytes.len() - 40..]);
    fs::write(&file, torn).unwrap();
    let said = ok(&["verify", &dir]);
    assert!(said.contains("unfinished bytes at the end"), "{said}");
}

#[test]
fn a_flipped_bit_anywhere_in_the_store_is_no_surprise() {
    let (folder, dir) = day();
    crate::export::store(folder.path(), &live_day());
    assert!(ok(&["verify", &dir]).contains("store: "));
    let file = folder.path().join("store.sqlite");
    let sound = fs::read(&file).unwrap();
    let mut codes = [0; 4];
    for at in (0..sound.len()).step_by(sound.len() / 60) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x10;
        fs::write(&file, bytes).unwrap();
        let ran = run(["verify", &dir]);
        codes[usize::try_from(ran.code).unwrap()] += 1;
        assert_eq!(
            ran.code == 1,
            ran.out.contains("damaged: "),
            "{at}: {ran:?}"
        );
    }
    // Some bytes are not used, and some make the file unreadable as a whole.
    assert!(codes[1] > 5 && codes[2] == 0, "{codes:?}");
}

#[test]
fn what_is_no_data_directory_is_unreadable() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let missing = format!("{dir}/missing");
    let file = format!("{dir}/file");
    fs::write(&file, "").unwrap();
    for command in [
        &["verify"][..],
        &["gaps"],
        &["export", "trades"],
        &["replay", "--log"],
    ] {
        let with = |dir: &'_ str| -> Vec<String> {
            command
                .iter()
                .map(|part| (*part).to_owned())
                .chain([dir.to_owned()])
                .collect()
        };
        for (dir, expected) in [
            (
                missing.as_str(),
                format!(
                    "error: data directory `{missing}` does not exist; `stock-up run` makes one\n"
                ),
            ),
            (
                &file,
                format!("error: data directory `{file}` is not a directory\n"),
            ),
            (
                dir,
                format!("error: `{dir}` is no data directory: it has no `source.toml`\n"),
            ),
        ] {
            let args = with(dir);
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            refused(&args, 3, &expected);
        }
    }
}

#[test]
fn an_empty_log_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &Vec::<Record>::new());
    let dir = folder.path().to_str().unwrap();
    assert!(ok(&["verify", dir]).contains("records: 0 read"));
    assert_eq!(ok(&["replay", "--log", dir]).lines().count(), 1);
}
