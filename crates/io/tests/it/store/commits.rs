//! What one commit saves, refuses, and how it fails.

use stock_up_core::GapCause;
use stock_up_io::store::{
    Commit, Gap, GapFilter, GapState, NewPoint, Progress, SeriesFilter, Store, StoreError,
    StoreReader,
};

use super::run::{SECOND, commit, commit_all, export, point, rows, run};

fn gap(id: u64, from: i64, to: Option<i64>, symbols: &[&str]) -> Gap {
    Gap {
        id,
        from,
        to,
        symbols: symbols.iter().map(|&symbol| symbol.to_owned()).collect(),
        cause: GapCause::Silent,
        state: if to.is_some() {
            GapState::GivenUp
        } else {
            GapState::Open
        },
    }
}

fn commit_gaps(store: &mut Store, gaps: &[Gap]) {
    let commit = Commit {
        gaps,
        progress: None,
        ..Commit::default()
    };
    store.commit(&commit).unwrap();
}

#[test]
fn gaps_open_close_and_are_found_by_time_and_symbol() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let early = gap(1, 10, Some(20), &["SPY", "<b>"]);
    let all = gap(2, 30, None, &[]);
    commit_gaps(
        &mut store,
        &[gap(1, 10, None, &["SPY", "<b>"]), all.clone()],
    );
    commit_gaps(&mut store, std::slice::from_ref(&early));
    commit_gaps(&mut store, std::slice::from_ref(&early));
    let reader = StoreReader::open(dir.path()).unwrap();
    let check = |symbol: Option<&str>, from: i64, to: i64, expected: &[&Gap]| {
        let filter = GapFilter {
            symbol,
            from: Some(from),
            to: Some(to),
        };
        let found = reader.gaps(&filter).unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    };
    check(None, 0, 100, &[&early, &all]);
    check(Some("<b>"), 0, 100, &[&early, &all]);
    check(Some("IBM"), 0, 100, &[&all]);
    check(None, 21, 100, &[&all]);
    check(None, 20, 29, &[&early]);
    check(None, 0, 9, &[]);
}

#[test]
fn a_point_that_is_left_out_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let all = run(1, 10);
    commit(&mut store, &all, 0, 5);
    let point = point(60, SECOND, 0, 1);
    let points = [NewPoint {
        emission: 6,
        symbol: "NEW",
        point: &point,
    }];
    let progress = Progress {
        position: 7,
        state: b"",
        points: &points,
        next_emission: 7,
    };
    let refused = store.commit(&Commit {
        gaps: &[gap(1, 1, None, &[])],
        progress: Some(progress),
        ..Commit::default()
    });
    let refused = refused.unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Hole {
                expected: 5,
                found: 6,
                ..
            }
        ),
        "{refused}"
    );
    let reader = StoreReader::open(dir.path()).unwrap();
    assert_eq!(reader.gaps(&GapFilter::default()).unwrap(), []);
    assert_eq!(reader.checkpoint().unwrap().unwrap().position, 5);
    commit(&mut store, &all, 5, all.len());
    assert_eq!(export(dir.path(), &SeriesFilter::default()), rows(&all));
}

#[test]
fn a_full_disk_fails_the_commit_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let all = run(4, 400);
    let mut store = Store::open(dir.path()).unwrap();
    commit(&mut store, &all, 0, 10);
    // SQLite says the same when its file may not grow as when the disk is full.
    store.limit_pages(20).unwrap();
    let points: Vec<_> = (10_u64..)
        .zip(&all[10..])
        .map(|(emission, (symbol, point))| NewPoint {
            emission,
            symbol,
            point,
        })
        .collect();
    let state = vec![7; 300_000];
    let progress = Progress {
        position: 11,
        state: &state,
        points: &points,
        next_emission: all.len() as u64,
    };
    let failed = store
        .commit(&Commit {
            gaps: &[],
            progress: Some(progress),
            ..Commit::default()
        })
        .unwrap_err();
    let why = std::error::Error::source(&failed).unwrap().to_string();
    assert!(why.contains("full"), "{why}");
    assert_eq!(store.checkpoint().unwrap().unwrap().position, 10);
    assert_eq!(
        export(dir.path(), &SeriesFilter::default()),
        rows(&all[..10])
    );
    store.limit_pages(1_000_000).unwrap();
    commit_all(&mut store, &all, 100);
    assert_eq!(export(dir.path(), &SeriesFilter::default()), rows(&all));
}

#[test]
fn a_wiped_store_is_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    assert!(store.is_new());
    let all = run(2, 10);
    commit_all(&mut store, &all, 7);
    let before = store.instance().to_owned();
    store.wipe().unwrap();
    assert!(store.is_new());
    assert_ne!(store.instance(), before);
    assert_eq!(
        (store.next_emission(), store.checkpoint().unwrap()),
        (0, None)
    );
    assert_eq!(export(dir.path(), &SeriesFilter::default()), []);
    commit_all(&mut store, &all, 9);
    assert_eq!(export(dir.path(), &SeriesFilter::default()), rows(&all));
}

#[test]
fn a_state_from_elsewhere_is_taken_up_and_the_next_commit_follows_it() {
    let (here, all) = (tempfile::tempdir().unwrap(), run(2, 60));
    let mut store = Store::open(here.path()).unwrap();
    let (third, half) = (all.len() / 3, all.len() / 2);
    commit(&mut store, &all, 0, third);
    let next = half as u64;
    let missing = store.resume_from_elsewhere((1_000_000, next), b"state");
    assert_eq!(missing.unwrap(), next - third as u64);
    let found = store.checkpoint().unwrap().unwrap();
    assert_eq!((found.position, found.next_emission), (1_000_000, next));
    assert_eq!(found.state, b"state");
    let mut store = Store::open(here.path()).unwrap();
    commit(&mut store, &all, half, all.len());
    let mut held = rows(&all);
    held.drain(third..half);
    assert_eq!(export(here.path(), &SeriesFilter::default()), held);
    // One that has emitted less than we have belongs to another log.
    let error = store
        .resume_from_elsewhere((2_000_000, 1), b"")
        .unwrap_err();
    assert!(matches!(error, StoreError::Hole { .. }), "{error}");
}
