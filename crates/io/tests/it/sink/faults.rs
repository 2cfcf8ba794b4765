//! A server that fails in every way a network knows: in the end it holds what it should.

use std::collections::BTreeMap;

use stock_up_io::sink::Tail;
use stock_up_io::store::Store;

use super::conformance::last_of_each;
use super::database::Database;
use super::delivery::{Told, deliver, until};
use super::mock::{Fault, Mock};
use super::{settings, sink, v1};
use crate::store::run::{commit_all, rows, run};

/// Every fault, again and again, in an order that a seed gives.
fn script(seed: u64) -> Vec<Fault> {
    let all = [
        Fault::Answer(500, "", "{\"error\":\"timeout\"}"),
        Fault::Answer(503, "", ""),
        Fault::Answer(429, "Retry-After: 0\r\n", ""),
        Fault::Answer(
            404,
            "",
            "{\"error\":\"database not found: \\\"stocks\\\"\"}",
        ),
        Fault::Answer(401, "", "{\"error\":\"authorization failed\"}"),
        Fault::StoredAndReset,
        Fault::ResetEarly,
        Fault::Answer(204, "", ""),
    ];
    let mut random = seed;
    let mut pick = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % (all.len() - 1)
    };
    let mut faults: Vec<Fault> = (0..20).map(|_| all[pick()].clone()).collect();
    // A server that says nothing costs a whole time limit: once is enough.
    faults.insert(7, Fault::Silence);
    faults
}

#[tokio::test]
async fn after_any_faults_the_server_holds_exactly_the_points() {
    for seed in 1..=3 {
        let (mock, dir) = (Mock::start(), tempfile::tempdir().unwrap());
        let all = run(3, 80);
        let mut store = Store::open(dir.path()).unwrap();
        commit_all(&mut store, &all, 50);
        mock.script(script(seed));
        let mut settings = settings(&mock.url, v1("stocks"), dir.path());
        settings.batch_lines = 20;
        let (tail, told) = (Tail::new(all.len() as u64), Told::default());
        let story = until("all faults", || mock.faults_left() == 0);
        let left = deliver(sink(&settings), (dir.path(), &tail), None, &told, story).await;
        assert_eq!(left.points, 0);
        let expected = last_of_each(&rows(&all));
        assert_eq!(mock.lines().len(), expected.len(), "seed {seed}");
        let lines: BTreeMap<_, _> = mock.lines();
        let held: BTreeMap<_, _> = lines
            .iter()
            .map(|(series, fields)| super::conformance::read_line(series, fields))
            .collect();
        assert_eq!(held, expected, "seed {seed}");
        assert_eq!(told.notes().dropped, []);
        assert_eq!(told.notes().failures.len(), 21, "seed {seed}");
        assert!(!settings.dead_letters.exists());
    }
}

#[tokio::test]
async fn a_database_that_comes_late_gets_everything() {
    let Some(database) = Database::new("late") else {
        return;
    };
    database.query(&format!("DROP DATABASE {}", database.name));
    let dir = tempfile::tempdir().unwrap();
    let all = run(5, 200);
    let mut store = Store::open(dir.path()).unwrap();
    commit_all(&mut store, &all, 500);
    let (tail, told) = (Tail::new(all.len() as u64), Told::default());
    let mut settings = settings(&database.url, v1(&database.name), dir.path());
    settings.timeout = std::time::Duration::from_secs(30);
    let story = async {
        until("two failures", || told.notes().failures.len() >= 2).await;
        database.query(&format!("CREATE DATABASE {}", database.name));
    };
    deliver(sink(&settings), (dir.path(), &tail), None, &told, story).await;
    assert_eq!(database.points(), last_of_each(&rows(&all)));
    assert!(told.notes().failures[0].contains("database not found"));
}
