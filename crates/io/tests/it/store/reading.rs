//! Series and exports against the plainest model.

use std::ops::ControlFlow;

use proptest::prelude::*;
use stock_up_core::Span;
use stock_up_io::store::{ReaderPool, SeriesFilter, SeriesQuery, Store, StoreReader, SymbolSeries};

use super::run::{Emitted, SECOND, commit, commit_all, export, naive, point, rows, run};

fn emitted() -> impl Strategy<Value = Vec<Emitted>> {
    let one = (0..3_u32, 0..2_u32, 0..400_i64, 0..3_u32, any::<u32>());
    proptest::collection::vec(one, 0..300).prop_map(|items| {
        items
            .into_iter()
            .map(|(symbol, window, second, revision, seed)| {
                let time = second * SECOND * 20;
                let point = point(60 + window, time, revision, u64::from(seed));
                (format!("S{symbol}"), point)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_series_is_the_last_revision_of_each_time_thinned(
        all in emitted(),
        size in 1..60_usize,
        bounds in (-100..9_000_i64, -100..9_000_i64),
        step in proptest::option::of(1..5_000_u32),
        limit in 0..80_usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        commit_all(&mut Store::open(dir.path()).unwrap(), &all, size);
        let query = SeriesQuery {
            symbol: "S1",
            window: Span::from_secs(60),
            from: bounds.0 * SECOND,
            to: bounds.1 * SECOND,
            step: step.map(Span::from_secs),
            limit,
        };
        let found = StoreReader::open(dir.path()).unwrap().series(&query).unwrap();
        prop_assert_eq!((found.points, found.truncated), naive(&all, &query));
        prop_assert_eq!(export(dir.path(), &SeriesFilter::default()), rows(&all));
    }
}

#[test]
fn an_export_can_be_narrowed_and_stopped() {
    let all = run(3, 200);
    let dir = tempfile::tempdir().unwrap();
    commit_all(&mut Store::open(dir.path()).unwrap(), &all, 77);
    let filters = [
        (Some("S1"), None, None),
        (None, Some(Span::from_secs(300)), None),
        (Some("S2"), Some(Span::from_secs(60)), Some(50 * SECOND)),
        (None, None, Some(50 * SECOND)),
        (Some("none"), None, None),
    ];
    for (symbol, window, from) in filters {
        let filter = SeriesFilter {
            symbol,
            window,
            from,
            to: Some(120 * SECOND),
        };
        let mut expected = rows(&all);
        expected.retain(|row| {
            symbol.is_none_or(|symbol| *row.symbol == *symbol)
                && window.is_none_or(|window| row.point.window == window)
                && from.is_none_or(|from| row.point.time >= from)
                && row.point.time <= 120 * SECOND
        });
        assert_eq!(export(dir.path(), &filter), expected, "{filter:?}");
    }
    let mut count = 0;
    let reader = StoreReader::open(dir.path()).unwrap();
    let stop = |_| {
        count += 1;
        if count == 5 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    reader
        .export_series(&SeriesFilter::default(), stop)
        .unwrap();
    assert_eq!(count, 5);
}

#[test]
fn symbols_come_by_name_with_their_windows() {
    let dir = tempfile::tempdir().unwrap();
    commit_all(&mut Store::open(dir.path()).unwrap(), &run(2, 2), 3);
    let windows = vec![Span::from_secs(60), Span::from_secs(300)];
    let expected = ["S0", "S1"].map(|symbol| SymbolSeries {
        symbol: symbol.to_owned(),
        windows: windows.clone(),
    });
    assert_eq!(
        StoreReader::open(dir.path()).unwrap().symbols().unwrap(),
        expected
    );
}

#[test]
fn readers_on_other_threads_see_whole_commits_while_they_are_made() {
    let all = run(2, 120);
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    commit(&mut store, &all, 0, 10);
    let pool = ReaderPool::new(dir.path());
    let watch = || {
        let mut seen = 0;
        while seen < all.len() {
            let checkpoint = pool.with(StoreReader::checkpoint).unwrap().unwrap();
            let position = usize::try_from(checkpoint.position).unwrap();
            assert!(position >= seen, "{position} after {seen}");
            let rows = export(dir.path(), &SeriesFilter::default());
            assert!(rows.len() >= position);
            assert!(
                rows.len().is_multiple_of(10) || rows.len() == all.len(),
                "{}",
                rows.len()
            );
            seen = position;
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(watch);
        }
        for start in (10..all.len()).step_by(10) {
            commit(&mut store, &all, start, (start + 10).min(all.len()));
        }
    });
}
