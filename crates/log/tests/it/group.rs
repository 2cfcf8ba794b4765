//! Group commit: order, bounds, back-pressure and closing.

use std::time::Duration;

use stock_up_log::{CommitBounds, Error, GroupCommit, Log, Options};

use crate::sim_storage::SimStorage;

const FOREVER: Duration = Duration::from_hours(1);

/// Nothing but what a test asks for ends a rest.
const NEVER: CommitBounds = CommitBounds {
    latency: FOREVER,
    bytes: usize::MAX,
    most_bytes: usize::MAX,
};

fn start(storage: &SimStorage, bounds: CommitBounds) -> (Log, GroupCommit) {
    let options = Options {
        reserve_bytes: 0,
        ..Options::new([1; 16])
    };
    let (log, writer) = Log::open_storage(storage.shared(), options).unwrap();
    (log, GroupCommit::start(writer, bounds).unwrap())
}

#[test]
fn appends_of_many_threads_get_contiguous_numbers_in_the_order_of_the_log() {
    let bounds = CommitBounds {
        most_bytes: 200,
        ..CommitBounds::default()
    };
    let (log, commits) = start(&SimStorage::new(), bounds);
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
        (commits.append(0, 1 + index % 3, &payload).unwrap(), payload)
    };
    (0..300).map(append).collect()
}

#[test]
fn the_latency_bound_commits_without_further_appends() {
    let bounds = CommitBounds {
        latency: Duration::from_millis(1),
        ..NEVER
    };
    let (log, commits) = start(&SimStorage::new(), bounds);
    for seq in 0..3 {
        assert_eq!(commits.append(0, 1, b"alone").unwrap(), seq);
        assert_eq!(log.wait_for(seq, FOREVER).unwrap(), seq + 1);
    }
}

#[test]
fn a_lone_append_waits_for_nothing() {
    let (log, commits) = start(&SimStorage::new(), NEVER);
    let seq = commits.append(0, 1, b"alone").unwrap();
    assert_eq!(log.wait_for(seq, FOREVER).unwrap(), 1);
    // The second one comes too soon after it, and rests until somebody waits.
    commits.append(0, 1, b"company").unwrap();
    assert_eq!(commits.flush().unwrap(), 2);
    commits.append(0, 1, b"in a hurry").unwrap();
    assert_eq!(commits.commit_soon(), 3);
    assert_eq!(log.wait_for(2, FOREVER).unwrap(), 3);
}

#[test]
fn the_byte_bound_commits_before_the_latency() {
    let (log, commits) = start(
        &SimStorage::new(),
        CommitBounds {
            bytes: 300,
            ..NEVER
        },
    );
    let alone = commits.append(0, 1, &[1; 100]).unwrap();
    log.wait_for(alone, FOREVER).unwrap();
    for _ in 0..3 {
        commits.append(0, 1, &[1; 100]).unwrap();
    }
    assert_eq!(log.wait_for(3, FOREVER).unwrap(), 4);
}

#[test]
fn a_full_queue_commits_before_the_latency() {
    let bounds = CommitBounds {
        most_bytes: 2 * (32 + 10),
        ..NEVER
    };
    let (log, commits) = start(&SimStorage::new(), bounds);
    for _ in 0..20 {
        commits.append(0, 1, &[1; 10]).unwrap();
    }
    assert!(
        log.durable_end() >= 16,
        "four may wait, two of them on their way"
    );
    assert_eq!(commits.flush().unwrap(), 20);
}

#[test]
fn a_frame_larger_than_the_queue_waits_alone() {
    let bounds = CommitBounds {
        most_bytes: 50,
        ..NEVER
    };
    let (log, commits) = start(&SimStorage::new(), bounds);
    for _ in 0..5 {
        commits.append(0, 1, &[1; 1_000]).unwrap();
    }
    assert!(log.durable_end() >= 3, "one may wait, one is on its way");
    assert_eq!(commits.close().unwrap(), 5);
}

#[test]
fn one_sync_serves_many_appends() {
    let storage = SimStorage::new();
    let (_log, commits) = start(&storage, NEVER);
    let before = storage.plan(|_| ()).syncs;
    for _ in 0..500 {
        commits.append(0, 1, &[1; 10]).unwrap();
    }
    commits.flush().unwrap();
    let syncs = storage.plan(|_| ()).syncs - before;
    assert!((1..=2).contains(&syncs), "{syncs} syncs");
}

#[test]
fn closing_and_dropping_commit_what_is_queued() {
    let storage = SimStorage::new();
    let (log, commits) = start(&storage, NEVER);
    commits.append(0, 1, b"a").unwrap();
    assert_eq!(commits.close().unwrap(), 1);
    assert!(matches!(log.wait_for(1, FOREVER), Err(Error::Closed)));
    let (log, commits) = start(&storage, NEVER);
    commits.append(0, 1, b"b").unwrap();
    drop(commits);
    assert_eq!(log.durable_end(), 2);
}

#[test]
fn what_cannot_become_a_frame_leaves_no_hole() {
    let (log, commits) = start(&SimStorage::new(), CommitBounds::default());
    assert!(matches!(
        commits.append(0, 0, &[1]),
        Err(Error::FrameCount { .. })
    ));
    assert!(matches!(
        commits.append(0, 1, &[]),
        Err(Error::PayloadSize { .. })
    ));
    assert_eq!(commits.append_durable(0, 1, &[1]).unwrap(), 0);
    assert_eq!(log.durable_end(), 1);
}
