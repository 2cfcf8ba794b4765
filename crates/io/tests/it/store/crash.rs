//! Crashes and damage: what is read afterwards is what an uninterrupted run had at that position.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use rusqlite::Connection;
use stock_up_io::store::{
    Damage, FILE_NAME, RetentionPolicy, SeriesFilter, Store, StoreError, StoreReader,
};

use super::run::{SECOND, commit, commit_all, export, rows, run};

fn raw(dir: &Path) -> Connection {
    Connection::open(dir.join(FILE_NAME)).unwrap()
}

/// The newest commits are in the write-ahead log; a crash may cut it anywhere. Whatever is left,
/// the points are exactly those of the checkpoint that is left with them.
#[test]
fn a_log_of_sqlite_that_is_cut_anywhere_gives_a_whole_commit() {
    let all = run(3, 30);
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    commit_all(&mut store, &all, 20);
    let main = fs::read(dir.path().join(FILE_NAME)).unwrap();
    let wal = fs::read(dir.path().join(format!("{FILE_NAME}-wal"))).unwrap();
    assert!(wal.len() > 50_000, "{}", wal.len());
    let mut positions = std::collections::BTreeSet::new();
    for cut in (0..wal.len()).step_by(1_733).chain([wal.len()]) {
        let copy = tempfile::tempdir().unwrap();
        fs::write(copy.path().join(FILE_NAME), &main).unwrap();
        fs::write(copy.path().join(format!("{FILE_NAME}-wal")), &wal[..cut]).unwrap();
        let mut store = Store::open(copy.path()).unwrap();
        let position = store
            .checkpoint()
            .unwrap()
            .map_or(0, |found| found.position);
        let position = usize::try_from(position).unwrap();
        positions.insert(position);
        assert_eq!(store.next_emission(), position as u64);
        let filter = SeriesFilter::default();
        assert_eq!(
            export(copy.path(), &filter),
            rows(&all[..position]),
            "cut at {cut}"
        );
        commit(&mut store, &all, position, all.len());
        assert_eq!(export(copy.path(), &filter), rows(&all), "cut at {cut}");
    }
    assert!(
        positions.len() > 5 && positions.contains(&all.len()),
        "{positions:?}"
    );
}

#[test]
fn a_transaction_without_its_commit_leaves_nothing() {
    let all = run(2, 20);
    let dir = tempfile::tempdir().unwrap();
    commit(&mut Store::open(dir.path()).unwrap(), &all, 0, 30);
    let cut_off = raw(dir.path());
    cut_off
        .execute_batch("BEGIN; DELETE FROM chunk; DELETE FROM checkpoint;")
        .unwrap();
    drop(cut_off);
    let store = Store::open(dir.path()).unwrap();
    assert!(!store.is_new());
    assert_eq!(store.checkpoint().unwrap().unwrap().position, 30);
    assert_eq!(
        export(dir.path(), &SeriesFilter::default()),
        rows(&all[..30])
    );
}

fn damaged(damage: impl Fn(&Connection)) -> (tempfile::TempDir, Vec<super::run::Emitted>) {
    let all = run(2, 30);
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    for (done, upto) in [(0, 20), (20, 50), (50, 90)] {
        commit(&mut store, &all, done, upto);
    }
    drop(store);
    damage(&raw(dir.path()));
    (dir, all)
}

/// Falls back to the generation before, emits again from there, and ends up as if nothing had been.
fn falls_back(damage: impl Fn(&Connection)) {
    let (dir, all) = damaged(damage);
    let mut store = Store::open(dir.path()).unwrap();
    let checkpoint = store.checkpoint().unwrap().unwrap();
    assert!(checkpoint.fell_back);
    assert_eq!((checkpoint.position, checkpoint.next_emission), (50, 50));
    assert_eq!(checkpoint.state, b"state at 50");
    assert_eq!(store.next_emission(), 90);
    commit(&mut store, &all, 50, 70);
    assert_eq!(store.next_emission(), 90);
    assert_eq!(store.checkpoint().unwrap().unwrap().position, 70);
    commit(&mut store, &all, 70, all.len());
    assert_eq!(export(dir.path(), &SeriesFilter::default()), rows(&all));
}

const NEWEST: &str = "WHERE generation = (SELECT max(generation) FROM checkpoint)";

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before() {
    for cut in 0..b"state at 90".len() {
        falls_back(|raw| {
            let sql = format!("UPDATE checkpoint SET body = substr(body, 1, {cut}) {NEWEST}");
            raw.execute_batch(&sql).unwrap();
        });
    }
    for change in [
        "body = randomblob(100)",
        "body = zeroblob(11)",
        "crc = crc + 1",
        "position = 91",
        "next_emission = 91",
    ] {
        falls_back(|raw| {
            raw.execute_batch(&format!("UPDATE checkpoint SET {change} {NEWEST}"))
                .unwrap();
        });
    }
}

/// After falling back, the damaged generation must not count as one of the two that are kept.
#[test]
fn a_damaged_generation_is_not_kept_in_place_of_a_whole_one() {
    let (dir, all) = damaged(|raw| {
        raw.execute_batch(&format!("UPDATE checkpoint SET crc = crc + 1 {NEWEST}"))
            .unwrap();
    });
    let mut store = Store::open(dir.path()).unwrap();
    commit(&mut store, &all, 50, all.len());
    raw(dir.path())
        .execute_batch(&format!("UPDATE checkpoint SET crc = crc + 1 {NEWEST}"))
        .unwrap();
    let checkpoint = store.checkpoint().unwrap().unwrap();
    assert_eq!((checkpoint.position, checkpoint.fell_back), (50, true));
}

#[test]
fn without_any_whole_checkpoint_the_store_says_what_to_do() {
    let (dir, _) = damaged(|raw| {
        raw.execute_batch("UPDATE checkpoint SET crc = 0").unwrap();
    });
    let error = Store::open(dir.path()).unwrap().checkpoint().unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        cause,
        "no checkpoint is whole (2 stored); rebuild the store from the log, which holds everything"
    );
    let report = StoreReader::open(dir.path()).unwrap().verify().unwrap();
    assert_eq!(report.problems, [cause]);
}

#[test]
fn a_damaged_chunk_is_told_and_never_read_as_points() {
    let (dir, all) = damaged(|raw| {
        raw.execute_batch("UPDATE chunk SET body = zeroblob(length(body)) WHERE id = 20")
            .unwrap();
    });
    let reader = StoreReader::open(dir.path()).unwrap();
    let read = reader.export_series(&SeriesFilter::default(), |_| {
        std::ops::ControlFlow::Continue(())
    });
    let error = read.unwrap_err();
    let StoreError::Damaged {
        source: Damage::Checksum { id: 20, .. },
        ..
    } = &error
    else {
        panic!("{error}");
    };
    let report = reader.verify().unwrap();
    assert_eq!(report.problems.len(), 1, "{report:?}");
    assert!(
        report.problems[0].starts_with("chunk 20 has checksum"),
        "{report:?}"
    );
    assert!(report.points < all.len() as u64);
}

#[test]
fn a_sound_store_has_no_problems() {
    let (dir, _) = damaged(|_| {});
    let report = StoreReader::open(dir.path()).unwrap().verify().unwrap();
    assert_eq!(report.problems, [""; 0]);
    assert_eq!(report.points, 90);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is committed when, and however often the process dies and goes on from an older
    /// checkpoint, the store is that of an uninterrupted run.
    #[test]
    fn restarts_change_nothing(
        steps in proptest::collection::vec((1..60_usize, any::<bool>(), any::<bool>()), 1..20),
    ) {
        let all = run(2, 40);
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let mut done = 0;
        for (size, dies, damages) in steps {
            let upto = (done + size).min(all.len());
            commit(&mut store, &all, done, upto);
            let now = i64::try_from(upto).unwrap() * SECOND;
            store.maintain(now, &RetentionPolicy::default()).unwrap();
            done = upto;
            if dies {
                drop(store);
                if damages {
                    let sql = format!("UPDATE checkpoint SET crc = crc + 1 {NEWEST} AND generation > 1");
                    raw(dir.path()).execute_batch(&sql).unwrap();
                }
                store = Store::open(dir.path()).unwrap();
                let position = store.checkpoint().unwrap().unwrap().position;
                done = usize::try_from(position).unwrap();
            }
        }
        commit(&mut store, &all, done, all.len());
        prop_assert_eq!(export(dir.path(), &SeriesFilter::default()), rows(&all));
    }
}
