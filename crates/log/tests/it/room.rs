//! Room: zeros behind the frames, so that a commit need not change the length of its file.

use stock_up_log::{CommitBounds, GroupCommit, Log, Options, Writer, verify_storage};

use crate::sim_storage::SimStorage;

const FIRST: &str = "00000000000000000000.log";
const ROOM: u64 = 1_000;
const HEADER: usize = 64;
/// A frame of `payload`.
const FRAME: usize = 32 + 68;

fn open(storage: &SimStorage) -> (Log, Writer) {
    let options = Options {
        reserve_bytes: 0,
        room_bytes: ROOM,
        segment_bytes: 3_000,
        ..Options::new([1; 16])
    };
    Log::open_storage(storage.shared(), options).unwrap()
}

fn payload(seq: u64) -> [u8; 68] {
    let mut payload = [0; 68];
    payload[0] = u8::try_from(seq).unwrap();
    payload
}

fn commit(writer: &mut Writer, seqs: std::ops::Range<u64>) {
    for seq in seqs {
        assert_eq!(writer.append(0, 1, &payload(seq)).unwrap(), seq);
        writer.commit().unwrap();
    }
}

#[track_caller]
fn assert_holds(log: &Log, end: u64) {
    let mut reader = log.reader(0).unwrap();
    for seq in 0..end {
        assert_eq!(reader.next_frame().unwrap().unwrap().payload, payload(seq));
    }
    assert_eq!(reader.next_frame().unwrap(), None);
}

fn size(storage: &SimStorage, name: &str) -> usize {
    storage.image()[name].len()
}

#[test]
fn commits_fill_the_room_before_the_file_grows_again() {
    let storage = SimStorage::new();
    let (log, mut writer) = open(&storage);
    commit(&mut writer, 0..1);
    let filled = HEADER + FRAME + 1_000;
    assert_eq!(size(&storage, FIRST), filled);
    commit(&mut writer, 1..11);
    assert_eq!(size(&storage, FIRST), filled, "ten frames fit");
    commit(&mut writer, 11..12);
    assert_eq!(size(&storage, FIRST), filled + FRAME + 1_000);
    assert_eq!(log.bytes(), (HEADER + 12 * FRAME) as u64, "frames alone");
    assert_holds(&log, 12);
}

#[test]
fn a_process_that_dies_leaves_room_which_is_no_torn_commit() {
    let storage = SimStorage::new();
    let (log, mut writer) = open(&storage);
    commit(&mut writer, 0..3);
    drop((log, writer));
    let left = storage.image();
    let report = verify_storage(&storage.shared()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.frames, report.torn_bytes), (3, 0));
    let read_only = Log::open_storage_read_only(storage.shared()).unwrap();
    assert_holds(&read_only, 3);
    assert_eq!(storage.image(), left, "reading changes nothing");

    let (log, mut writer) = open(&storage);
    assert_eq!(log.report().torn_bytes, 0);
    assert_eq!(size(&storage, FIRST), HEADER + 3 * FRAME, "cut");
    commit(&mut writer, 3..5);
    assert_holds(&log, 5);
}

#[test]
fn a_torn_commit_in_the_room_ends_where_the_zeros_begin() {
    let storage = SimStorage::new();
    let (_, mut writer) = open(&storage);
    commit(&mut writer, 0..3);
    let mut image = storage.image();
    let file = image.get_mut(FIRST).unwrap();
    file[HEADER + 3 * FRAME..][..40].fill(7);
    let storage = SimStorage::from_image(&image);
    assert_eq!(verify_storage(&storage.shared()).unwrap().torn_bytes, 40);
    let (log, _writer) = open(&storage);
    assert_eq!(log.report().torn_bytes, 40);
    assert_holds(&log, 3);
}

#[test]
fn a_sealed_segment_and_a_closed_log_end_with_their_frames() {
    let storage = SimStorage::new();
    let (log, mut writer) = open(&storage);
    commit(&mut writer, 0..31);
    let files: Vec<usize> = storage.image().values().map(Vec::len).collect();
    assert_eq!(files, [HEADER + 30 * FRAME, HEADER + FRAME + 1_000]);
    let commits = GroupCommit::start(writer, CommitBounds::default()).unwrap();
    commits.append(0, 1, &payload(31)).unwrap();
    commits.close().unwrap();
    let bytes: usize = storage.image().values().map(Vec::len).sum();
    assert_eq!(bytes as u64, log.bytes());
    assert_holds(&log, 32);
}

#[test]
fn a_device_without_space_for_room_still_takes_frames() {
    let storage = SimStorage::new();
    let (log, mut writer) = open(&storage);
    let free = 10 * FRAME as u64 + 10;
    storage.plan(|plan| plan.free_bytes = Some(free));
    commit(&mut writer, 0..10);
    writer.append(0, 1, &payload(10)).unwrap();
    assert!(writer.commit().expect_err("full").is_no_space());
    assert_holds(&log, 10);
}

#[test]
fn a_large_commit_makes_no_room() {
    let storage = SimStorage::new();
    let (_log, mut writer) = open(&storage);
    writer.append(0, 1, &[1; 600]).unwrap();
    writer.commit().unwrap();
    assert_eq!(size(&storage, FIRST), HEADER + 32 + 600);
}

/// A sync that failed may have lost that the zeros were cut off.
#[test]
fn zeros_behind_a_sealed_segment_are_passed_over_unless_frames_are_missing() {
    let storage = SimStorage::new();
    let (_, mut writer) = open(&storage);
    commit(&mut writer, 0..31);
    let mut image = storage.image();
    for room in [0, 1, 31, 32, 500] {
        let file = image.get_mut(FIRST).unwrap();
        file.resize(HEADER + 30 * FRAME + room, 0);
        let storage = SimStorage::from_image(&image);
        assert!(verify_storage(&storage.shared()).unwrap().is_sound());
        let (log, _writer) = open(&storage);
        assert_holds(&log, 31);
        let mut reader = log.reader(30).unwrap();
        assert_eq!(reader.next_frame().unwrap().unwrap().seq, 30);
    }
    let file = image.get_mut(FIRST).unwrap();
    file[HEADER + 29 * FRAME..].fill(0);
    let storage = SimStorage::from_image(&image);
    let report = verify_storage(&storage.shared()).unwrap();
    assert_eq!(report.damages.len(), 1, "{report:?}");
    let (log, _writer) = open(&storage);
    let mut reader = log.reader(29).unwrap();
    assert!(reader.next_frame().expect_err("missing").is_corrupt());
}
