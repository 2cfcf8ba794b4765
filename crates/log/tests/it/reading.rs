//! Readers: positions, times, waiting, and what they may see.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stock_up_log::{Error, Log, Options, Writer};

use crate::rng::Rng;
use crate::sim_storage::SimStorage;

fn open(storage: &SimStorage, segment_bytes: u64) -> (Log, Writer) {
    let options = Options {
        reserve_bytes: 0,
        segment_bytes,
        ..Options::new([1; 16])
    };
    Log::open_storage(storage.shared(), options).unwrap()
}

/// `(seq, count, time)` of each frame; many frames in several segments with several index entries.
fn filled(writer: &mut Writer, frames: usize) -> Vec<(u64, u32, i64)> {
    let mut rng = Rng::new(7);
    let mut written = Vec::new();
    let mut time = 0;
    for _ in 0..frames {
        // Times step back now and then.
        time += 10 - 12 * i64::from(rng.one_in(5));
        let count = 1 + u32::try_from(rng.below(4)).unwrap();
        let length = 1 + rng.index(2_000);
        let seq = writer.append(time, count, &vec![1; length]).unwrap();
        written.push((seq, count, time));
        if rng.one_in(3) {
            writer.commit().unwrap();
        }
    }
    writer.commit().unwrap();
    written
}

#[test]
fn a_full_segment_takes_no_more_after_it_was_opened_again() {
    let storage = SimStorage::new();
    for session in 0..3 {
        let options = Options {
            reserve_bytes: 0,
            segment_bytes: 1,
            ..Options::new([1; 16])
        };
        let (_, mut writer) = Log::open_storage(storage.shared(), options).unwrap();
        writer.append(0, 1, b"one commit").unwrap();
        writer.commit().unwrap();
        assert_eq!(storage.image().len(), session + 1);
    }
}

#[test]
fn a_reader_begins_at_the_frame_that_holds_its_sequence_number() {
    let storage = SimStorage::new();
    let (log, mut writer) = open(&storage, 900_000);
    let written = filled(&mut writer, 3_000);
    drop(writer);
    let reopened = Log::open_storage_read_only(storage.shared()).unwrap();
    for log in [log, reopened] {
        assert!(log.report().segments >= 1);
        for (index, (seq, count, time)) in written.iter().enumerate().step_by(37) {
            for inside in *seq..seq + u64::from(*count) {
                let mut reader = log.reader(inside).unwrap();
                let frame = reader.next_frame().unwrap().unwrap();
                assert_eq!((frame.seq, frame.count, frame.time), (*seq, *count, *time));
                let next = reader.next_frame().unwrap().map(|frame| frame.seq);
                assert_eq!(next, written.get(index + 1).map(|next| next.0));
            }
        }
    }
}

#[test]
fn a_reader_by_time_begins_at_the_first_frame_with_that_time_or_later() {
    let storage = SimStorage::new();
    let (log, mut writer) = open(&storage, 900_000);
    let written = filled(&mut writer, 3_000);
    let reopened = Log::open_storage_read_only(storage.shared()).unwrap();
    let last = written.iter().map(|frame| frame.2).max().unwrap();
    for log in [log, reopened] {
        for time in (-10..last + 50)
            .step_by(113)
            .chain([i64::MIN, i64::MAX, last, last + 1])
        {
            let expected = written
                .iter()
                .find(|frame| frame.2 >= time)
                .map(|frame| frame.0);
            let mut reader = log.reader_at_time(time).unwrap();
            let found = reader.next_frame().unwrap().map(|frame| frame.seq);
            assert_eq!(found, expected, "time {time}");
        }
    }
}

#[test]
fn nothing_is_seen_before_it_is_committed() {
    let (log, mut writer) = open(&SimStorage::new(), 1 << 20);
    let mut reader = log.reader(0).unwrap();
    assert_eq!(reader.next_frame().unwrap(), None);
    writer.append(0, 2, b"a").unwrap();
    assert_eq!(reader.next_frame().unwrap(), None);
    assert_eq!(log.durable_end(), 0);
    writer.commit().unwrap();
    assert_eq!(reader.next_frame().unwrap().unwrap().seq, 0);
    assert_eq!(reader.next_frame().unwrap(), None);
    assert_eq!((reader.seq(), log.durable_end()), (2, 2));
}

#[test]
fn a_reader_beyond_the_end_waits_for_its_frame() {
    let (log, mut writer) = open(&SimStorage::new(), 1 << 20);
    let mut reader = log.reader(5).unwrap();
    writer.append(0, 4, b"before").unwrap();
    writer.commit().unwrap();
    assert_eq!(reader.next_frame().unwrap(), None);
    writer.append(0, 4, b"holds it").unwrap();
    writer.commit().unwrap();
    assert_eq!(reader.next_frame().unwrap().unwrap().seq, 4);
}

#[test]
fn waiting_ends_with_the_commit_the_deadline_or_the_writer() {
    let moved = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&moved);
    let options = Options {
        on_durable: Some(Arc::new(move |end| seen.store(end, Ordering::SeqCst))),
        ..Options::new([1; 16])
    };
    let (log, mut writer) = Log::open_storage(SimStorage::new().shared(), options).unwrap();
    assert_eq!(log.wait_for(0, Duration::ZERO).unwrap(), 0, "the deadline");
    let waiting = {
        let log = log.clone();
        std::thread::spawn(move || log.wait_for(1, Duration::MAX))
    };
    writer.append(0, 1, b"a").unwrap();
    writer.commit().unwrap();
    assert_eq!(moved.load(Ordering::SeqCst), 1);
    writer.append(0, 1, b"b").unwrap();
    writer.commit().unwrap();
    assert_eq!(waiting.join().unwrap().unwrap(), 2);
    let waiting = {
        let log = log.clone();
        std::thread::spawn(move || log.wait_for(2, Duration::MAX))
    };
    drop(writer);
    assert!(matches!(waiting.join().unwrap(), Err(Error::Closed)));
    assert_eq!(
        log.wait_for(1, Duration::MAX).unwrap(),
        2,
        "what is there is there"
    );
}

#[test]
fn an_empty_or_missing_log_reads_as_empty() {
    let storage = SimStorage::new();
    let log = Log::open_storage_read_only(storage.shared()).unwrap();
    assert_eq!((log.first_seq(), log.durable_end(), log.bytes()), (0, 0, 0));
    assert_eq!(log.reader(0).unwrap().next_frame().unwrap(), None);
    assert_eq!(log.reader_at_time(0).unwrap().next_frame().unwrap(), None);
    let (log, _writer) = open(&storage, 100);
    assert_eq!(log.reader_at_time(0).unwrap().next_frame().unwrap(), None);
    assert!(
        log.retain(&stock_up_log::Retention::default())
            .is_ok_and(|removed| removed.segments == 0)
    );
}
