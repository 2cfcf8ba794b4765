//! Files of every released format version are read by this release, and newer ones are refused.
//!
//! `STOCK_UP_WRITE_FIXTURES=1` writes the files of the newest version anew; commit them only
//! together with a new version.

use std::path::{Path, PathBuf};

use stock_up_log::{FORMAT_VERSION, Log, Options, verify, verify_storage};

use crate::sim_storage::{Image, SimStorage};

fn folder(version: u32) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(format!("testdata/formats/log/v{version}"))
}

/// `(time, count, payload)` of all frames; commits end after the second, third and fifth.
const FRAMES: [(i64, u32, &[u8]); 5] = [
    (1_700_000_000_000_000_000, 1, b"one"),
    (1_700_000_000_000_000_001, 3, b"two, three and four"),
    (-1, 1, &[0xff; 40]),
    (1_700_000_001_000_000_000, 1, b"in the second segment"),
    (i64::MAX, 2, &[0]),
];

fn written() -> Image {
    let storage = SimStorage::new();
    let options = Options {
        segment_bytes: 200,
        reserve_bytes: 0,
        ..Options::new(*b"fixture source 1")
    };
    let (_log, mut writer) = Log::open_storage(storage.shared(), options).unwrap();
    for (index, (time, count, payload)) in FRAMES.iter().enumerate() {
        writer.append(*time, *count, payload).unwrap();
        if [1, 2, 4].contains(&index) {
            writer.commit().unwrap();
        }
    }
    storage.image()
}

#[test]
fn version_1_is_read() {
    let log = Log::open_read_only(folder(1)).unwrap();
    assert_eq!(log.source(), *b"fixture source 1");
    let mut reader = log.reader(0).unwrap();
    for expected in FRAMES {
        let frame = reader.next_frame().unwrap().unwrap();
        assert_eq!((frame.time, frame.count, frame.payload), expected);
    }
    assert_eq!(reader.seq(), 8);
    let report = verify(folder(1)).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.segments, report.frames, report.records), (2, 5, 8));
}

#[test]
fn the_newest_version_is_written_byte_for_byte() {
    let written = written();
    let folder = folder(FORMAT_VERSION);
    if std::env::var_os("STOCK_UP_WRITE_FIXTURES").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in &written {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
    assert_eq!(written.len(), 2);
    for (name, bytes) in &written {
        assert_eq!(&std::fs::read(folder.join(name)).unwrap(), bytes, "{name}");
    }
}

/// The bytes as docs/formats/log.md has them, put together without the codec.
#[test]
fn the_first_segment_is_as_documented() {
    let mut header = Vec::new();
    header.extend(b"STKUPLOG");
    header.extend(1u32.to_le_bytes());
    header.extend([0; 4]);
    header.extend(b"fixture source 1");
    header.extend(0u64.to_le_bytes());
    header.extend(i64::MIN.to_le_bytes());
    header.extend([0; 12]);
    let seed = crc32c::crc32c(&header);
    header.extend(seed.to_le_bytes());

    let mut expected = header;
    let mut seq = 0u64;
    // Distances from the start of the commit: the second frame follows the first in one commit.
    for ((time, count, payload), back) in FRAMES[..3].iter().zip([0u32, 32 + 3, 0]) {
        let mut covered = Vec::new();
        covered.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
        covered.extend(seq.to_le_bytes());
        covered.extend(time.to_le_bytes());
        covered.extend(count.to_le_bytes());
        covered.extend(back.to_le_bytes());
        covered.extend(*payload);
        expected.extend(crc32c::crc32c_append(seed, &covered).to_le_bytes());
        expected.extend(covered);
        seq += u64::from(*count);
    }
    let file = std::fs::read(folder(1).join("00000000000000000000.log")).unwrap();
    assert_eq!(file, expected);
    assert!(folder(1).join("00000000000000000005.log").exists());
}

/// L8.
#[test]
fn a_newer_format_is_refused_by_number_and_left_alone() {
    let mut image = written();
    let file = image.get_mut("00000000000000000005.log").unwrap();
    file[8..12].copy_from_slice(&3u32.to_le_bytes());
    let crc = crc32c::crc32c(&file[..60]);
    file[60..64].copy_from_slice(&crc.to_le_bytes());
    let storage = SimStorage::from_image(&image);
    let text = "segment `sim/00000000000000000005.log`: format 3 is newer than supported 1; \
                upgrade stock-up";
    let options = Options::new([0; 16]);
    let opened = Log::open_storage(storage.shared(), options).expect_err("refused");
    assert_eq!(opened.to_string(), text);
    let read = Log::open_storage_read_only(storage.shared()).expect_err("refused");
    assert_eq!(read.to_string(), text);
    assert_eq!(
        verify_storage(&storage.shared())
            .expect_err("refused")
            .to_string(),
        text
    );
    assert_eq!(storage.image(), image);
}
