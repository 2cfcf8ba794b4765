//! Group commit: order, bounds, back-pressure and closing.

use std::num::NonZeroUsize;
use std::time::Duration;

use stock_up_log::{CommitBounds, Error, GroupCommit, Log, Options};

use crate::sim_storage::SimStorage;

const FOREVER: Duration = Duration::from_hours(1);

fn start(storage: &SimStorage, bounds: CommitBounds, depth: usize) -> (Log, GroupCommit) {
    let options = Options {
        reserve_bytes: 0,
        ..Options::new([1; 16])
    };
    let (log, writer) = Log::open_storage(storage.shared(), options).unwrap();
    let depth = NonZeroUsize::new(depth).unwrap();
    (log, GroupCommit::start(writer, bounds, depth).unwrap())
}

#[test]
fn appends_of_many_threads_get_contiguous_numbers_in_the_order_of_the_log() {
    let (log, commits) = start(&SimStorage::new(), CommitBounds::default(), 8);
    let mut appended: Vec<(u64, Vec<u8>)> = std::thread::scope(|scope| {
        let commits = &commits;
        let threads: Vec<_> = (0..4)
            .map(|thread| scope.spawn(move || append_some(commits, thread)))
            .collect();
        threads
            .into_iter()
            .flat_map(|done| done.join().unwrap())
            .collect()
    });
    appended.sort();
    let end = commits.flush().unwrap();
    assert_eq!(end, commits.next_seq());
    let mut reader = log.reader(0).unwrap();
    for (seq, payload) in &appended {
        let frame = reader.next_frame().unwrap().unwrap();
        assert_eq!((frame.seq, frame.payload), (*seq, &payload[..]));
    }
    assert_eq!(reader.seq(), end);
    assert_eq!(commits.close().unwrap(), end);
}

fn append_some(commits: &GroupCommit, thread: u64) -> Vec<(u64, Vec<u8>)> {
    let append = |index: u32| {
        let payload = format!("{thread} {index}").into_bytes();
        (
            commits.append(0, 1 + index % 3, payload.clone()).unwrap(),
            payload,
        )
    };
    (0..300).map(append).collect()
}

#[test]
fn the_latency_bound_commits_without_further_appends() {
    let bounds = CommitBounds {
        latency: Duration::from_millis(1),
        bytes: usize::MAX,
    };
    let (log, commits) = start(&SimStorage::new(), bounds, 8);
    let seq = commits.append(0, 1, b"alone".to_vec()).unwrap();
    assert_eq!(log.wait_for(seq, FOREVER).unwrap(), 1);
}

#[test]
fn a_lone_append_waits_for_nothing() {
    let bounds = CommitBounds {
        latency: FOREVER,
        bytes: usize::MAX,
    };
    let (log, commits) = start(&SimStorage::new(), bounds, 8);
    let seq = commits.append(0, 1, b"alone".to_vec()).unwrap();
    assert_eq!(log.wait_for(seq, FOREVER).unwrap(), 1);
    // The second one comes too soon after it, and rests until somebody waits.
    commits.append(0, 1, b"company".to_vec()).unwrap();
    assert_eq!(commits.flush().unwrap(), 2);
}

#[test]
fn the_byte_bound_commits_before_the_latency() {
    let (log, commits) = start(
        &SimStorage::new(),
        CommitBounds {
            latency: FOREVER,
            bytes: 300,
        },
        8,
    );
    let alone = commits.append(0, 1, vec![1; 100]).unwrap();
    log.wait_for(alone, FOREVER).unwrap();
    for _ in 0..3 {
        commits.append(0, 1, vec![1; 100]).unwrap();
    }
    assert_eq!(log.wait_for(3, FOREVER).unwrap(), 4);
}

#[test]
fn a_full_queue_commits_before_the_latency() {
    let bounds = CommitBounds {
        latency: FOREVER,
        bytes: usize::MAX,
    };
    let (log, commits) = start(&SimStorage::new(), bounds, 2);
    for _ in 0..20 {
        commits.append(0, 1, vec![1; 10]).unwrap();
    }
    assert!(log.wait_for(0, FOREVER).unwrap() >= 1);
    assert_eq!(commits.flush().unwrap(), 20);
}

#[test]
fn one_sync_serves_many_appends() {
    let storage = SimStorage::new();
    let bounds = CommitBounds {
        latency: FOREVER,
        bytes: usize::MAX,
    };
    let (_log, commits) = start(&storage, bounds, 1_000);
    let before = storage.plan(|_| ()).syncs;
    for _ in 0..500 {
        commits.append(0, 1, vec![1; 10]).unwrap();
    }
    commits.flush().unwrap();
    let syncs = storage.plan(|_| ()).syncs - before;
    assert!((1..=2).contains(&syncs), "{syncs} syncs");
}

#[test]
fn closing_and_dropping_commit_what_is_queued() {
    let bounds = CommitBounds {
        latency: FOREVER,
        bytes: usize::MAX,
    };
    let storage = SimStorage::new();
    let (log, commits) = start(&storage, bounds, 8);
    commits.append(0, 1, b"a".to_vec()).unwrap();
    assert_eq!(commits.close().unwrap(), 1);
    assert!(matches!(log.wait_for(1, FOREVER), Err(Error::Closed)));
    let (log, commits) = start(&storage, bounds, 8);
    commits.append(0, 1, b"b".to_vec()).unwrap();
    drop(commits);
    assert_eq!(log.durable_end(), 2);
}

#[test]
fn what_cannot_become_a_frame_leaves_no_hole() {
    let (log, commits) = start(&SimStorage::new(), CommitBounds::default(), 8);
    assert!(matches!(
        commits.append(0, 0, vec![1]),
        Err(Error::FrameCount { .. })
    ));
    assert!(matches!(
        commits.append(0, 1, vec![]),
        Err(Error::PayloadSize { .. })
    ));
    assert_eq!(commits.append_durable(0, 1, vec![1]).unwrap(), 0);
    assert_eq!(log.durable_end(), 1);
}
