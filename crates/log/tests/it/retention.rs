//! Retention by size and by age, and the readers beside it.

use stock_up_log::{Error, Log, Options, Removed, Retention, Writer};

use crate::sim_storage::SimStorage;

/// One frame to a segment: sequence number `n` has time `10 n`.
fn ten_segments(storage: &SimStorage) -> (Log, Writer) {
    let options = Options {
        reserve_bytes: 0,
        segment_bytes: 1,
        ..Options::new([1; 16])
    };
    let (log, mut writer) = Log::open_storage(storage.shared(), options).unwrap();
    for seq in 0..10 {
        writer.append(seq * 10, 1, b"payload.").unwrap();
        writer.commit().unwrap();
    }
    assert_eq!(storage.image().len(), 10);
    (log, writer)
}

const SEGMENT: u64 = 64 + 32 + 8;

#[test]
fn by_size_the_oldest_go_until_the_rest_fits() {
    let storage = SimStorage::new();
    let (log, _writer) = ten_segments(&storage);
    let keep = Retention {
        max_bytes: Some(SEGMENT * 4 + 1),
        min_time: None,
    };
    let removed = log.retain(&keep).unwrap();
    assert_eq!(
        removed,
        Removed {
            segments: 6,
            bytes: 6 * SEGMENT,
            first_seq: 6
        }
    );
    assert_eq!((log.first_seq(), log.bytes()), (6, 4 * SEGMENT));
    assert_eq!(storage.image().len(), 4);
}

#[test]
fn by_age_a_segment_goes_when_all_of_it_is_too_old() {
    let storage = SimStorage::new();
    let (log, _writer) = ten_segments(&storage);
    let keep = |time| Retention {
        max_bytes: None,
        min_time: Some(time),
    };
    assert_eq!(log.retain(&keep(0)).unwrap().segments, 0);
    assert_eq!(log.retain(&keep(30)).unwrap().first_seq, 3);
    assert_eq!(log.retain(&keep(31)).unwrap().first_seq, 4);
}

#[test]
fn the_segment_being_written_never_goes() {
    let storage = SimStorage::new();
    let (log, mut writer) = ten_segments(&storage);
    let all = Retention {
        max_bytes: Some(0),
        min_time: Some(i64::MAX),
    };
    assert_eq!(log.retain(&all).unwrap().first_seq, 9);
    writer.append(0, 1, b"x").unwrap();
    writer.commit().unwrap();
    drop((log, writer));
    let log = Log::open_storage_read_only(storage.shared()).unwrap();
    assert_eq!((log.first_seq(), log.durable_end()), (9, 11));
    assert_eq!(
        log.report().last_time,
        90,
        "the greatest time outlives its frame's segment"
    );
}

#[test]
fn a_reader_goes_on_unless_its_own_place_is_gone() {
    let (log, mut writer) = ten_segments(&SimStorage::new());
    let mut ahead = log.reader(0).unwrap();
    let mut behind = log.reader(0).unwrap();
    for _ in 0..6 {
        ahead.next_frame().unwrap().unwrap();
    }
    behind.next_frame().unwrap().unwrap();
    log.retain(&Retention {
        max_bytes: Some(SEGMENT * 4),
        min_time: None,
    })
    .unwrap();
    assert_eq!(ahead.next_frame().unwrap().unwrap().seq, 6);
    assert!(matches!(
        behind.next_frame(),
        Err(Error::Gone { seq: 1, first: 6 })
    ));
    let error = log.reader(5).expect_err("gone");
    assert_eq!(
        error.to_string(),
        "sequence number 5 is gone, the log begins at 6"
    );
    assert_eq!(
        log.reader_at_time(0)
            .unwrap()
            .next_frame()
            .unwrap()
            .unwrap()
            .seq,
        6
    );
    // Its segment goes while it stands at the segment's end.
    writer.append(0, 1, b"more").unwrap();
    writer.commit().unwrap();
    log.retain(&Retention {
        max_bytes: Some(SEGMENT * 3),
        min_time: None,
    })
    .unwrap();
    assert_eq!(log.first_seq(), 8);
    assert!(matches!(
        ahead.next_frame(),
        Err(Error::Gone { seq: 7, first: 8 })
    ));
}

#[test]
fn only_the_writing_process_removes() {
    let storage = SimStorage::new();
    let (log, writer) = ten_segments(&storage);
    drop(writer);
    let all = Retention {
        max_bytes: Some(0),
        min_time: None,
    };
    assert!(matches!(log.retain(&all), Err(Error::Closed)));
    let log = Log::open_storage_read_only(storage.shared()).unwrap();
    assert!(matches!(log.retain(&all), Err(Error::Closed)));
}

#[test]
fn after_a_removal_that_failed_every_commit_says_that_the_log_has_stopped() {
    let storage = SimStorage::new();
    let (log, mut writer) = ten_segments(&storage);
    writer.append(0, 1, b"not written").unwrap();
    storage.plan(|plan| plan.crash_after = Some(1));
    let all = Retention {
        max_bytes: Some(0),
        min_time: None,
    };
    let error = log.retain(&all).expect_err("the power is off");
    for _ in 0..2 {
        let again = writer.commit().expect_err("stopped");
        assert_eq!(again.to_string(), error.to_string());
    }
    assert_eq!(log.durable_end(), 10);
}
