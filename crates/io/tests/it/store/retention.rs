//! Packing, thinning and deleting by the log's time.

use std::path::Path;

use stock_up_core::{GapCause, Span, Status};
use stock_up_io::store::{
    Commit, Gap, GapFilter, GapState, RetentionError, RetentionPolicy, SeriesFilter, SeriesQuery,
    Store, StoreReader, Upkeep,
};

use super::run::{Emitted, SECOND, commit_all, export, naive, point, rows, run};

const HOUR: i64 = 3_600 * SECOND;

fn policy() -> RetentionPolicy {
    RetentionPolicy {
        full: Span::from_secs(3_600),
        coarse_step: Span::from_secs(60),
        coarse: Span::from_secs(10_800),
    }
}

/// Works until there is nothing to do at `now`.
fn settle(store: &mut Store, now: i64) -> Upkeep {
    let mut sum = Upkeep::default();
    for call in 0.. {
        assert!(call < 10_000, "it never ends");
        let one = store.maintain(now, &policy()).unwrap();
        assert!(
            one.packed + one.thinned < 8_000,
            "too much at once: {one:?}"
        );
        sum.packed += one.packed;
        sum.thinned += one.thinned;
        sum.deleted += one.deleted;
        if !one.more {
            break;
        }
    }
    sum
}

fn count(dir: &Path, sql: &str) -> i64 {
    rusqlite::Connection::open(dir.join("store.sqlite"))
        .unwrap()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

fn read(dir: &Path, from: i64, to: i64, step: Option<Span>) -> Vec<stock_up_core::Point> {
    let query = query(from, to, step);
    StoreReader::open(dir)
        .unwrap()
        .series(&query)
        .unwrap()
        .points
}

fn query(from: i64, to: i64, step: Option<Span>) -> SeriesQuery<'static> {
    SeriesQuery {
        symbol: "S0",
        window: Span::from_secs(60),
        from,
        to,
        step,
        limit: 100_000,
    }
}

#[test]
fn packing_keeps_every_revision_in_its_place() {
    let all = run(2, 3_000);
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    commit_all(&mut store, &all, 41);
    let before = count(dir.path(), "SELECT count(*) FROM chunk");
    let done = settle(&mut store, 3_000 * SECOND);
    assert!(done.packed > 9_000 && done.thinned == 0, "{done:?}");
    let after = count(dir.path(), "SELECT count(*) FROM chunk");
    assert!(after * 4 < before, "{before} chunks became {after}");
    assert_eq!(export(dir.path(), &SeriesFilter::default()), rows(&all));
    let (from, to) = (500 * SECOND, 2_900 * SECOND);
    assert_eq!(
        read(dir.path(), from, to, None),
        naive(&all, &query(from, to, None)).0
    );
    assert_eq!(settle(&mut store, 3_001 * SECOND), Upkeep::default());
}

#[test]
fn what_is_old_is_thinned_and_what_is_older_is_deleted() {
    let all = run(1, 4 * 3_600);
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    commit_all(&mut store, &all, 1_000);
    let now = 4 * HOUR + SECOND;
    settle(&mut store, now);
    let minute = Some(Span::from_secs(60));
    // One hour is deleted, two are thinned, one is whole.
    assert_eq!(read(dir.path(), 0, HOUR, None), []);
    let thinned = naive(&all, &query(HOUR + 1, 3 * HOUR, minute)).0;
    assert_eq!(thinned.len(), 120);
    assert_eq!(read(dir.path(), HOUR + 1, 3 * HOUR, None), thinned);
    let full = naive(&all, &query(3 * HOUR + 1, 4 * HOUR, None)).0;
    assert_eq!(read(dir.path(), 3 * HOUR + 1, 4 * HOUR, None), full);
    let both = [thinned, full].concat();
    assert_eq!(read(dir.path(), 0, i64::MAX, None), both);
    // A step over both reads as it would over the whole series.
    let step = Some(Span::from_secs(600));
    let expected = naive(&all, &query(HOUR + 1, 4 * HOUR, step)).0;
    assert_eq!(read(dir.path(), 0, 4 * HOUR, step), expected);
    let emitted: Vec<u64> = export(dir.path(), &SeriesFilter::default())
        .iter()
        .map(|row| row.emission)
        .collect();
    assert!(
        emitted.is_sorted() && emitted.len() > 2 * (120 + 3_600),
        "{}",
        emitted.len()
    );
    // Later everything is gone, but a series that stopped is not forgotten at once.
    settle(&mut store, 8 * HOUR);
    assert_eq!(count(dir.path(), "SELECT count(*) FROM chunk"), 0);
}

#[test]
fn thinning_hides_no_gap() {
    let mut all: Vec<Emitted> = (1..=3_600)
        .map(|second| ("S0".to_owned(), point(60, second * SECOND, 0, 1)))
        .collect();
    for (_, point) in &mut all {
        point.status = Status::Complete;
        point.coverage = 1.0;
    }
    all[130].1.status = Status::Gap;
    all[130].1.coverage = 0.25;
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    commit_all(&mut store, &all, 500);
    settle(&mut store, 2 * HOUR);
    let points = read(dir.path(), 0, HOUR, None);
    assert_eq!(points.len(), 60);
    for (minute, point) in points.iter().enumerate() {
        let expected = if minute == 2 {
            (Status::Gap, 0.25)
        } else {
            (Status::Complete, 1.0)
        };
        assert_eq!((point.status, point.coverage), expected, "minute {minute}");
    }
}

#[test]
fn a_dense_series_is_thinned_in_small_steps() {
    let all: Vec<Emitted> = (1..=120_000)
        .map(|step| {
            (
                "S0".to_owned(),
                point(60, step * 10_000_000, 0, step.cast_unsigned()),
            )
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    commit_all(&mut store, &all, 30_000);
    for call in 0..1_000 {
        let one = store.maintain(3 * HOUR, &policy()).unwrap();
        assert!(one.thinned <= 61_000 + 1_024, "{one:?}");
        if !one.more {
            break;
        }
        assert!(call < 999, "it never ends");
    }
    let expected = naive(&all, &query(0, HOUR, Some(Span::from_secs(60)))).0;
    assert_eq!(read(dir.path(), 0, HOUR, None), expected);
}

#[test]
fn gaps_are_forgotten_with_the_points_they_explain() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let gap = |id: u64, to: Option<i64>| Gap {
        id,
        from: 0,
        to,
        symbols: Vec::new(),
        cause: GapCause::Disconnected,
        state: GapState::Open,
    };
    let gaps = [gap(1, Some(HOUR)), gap(2, Some(3 * HOUR)), gap(3, None)];
    let commit = Commit {
        gaps: &gaps,
        progress: None,
        ..Commit::default()
    };
    store.commit(&commit).unwrap();
    settle(&mut store, 5 * HOUR);
    let left = StoreReader::open(dir.path())
        .unwrap()
        .gaps(&GapFilter::default())
        .unwrap();
    assert_eq!(left.iter().map(|gap| gap.id).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_policy_must_fit_together() {
    let check = |change: fn(&mut RetentionPolicy), expected: RetentionError| {
        let mut policy = RetentionPolicy::default();
        change(&mut policy);
        assert_eq!(policy.validated(), Err(expected));
    };
    assert!(RetentionPolicy::default().validated().is_ok());
    check(
        |p| p.full = Span::from_secs(60),
        RetentionError::Full(Span::from_secs(60)),
    );
    check(
        |p| p.coarse = Span::from_secs(3_600),
        RetentionError::Coarse {
            coarse: Span::from_secs(3_600),
            full: Span::from_secs(604_800),
        },
    );
    for step in [0, 7, 3_600] {
        let step = Span::from_secs(step);
        let policy = RetentionPolicy {
            coarse_step: step,
            ..RetentionPolicy::default()
        };
        assert_eq!(policy.validated(), Err(RetentionError::Step(step)));
    }
}
