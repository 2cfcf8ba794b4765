//! Failing storage: a failed sync or write stops the writer for good, a full device can be mended.

use std::time::Duration;

use stock_up_log::{CommitBounds, Error, GroupCommit, Log, Options, Writer};

use crate::sim_storage::SimStorage;

fn open(storage: &SimStorage) -> (Log, Writer) {
    let options = Options {
        reserve_bytes: 0,
        segment_bytes: 300,
        ..Options::new([1; 16])
    };
    Log::open_storage(storage.shared(), options).unwrap()
}

fn payload(seq: u64) -> Vec<u8> {
    vec![u8::try_from(seq % 251).unwrap() + 1; 60]
}

#[track_caller]
fn assert_holds(log: &Log, end: u64) {
    let mut reader = log.reader(0).unwrap();
    for seq in 0..end {
        assert_eq!(
            reader.next_frame().unwrap().unwrap().payload,
            payload(seq),
            "{seq}"
        );
    }
    assert_eq!(reader.next_frame().unwrap(), None);
}

/// L4: pages are marked clean after a failed sync, so a second one would lie.
#[test]
fn a_failed_sync_stops_the_writer_and_is_never_tried_again() {
    let storage = SimStorage::new();
    let (log, mut writer) = open(&storage);
    writer.append(0, 1, &payload(0)).unwrap();
    writer.commit().unwrap();
    storage.plan(|plan| plan.fail_sync_after = Some(0));
    writer.append(0, 1, &payload(1)).unwrap();
    let before = storage.plan(|_| ());
    let error = writer.commit().expect_err("the sync fails");
    let text = "the log has stopped: cannot sync `sim/00000000000000000000.log`: \
                Input/output error (os error 5)";
    assert_eq!(error.to_string(), text);
    assert!(!error.is_no_space());
    let after = storage.plan(|_| ());
    assert_eq!(
        (after.writes, after.syncs),
        (before.writes + 1, before.syncs + 1)
    );

    assert_eq!(
        writer.append(0, 1, b"x").expect_err("stopped").to_string(),
        text
    );
    assert_eq!(writer.commit().expect_err("stopped").to_string(), text);
    assert_eq!(
        log.wait_for(1, Duration::MAX)
            .expect_err("stopped")
            .to_string(),
        text
    );
    assert!(matches!(log.reopen(), Err(Error::WriterAlive)));
    let last = storage.plan(|_| ());
    assert_eq!(
        (last.writes, last.syncs),
        (after.writes, after.syncs),
        "nothing is touched"
    );

    assert_holds(&log, 1);
    drop(writer);
    let (report, mut writer) = log.reopen().unwrap();
    for seq in report.end_seq..5 {
        writer.append(0, 1, &payload(seq)).unwrap();
    }
    assert_eq!(writer.commit().unwrap(), 5);
    assert_holds(&log, 5);
}

#[test]
fn a_failed_sync_reaches_everyone_who_uses_group_commit() {
    let storage = SimStorage::new();
    let (log, writer) = open(&storage);
    let bounds = CommitBounds {
        most_bytes: 400,
        ..CommitBounds::default()
    };
    let commits = GroupCommit::start(writer, bounds).unwrap();
    commits.append_durable(0, 1, &payload(0)).unwrap();
    storage.plan(|plan| plan.fail_sync_after = Some(0));
    let text = commits
        .append_durable(0, 1, &payload(1))
        .expect_err("stopped")
        .to_string();
    assert!(
        text.contains("cannot sync `sim/00000000000000000000.log`"),
        "{text}"
    );
    // The thread may still be ending; when it has ended, appends fail.
    let error = (0..100).find_map(|_| commits.append(0, 1, &payload(2)).err());
    assert_eq!(error.expect("the queue is bounded").to_string(), text);
    assert_eq!(commits.flush().expect_err("stopped").to_string(), text);
    assert_eq!(commits.close().expect_err("stopped").to_string(), text);
    let (report, writer) = log.reopen().unwrap();
    assert_eq!(writer.next_seq(), report.end_seq);
}

/// L5: the device is full after every possible number of bytes, also within the making of segments.
#[test]
fn a_device_full_at_any_byte_loses_nothing_committed_and_goes_on_when_there_is_space() {
    let mut stops = 0;
    for free in 0..1_500 {
        let storage = SimStorage::new();
        let (log, mut writer) = open(&storage);
        storage.plan(|plan| plan.free_bytes = Some(free));
        let mut committed = 0;
        let error = (0..10).find_map(|seq| {
            let done = writer
                .append(0, 1, &payload(seq))
                .and_then(|_| writer.commit());
            committed = *done.as_ref().unwrap_or(&committed);
            done.err()
        });
        let Some(error) = error else { continue };
        stops += 1;
        assert!(error.is_no_space(), "{error}");
        assert!(matches!(error, Error::NoSpace(_)));
        assert!(error.to_string().contains("(os error 28)"), "{error}");
        assert!(matches!(writer.commit(), Err(Error::NoSpace(_))));
        assert_eq!(log.durable_end(), committed);
        assert_holds(&log, committed);
        drop(writer);

        storage.plan(|plan| plan.free_bytes = None);
        let (report, mut writer) = log.reopen().unwrap();
        assert!(report.end_seq >= committed, "at {free}");
        for seq in report.end_seq..10 {
            writer.append(0, 1, &payload(seq)).unwrap();
            writer.commit().unwrap();
        }
        assert_holds(&log, 10);
    }
    assert!(stops > 1_000, "the device was full {stops} times");
}

/// The record that says what is missing still fits, in space that was kept for it.
#[test]
fn the_reserve_gives_room_for_a_last_record() {
    let storage = SimStorage::new();
    let options = Options {
        reserve_bytes: 200,
        ..Options::new([1; 16])
    };
    let (log, mut writer) = Log::open_storage(storage.shared(), options).unwrap();
    storage.plan(|plan| plan.free_bytes = Some(0));
    writer.append(0, 1, b"no room for this").unwrap();
    assert!(writer.commit().expect_err("full").is_no_space());
    drop(writer);

    assert!(log.release_reserve().unwrap());
    assert!(!log.release_reserve().unwrap(), "it is gone");
    let (_, mut writer) = log.reopen().unwrap();
    writer.append(0, 1, b"a record is missing").unwrap();
    writer.commit().unwrap();
    assert!(!log.fill_reserve().unwrap(), "still too full");
    storage.plan(|plan| plan.free_bytes = Some(1_000));
    assert!(log.fill_reserve().unwrap());
    assert_eq!(storage.image()["RESERVE"].len(), 200);
}

/// L6: too many open files when a segment is full.
#[test]
fn a_segment_that_cannot_be_made_stops_the_writer_and_is_made_after_reopening() {
    let storage = SimStorage::new();
    let (log, mut writer) = open(&storage);
    storage.plan(|plan| plan.fail_create = true);
    let error = (0..10)
        .find_map(|seq| {
            writer
                .append(0, 1, &payload(seq))
                .and_then(|_| writer.commit())
                .err()
        })
        .expect("a segment is full");
    let end = log.durable_end();
    let text = format!(
        "the log has stopped: cannot create `sim/{end:020}.log`: {}",
        std::io::Error::from_raw_os_error(24)
    );
    assert_eq!(error.to_string(), text);
    drop(writer);
    storage.plan(|plan| plan.fail_create = false);
    let (_, mut writer) = log.reopen().unwrap();
    writer.append(0, 1, &payload(end)).unwrap();
    writer.commit().unwrap();
    assert_holds(&log, end + 1);
}

#[test]
fn what_cannot_become_a_frame_is_refused_and_takes_no_number() {
    let (_log, mut writer) = open(&SimStorage::new());
    assert!(matches!(
        writer.append(0, 1, b""),
        Err(Error::PayloadSize { bytes: 0 })
    ));
    assert!(matches!(
        writer.append(0, 0, b"x"),
        Err(Error::FrameCount { count: 0 })
    ));
    let huge = vec![0; stock_up_log::MAX_PAYLOAD_BYTES as usize + 1];
    let error = writer.append(0, 1, &huge).expect_err("too large");
    assert_eq!(
        error.to_string(),
        "a payload of 16777217 bytes is not in 1..=16777216"
    );
    assert_eq!(writer.append(0, 3, &huge[1..]).unwrap(), 0);
    assert_eq!(
        writer.append(0, 1, &huge[1..]).unwrap(),
        3,
        "a full buffer commits itself"
    );
    assert_eq!(writer.commit().unwrap(), 4);
}
