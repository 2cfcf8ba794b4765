//! A real folder: locking, foreign files, copies taken while it is written, what `verify` says.

use std::path::Path;
use std::time::Duration;

use stock_up_log::{CommitBounds, Error, GroupCommit, Log, Options, verify};

fn options() -> Options {
    Options {
        segment_bytes: 20_000,
        reserve_bytes: 4_096,
        ..Options::new([5; 16])
    }
}

#[test]
fn a_log_is_written_left_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("data/log");
    let (log, mut writer) = Log::open(&dir, options()).unwrap();
    for seq in 0..2_000u64 {
        writer.append(7, 1, &seq.to_le_bytes()).unwrap();
        if seq % 10 == 9 {
            writer.commit().unwrap();
        }
    }
    writer.append(7, 1, b"never committed").unwrap();
    let source = log.source();
    drop((log, writer));
    std::fs::write(dir.join(".DS_Store"), b"not ours").unwrap();

    let other = Options {
        source: [6; 16],
        ..options()
    };
    let (log, writer) = Log::open(&dir, other).unwrap();
    assert_eq!((log.source(), writer.next_seq()), (source, 2_000));
    let mut reader = log.reader(0).unwrap();
    for seq in 0..2_000u64 {
        assert_eq!(
            reader.next_frame().unwrap().unwrap().payload,
            seq.to_le_bytes()
        );
    }
    assert_eq!(std::fs::metadata(dir.join("RESERVE")).unwrap().len(), 4_096);
    let report = verify(&dir).unwrap();
    assert!(report.is_sound() && report.segments > 3, "{report:?}");
    assert_eq!(
        (report.frames, report.records, report.end_seq),
        (2_000, 2_000, 2_000)
    );
    assert_eq!((report.first_seq, report.times), (Some(0), Some((7, 7))));
    assert_eq!(report.bytes, log.bytes());
}

/// L7.
#[test]
fn the_second_writer_is_told_who_holds_the_folder_and_readers_need_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let (log, writer) = Log::open(folder.path(), options()).unwrap();
    let error = Log::open(folder.path(), options()).expect_err("locked");
    let (path, pid) = (folder.path().display(), std::process::id());
    assert_eq!(
        error.to_string(),
        format!("data directory `{path}` is locked by process {pid}")
    );
    Log::open_read_only(folder.path()).unwrap();
    assert!(matches!(log.reopen(), Err(Error::WriterAlive)));
    // Readers and handles do not hold it, the writer does.
    drop(writer);
    let (_log, writer) = Log::open(folder.path(), options()).unwrap();
    assert!(matches!(log.reopen(), Err(Error::Locked { .. })));
    drop(writer);
    log.reopen().unwrap();
}

#[test]
fn reopening_refuses_a_log_that_has_lost_what_readers_have_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (log, mut writer) = Log::open(folder.path(), options()).unwrap();
    for _ in 0..3 {
        writer.append(0, 1, b"seen").unwrap();
        writer.commit().unwrap();
    }
    drop(writer);
    let path = folder.path().join("00000000000000000000.log");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = log.reopen().expect_err("the last commit was durable");
    let place = format!(
        "segment `{}` is corrupt at offset {}",
        path.display(),
        64 + 2 * 36
    );
    let text = format!("{place}: records end at 2, expected up to 3");
    assert_eq!(error.to_string(), text);
    assert_eq!(
        std::fs::read(&path).unwrap(),
        bytes,
        "what is refused is not touched"
    );
}

fn copy(from: &Path, to: &Path) {
    let mut names: Vec<_> = std::fs::read_dir(from)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    for name in names {
        std::fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

/// A copy taken at any moment is what `kill -9` would leave: it holds all that was durable.
#[test]
fn a_copy_taken_while_writing_holds_all_that_was_durable() {
    let folder = tempfile::tempdir().unwrap();
    let (log, writer) = Log::open(folder.path(), options()).unwrap();
    let bounds = CommitBounds {
        latency: Duration::from_micros(200),
        bytes: 3_000,
        most_bytes: 7_000,
    };
    let commits = GroupCommit::start(writer, bounds).unwrap();
    std::thread::scope(|scope| {
        let appending = scope.spawn(|| {
            for seq in 0..20_000u64 {
                let payload = seq.to_le_bytes().repeat(10);
                commits.append(0, 1, &payload).unwrap();
            }
        });
        let mut copies = 0;
        while !appending.is_finished() || copies < 3 {
            check_copy(folder.path(), log.durable_end());
            copies += 1;
        }
    });
    commits.close().unwrap();
    check_copy(folder.path(), 20_000);
}

fn check_copy(dir: &Path, durable: u64) {
    let target = tempfile::tempdir().unwrap();
    copy(dir, target.path());
    assert!(verify(target.path()).unwrap().is_sound());
    let seen = Log::open_read_only(target.path()).unwrap().durable_end();
    let (log, writer) = Log::open(target.path(), options()).unwrap();
    assert!(
        writer.next_seq() >= durable,
        "{} < {durable}",
        writer.next_seq()
    );
    assert_eq!(writer.next_seq(), seen);
    let mut reader = log.reader(0).unwrap();
    for seq in 0..writer.next_seq() {
        let frame = reader.next_frame().unwrap().unwrap();
        assert_eq!(
            (frame.seq, frame.payload),
            (seq, &seq.to_le_bytes().repeat(10)[..])
        );
    }
}

#[test]
fn what_cannot_be_read_is_an_error_and_not_damage() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = verify(&missing).expect_err("nothing there");
    assert!(!error.is_corrupt());
    assert_eq!(
        error.to_string(),
        format!("cannot list `{}`", missing.display())
    );
    assert!(matches!(
        Log::open_read_only(&missing),
        Err(Error::Io { .. })
    ));
}
