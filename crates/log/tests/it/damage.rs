//! Damaged files: cut at every byte, flipped at every bit, spliced and gone.

use std::path::PathBuf;

use stock_up_log::{Damage, Error, Log, Options, Writer, verify_storage};

use crate::sim_storage::{Image, SimStorage};

const FIRST: &str = "00000000000000000000.log";
const HEADER: usize = 64;

fn payload(index: u64) -> Vec<u8> {
    format!(
        "record {index} {}",
        "x".repeat(usize::try_from(index).unwrap() * 3)
    )
    .into_bytes()
}

/// A log of `frames` frames with one sequence number each, and where each ends in the file.
fn built(frames: u64, commit: impl Fn(&mut Writer)) -> (Image, Vec<usize>) {
    let storage = SimStorage::new();
    let options = Options {
        reserve_bytes: 0,
        ..Options::new([1; 16])
    };
    let (log, mut writer) = Log::open_storage(storage.shared(), options).unwrap();
    let mut ends = vec![HEADER];
    for index in 0..frames {
        writer.append(0, 1, &payload(index)).unwrap();
        ends.push(ends.last().unwrap() + 32 + payload(index).len());
        commit(&mut writer);
    }
    writer.commit().unwrap();
    assert_eq!(log.bytes(), *ends.last().unwrap() as u64);
    (storage.image(), ends)
}

fn commit_each(writer: &mut Writer) {
    writer.commit().unwrap();
}

fn open(storage: &SimStorage) -> Result<(Log, Writer), Error> {
    let options = Options {
        reserve_bytes: 0,
        segment_bytes: 400,
        ..Options::new([9; 16])
    };
    Log::open_storage(storage.shared(), options)
}

/// The log holds the first `frames` frames and nothing else.
#[track_caller]
fn assert_holds(log: &Log, frames: u64) {
    let mut reader = log.reader(0).unwrap();
    for index in 0..frames {
        let frame = reader.next_frame().unwrap().expect("a frame is missing");
        assert_eq!((frame.seq, frame.payload), (index, &payload(index)[..]));
    }
    assert_eq!(reader.next_frame().unwrap(), None);
    assert_eq!(log.durable_end(), frames);
}

#[track_caller]
fn assert_corrupt(error: &Error, offset: usize) -> Damage {
    let Error::Corrupt {
        segment,
        offset: found,
        damage,
    } = error
    else {
        panic!("not corruption: {error}");
    };
    assert_eq!(
        (segment, *found),
        (&PathBuf::from("sim").join(FIRST), offset as u64)
    );
    *damage
}

/// L2: whatever the place of the cut, the last whole frame is kept and appending goes on.
#[track_caller]
fn cut_everywhere(image: &Image, ends: &[usize], frames: u64) {
    for cut in ends[ends.len() - 4]..=*ends.last().unwrap() {
        let mut image = image.clone();
        image.get_mut(FIRST).unwrap().truncate(cut);
        let storage = SimStorage::from_image(&image);
        let whole = ends.iter().filter(|end| **end <= cut).count() as u64 - 1;
        let torn = cut - ends[usize::try_from(whole).unwrap()];

        let report = verify_storage(&storage.shared()).unwrap();
        assert!(report.is_sound(), "{report:?}");
        assert_eq!((report.frames, report.torn_bytes), (whole, torn as u64));
        let read_only = Log::open_storage_read_only(storage.shared()).unwrap();
        assert_holds(&read_only, whole);
        assert_eq!(storage.image(), image, "reading changes nothing");

        let (log, mut writer) = open(&storage).unwrap();
        assert_eq!(log.report().torn_bytes, torn as u64);
        assert_holds(&log, whole);
        for index in whole..frames + 2 {
            writer.append(0, 1, &payload(index)).unwrap();
        }
        writer.commit().unwrap();
        assert_holds(&log, frames + 2);
    }
}

#[test]
fn a_file_cut_at_any_byte_keeps_its_whole_frames() {
    let (image, ends) = built(5, commit_each);
    cut_everywhere(&image, &ends, 5);
    let (image, ends) = built(5, |_| ());
    cut_everywhere(&image, &ends, 5);
}

#[test]
fn a_file_cut_inside_its_header_is_an_unfinished_segment() {
    let (image, _) = built(0, commit_each);
    for cut in 0..HEADER {
        let mut image = image.clone();
        image.get_mut(FIRST).unwrap().truncate(cut);
        let storage = SimStorage::from_image(&image);
        assert!(verify_storage(&storage.shared()).unwrap().is_sound());
        let (log, _writer) = open(&storage).unwrap();
        assert_eq!(log.report().torn_segment.as_deref(), Some(FIRST));
        assert_eq!(log.source(), [9; 16], "it is a new log");
    }
}

#[test]
fn every_flipped_bit_is_refused_or_cut_and_never_read() {
    let (image, ends) = built(3, commit_each);
    for bit in 0..ends[3] * 8 {
        let mut image = image.clone();
        image.get_mut(FIRST).unwrap()[bit / 8] ^= 1 << (bit % 8);
        let storage = SimStorage::from_image(&image);
        let report = verify_storage(&storage.shared()).unwrap();
        let frame = ends.iter().filter(|end| **end <= bit / 8).count();
        let opened = open(&storage);
        if frame == 3 {
            // The last commit may have been cut off at any place.
            let (log, _writer) = opened.unwrap();
            assert_holds(&log, 2);
            assert_eq!(log.report().torn_bytes, (ends[3] - ends[2]) as u64);
            assert!(report.is_sound());
            continue;
        }
        let offset = if frame == 0 { 0 } else { ends[frame - 1] };
        assert_corrupt(&opened.expect_err("refused"), offset);
        assert_eq!(report.damages.len(), 1, "{report:?}");
        assert_eq!(report.damages[0].offset, offset as u64);
        assert_eq!(storage.image(), image, "what is refused is not touched");
    }
}

#[test]
fn the_message_of_corruption_names_file_offset_and_both_checksums() {
    let (mut image, ends) = built(3, commit_each);
    image.get_mut(FIRST).unwrap()[ends[1] + 40] ^= 1;
    let error = open(&SimStorage::from_image(&image)).expect_err("refused");
    let Damage::Checksum { found, expected } = assert_corrupt(&error, ends[1]) else {
        panic!("{error}");
    };
    let text = format!(
        "segment `sim/{FIRST}` is corrupt at offset {}: checksum {found:#010x} expected \
         {expected:#010x}",
        ends[1]
    );
    assert_eq!(error.to_string(), text);
}

/// Zeros in front of sound frames: torn if one commit, corruption if later commits built on it.
#[test]
fn a_hole_of_zeros_is_torn_within_the_last_commit_and_corruption_before_it() {
    let zero_second = |mut image: Image, ends: &[usize]| {
        image.get_mut(FIRST).unwrap()[ends[1]..ends[2]].fill(0);
        SimStorage::from_image(&image)
    };
    let (image, ends) = built(4, commit_each);
    let error = open(&zero_second(image, &ends)).expect_err("refused");
    assert_eq!(assert_corrupt(&error, ends[1]), Damage::Length { found: 0 });

    let (image, ends) = built(4, |_| ());
    let (log, _writer) = open(&zero_second(image, &ends)).unwrap();
    assert_holds(&log, 1);
    assert_eq!(log.report().torn_bytes, (ends[4] - ends[1]) as u64);
}

#[test]
fn a_sound_frame_in_the_wrong_place_is_refused() {
    let (mut image, ends) = built(3, commit_each);
    let file = image.get_mut(FIRST).unwrap();
    file.drain(ends[1]..ends[2]);
    let error = open(&SimStorage::from_image(&image)).expect_err("refused");
    let damage = assert_corrupt(&error, ends[1]);
    assert_eq!(
        damage,
        Damage::Sequence {
            found: 2,
            expected: 1
        }
    );
}

/// Payloads may hold anything, also the bytes of another log.
#[test]
fn frames_of_another_log_inside_a_torn_payload_are_not_taken_for_frames() {
    let (other, _) = built(3, commit_each);
    let storage = SimStorage::new();
    let (_, mut writer) = open(&storage).unwrap();
    writer.append(0, 1, &payload(0)).unwrap();
    writer.commit().unwrap();
    let torn_at = storage.image()[FIRST].len();
    writer.append(0, 1, &other[FIRST]).unwrap();
    writer.commit().unwrap();
    let mut image = storage.image();
    image.get_mut(FIRST).unwrap()[torn_at] ^= 1;
    let (log, _writer) = open(&SimStorage::from_image(&image)).unwrap();
    assert_holds(&log, 1);
}

/// Sealed segments are read without a scan at opening, so reading and `verify` find the damage.
#[test]
fn damage_in_a_sealed_segment_is_found_by_reading_and_by_verify() {
    let storage = SimStorage::new();
    let (log, mut writer) = open(&storage).unwrap();
    for index in 0..20 {
        writer.append(0, 1, &payload(index)).unwrap();
        writer.commit().unwrap();
    }
    drop((log, writer));
    let image = storage.image();
    assert!(image.len() > 2, "several segments");

    let mut flipped = image.clone();
    flipped.get_mut(FIRST).unwrap()[HEADER + 5] ^= 4;
    check_sealed(&SimStorage::from_image(&flipped), HEADER);

    let mut cut = image.clone();
    let file = cut.get_mut(FIRST).unwrap();
    file.truncate(file.len() - 1);
    check_sealed(&SimStorage::from_image(&cut), 0);

    let mut missing = image.clone();
    let second = image.keys().nth(1).unwrap();
    missing.remove(second);
    check_sealed(&SimStorage::from_image(&missing), 0);
}

#[track_caller]
fn check_sealed(storage: &SimStorage, damaged_at: usize) {
    let report = verify_storage(&storage.shared()).unwrap();
    assert!(!report.is_sound());
    let found = report
        .damages
        .iter()
        .any(|at| at.offset == damaged_at as u64 || damaged_at == 0);
    assert!(found, "{report:?}");
    let (log, _writer) = open(storage).unwrap();
    let mut reader = log.reader(0).unwrap();
    let mut index = 0;
    let error = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => assert_eq!(frame.payload, payload(index)),
            Ok(None) => panic!("the damage was passed over"),
            Err(error) => break error,
        }
        index += 1;
    };
    assert!(error.is_corrupt(), "{error}");
    assert!(reader.next_frame().expect_err("stays").is_corrupt());
}

#[test]
fn a_segment_of_another_log_is_refused() {
    let (image, _) = built(3, commit_each);
    let storage = SimStorage::new();
    let (_, mut writer) = open(&storage).unwrap();
    for index in 0..20 {
        writer.append(0, 1, &payload(index)).unwrap();
        writer.commit().unwrap();
    }
    let mut mixed = storage.image();
    mixed.insert(FIRST.to_owned(), image[FIRST].clone());
    let storage = SimStorage::from_image(&mixed);
    let error = open(&storage).expect_err("refused");
    assert!(
        error
            .to_string()
            .ends_with("source id differs from that of the other segments")
    );
    assert!(!verify_storage(&storage.shared()).unwrap().is_sound());
}

#[test]
fn a_segment_under_another_name_is_refused() {
    let (mut image, _) = built(3, commit_each);
    let bytes = image.remove(FIRST).unwrap();
    image.insert("00000000000000000007.log".to_owned(), bytes);
    let error = open(&SimStorage::from_image(&image)).expect_err("refused");
    let text = "header says first sequence number 0, file name 7";
    assert!(error.to_string().ends_with(text), "{error}");
}
