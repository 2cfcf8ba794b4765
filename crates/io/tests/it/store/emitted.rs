//! Reading by emission number, and stores of an older format.

use std::fs::File;
use std::io::copy;
use std::ops::ControlFlow;

use stock_up_core::Span;
use stock_up_io::store::{FILE_NAME, PointRow, RetentionPolicy, SeriesFilter, Store, StoreReader};

use super::run::{Emitted, SECOND, commit_all, export, rows, run};

/// All points, page by page.
fn paged(reader: &StoreReader, from: u64, most: u64) -> Vec<PointRow> {
    let (mut found, mut next) = (Vec::new(), from);
    loop {
        let page = reader.emitted(next, most).unwrap();
        assert!(
            page.rows
                .iter()
                .all(|row| (next..page.next).contains(&row.emission))
        );
        if page.next == next {
            return found;
        }
        (found, next) = ([found, page.rows].concat(), page.next);
    }
}

fn stored(all: &[Emitted]) -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    commit_all(&mut store, all, 97);
    (dir, store)
}

#[test]
fn pages_of_any_size_from_any_number_give_every_point_once() {
    let all = run(3, 400);
    let (dir, mut store) = stored(&all);
    let reader = StoreReader::open(dir.path()).unwrap();
    let check = || {
        for (from, most) in [
            (0, 1_000_000),
            (0, 1),
            (5, 7),
            (96, 97),
            (97, 50),
            (1_234, 333),
        ] {
            let skip = usize::try_from(from).unwrap();
            assert_eq!(
                paged(&reader, from, most),
                rows(&all)[skip..],
                "{from} {most}"
            );
        }
        let end = all.len() as u64;
        assert_eq!(reader.emitted(end, 9).unwrap().next, end);
        assert_eq!(reader.emitted(end + 9, 9).unwrap().next, end + 9);
    };
    check();
    // Packed, a chunk holds many numbers that lie between those of others.
    while store
        .maintain(1_500 * SECOND, &RetentionPolicy::default())
        .unwrap()
        .packed
        > 0
    {}
    check();
}

#[test]
fn long_holes_are_stepped_over_at_once() {
    let all = run(1, 3_000);
    let (dir, mut store) = stored(&all);
    let policy = RetentionPolicy {
        full: Span::from_secs(600),
        coarse_step: Span::from_secs(600),
        coarse: Span::from_secs(1_000_000),
    };
    while store
        .maintain(3_000 * SECOND + 4_000 * SECOND, &policy)
        .unwrap()
        .thinned
        > 0
    {}
    let reader = StoreReader::open(dir.path()).unwrap();
    let expected = export(dir.path(), &SeriesFilter::default());
    assert!(expected.len() < all.len() / 2, "{}", expected.len());
    assert_eq!(paged(&reader, 0, 10), expected);
}

#[test]
fn a_store_of_format_1_is_brought_to_the_new_one_with_all_its_points() {
    let dir = tempfile::tempdir().unwrap();
    let packed = File::open("testdata/store/format-1.sqlite.gz").unwrap();
    let mut plain = File::create(dir.path().join(FILE_NAME)).unwrap();
    copy(&mut flate2::read::GzDecoder::new(packed), &mut plain).unwrap();
    // A reader needs nothing new.
    let before = export(dir.path(), &SeriesFilter::default());
    assert_eq!(before.len(), 282);
    let store = Store::open(dir.path()).unwrap();
    assert!(!store.is_new());
    assert_eq!(store.next_emission(), 282);
    assert!(store.checkpoint().unwrap().is_some());
    let reader = StoreReader::open(dir.path()).unwrap();
    assert_eq!(paged(&reader, 0, 50), before);
    let mut after = Vec::new();
    reader
        .export_series(&SeriesFilter::default(), |row| {
            after.push(row);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(after, before);
    drop(store);
    assert_eq!(Store::open(dir.path()).unwrap().next_emission(), 282);
}
