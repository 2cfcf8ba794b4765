//! What feeds a sink: live, from the store, through outages of the sink and restarts of ours.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stock_up_core::Span;
use stock_up_io::feed::BackoffPolicy;
use stock_up_io::sink::{
    Delivery, DeliverySettings, DropCause, Dropped, Left, MemorySink, Sink, SinkError, Tail, Watch,
    Written,
};
use stock_up_io::store::{Commit, PointRow, ReaderPool, RetentionPolicy, Store};
use tokio::sync::oneshot;

use super::conformance::{last_of_each, said};
use crate::store::run::{Emitted, SECOND, commit, commit_all, rows, run};

/// Writes down what it is told.
#[derive(Debug, Clone, Default)]
pub(super) struct Told(Arc<Mutex<Notes>>);

#[derive(Debug, Default, Clone)]
pub(super) struct Notes {
    pub(super) written: u64,
    pub(super) dropped: Vec<Dropped>,
    pub(super) failures: Vec<String>,
    pub(super) lag: u64,
}

impl Told {
    pub(super) fn notes(&self) -> Notes {
        self.0.lock().unwrap().clone()
    }
}

impl Watch for Told {
    fn written(&self, written: &Written, _: Duration) {
        self.0.lock().unwrap().written += written.written;
    }

    fn dropped(&self, dropped: &Dropped) {
        self.0.lock().unwrap().dropped.push(dropped.clone());
    }

    fn failed(&self, error: &SinkError, _: Duration) {
        self.0.lock().unwrap().failures.push(error.to_string());
    }

    fn lag(&self, points: u64) {
        self.0.lock().unwrap().lag = points;
    }
}

/// Waits of milliseconds, so that outages are short.
pub(super) fn quick() -> DeliverySettings {
    DeliverySettings {
        backoff: BackoffPolicy {
            first: Duration::from_millis(1),
            cap: Duration::from_millis(20),
            refused: Duration::from_millis(20),
            ..BackoffPolicy::default()
        },
        finish: Duration::from_mins(1),
        ..DeliverySettings::default()
    }
}

/// Runs a delivery over the store in `dir` while `story` goes on, and lets it finish.
pub(super) async fn deliver<S: Sink<PointRow>>(
    sink: S,
    (dir, tail): (&Path, &Tail),
    cursor: Option<u64>,
    told: &Told,
    story: impl Future<Output = ()>,
) -> Left {
    let readers = Arc::new(ReaderPool::new(dir));
    let delivery = Delivery::new(
        (sink, told.clone()),
        (tail.clone(), readers),
        cursor,
        quick(),
    );
    let (tell, end) = oneshot::channel::<()>();
    let ending = async { drop(end.await) };
    let story = async {
        story.await;
        drop(tell);
    };
    let (left, ()) = tokio::join!(delivery.run(ending), story);
    left.unwrap()
}

/// Waits for a condition that the delivery brings about.
pub(super) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), wait).await;
    assert!(waited.is_ok(), "waited in vain for {what}");
}

#[track_caller]
fn holds(sink: &MemorySink, all: &[Emitted]) {
    let points = sink.points().into_iter();
    let held: std::collections::BTreeMap<_, _> = points
        .map(|((symbol, window, time), point)| {
            ((symbol.to_string(), window.ns(), time), said(&point))
        })
        .collect();
    assert_eq!(held, last_of_each(&rows(all)));
}

fn store(dir: &Path, all: &[Emitted], upto: usize) -> (Store, Tail) {
    let mut store = Store::open(dir).unwrap();
    commit_all(&mut store, &all[..upto], 37);
    let tail = Tail::new(store.next_emission());
    (store, tail)
}

#[tokio::test]
async fn what_is_stored_and_what_comes_live_arrives_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let all = run(3, 100);
    let half = all.len() / 2;
    let (_store, tail) = store(dir.path(), &all, half);
    let (sink, told) = (MemorySink::default(), Told::default());
    let live = rows(&all);
    let story = async {
        for row in &live[half..] {
            tail.push([row.clone()]);
            tokio::task::yield_now().await;
        }
    };
    let left = deliver(sink.clone(), (dir.path(), &tail), None, &told, story).await;
    assert_eq!(left, Left { points: 0 });
    holds(&sink, &all);
    assert_eq!((tail.cursor(), tail.lag()), (all.len() as u64, 0));
    let notes = told.notes();
    assert_eq!((notes.written, notes.lag), (all.len() as u64, 0));
    assert_eq!(notes.dropped, []);
}

#[tokio::test]
async fn an_outage_with_more_points_than_memory_holds_is_caught_up_from_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let all = run(40, 800);
    assert!(all.len() > 60_000, "more than a tail holds: {}", all.len());
    let (mut store, tail) = store(dir.path(), &[], 0);
    let (sink, told) = (MemorySink::default(), Told::default());
    for down in [
        SinkError::Unavailable {
            reason: "down".into(),
            retry_after: None,
        },
        SinkError::Misconfigured {
            reason: "no database".into(),
        },
        SinkError::Refused {
            reason: "no right".into(),
        },
    ] {
        sink.fail(Some(down));
    }
    let live = rows(&all);
    let story = async {
        tail.push(live[..1_000].iter().cloned());
        until("a failure", || told.notes().failures.len() > 3).await;
        let mut saved = 0;
        for part in live[1_000..].chunks(5_000) {
            tail.push(part.iter().cloned());
            let upto = part.last().unwrap().emission + 1;
            commit(&mut store, &all, saved, usize::try_from(upto).unwrap());
            saved = usize::try_from(upto).unwrap();
            tail.saved(upto);
            tokio::task::yield_now().await;
        }
        assert_eq!(sink.points().len(), 0);
        assert_eq!(tail.lag(), all.len() as u64);
        sink.fail(None);
    };
    let left = deliver(sink.clone(), (dir.path(), &tail), None, &told, story).await;
    assert_eq!(left.points, 0);
    holds(&sink, &all);
    assert_eq!(told.notes().dropped, []);
}

#[tokio::test]
async fn the_cursor_is_saved_with_the_points_and_a_restart_goes_on_there() {
    let dir = tempfile::tempdir().unwrap();
    let all = run(2, 60);
    let (mut store, tail) = store(dir.path(), &all, 100);
    assert_eq!(store.cursor("influxdb").unwrap(), None);
    let (sink, told) = (MemorySink::default(), Told::default());
    deliver(sink.clone(), (dir.path(), &tail), None, &told, async {}).await;
    assert_eq!(tail.cursor(), 100);
    // Ahead of the store it is cut to what is stored: those points may be emitted again.
    let cursors = [("influxdb", 150), ("other", 40)];
    store
        .commit(&Commit {
            cursors: &cursors,
            ..Commit::default()
        })
        .unwrap();
    drop(store);
    let mut store = Store::open(dir.path()).unwrap();
    assert_eq!(store.cursor("influxdb").unwrap(), Some(100));
    assert_eq!(store.cursor("other").unwrap(), Some(40));
    commit(&mut store, &all, 100, all.len());
    let tail = Tail::new(store.next_emission());
    let told = Told::default();
    let from = store.cursor("other").unwrap();
    let rest = MemorySink::default();
    deliver(rest.clone(), (dir.path(), &tail), from, &told, async {}).await;
    assert_eq!(told.notes().written, all.len() as u64 - 40);
    holds(&rest, &all[40..]);
    // The last minutes again change nothing.
    for _ in 0..3 {
        deliver(sink.clone(), (dir.path(), &tail), Some(40), &told, async {}).await;
    }
    holds(&sink, &all);
    store.wipe().unwrap();
    assert_eq!(store.cursor("influxdb").unwrap(), None);
}

#[tokio::test]
async fn what_retention_removed_before_it_was_sent_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let all = run(1, 3_600);
    let (mut store, tail) = store(dir.path(), &all, all.len());
    let policy = RetentionPolicy {
        full: Span::from_secs(600),
        coarse_step: Span::from_secs(60),
        coarse: Span::from_secs(86_400),
    };
    while store.maintain(5 * 3_600 * SECOND, &policy).unwrap().thinned > 0 {}
    let (sink, told) = (MemorySink::default(), Told::default());
    deliver(sink.clone(), (dir.path(), &tail), Some(0), &told, async {}).await;
    let notes = told.notes();
    let missing: u64 = notes.dropped.iter().map(|dropped| dropped.lines).sum();
    assert!(
        notes
            .dropped
            .iter()
            .all(|dropped| dropped.cause == DropCause::StoreRetention)
    );
    assert!(
        missing > 3_600 && notes.written > 60,
        "{missing} {}",
        notes.written
    );
    assert_eq!(missing + notes.written, all.len() as u64);
}

#[tokio::test]
async fn the_end_does_not_wait_out_a_long_back_off() {
    let dir = tempfile::tempdir().unwrap();
    let all = run(2, 20);
    let (_store, tail) = store(dir.path(), &all, all.len());
    let (sink, told) = (MemorySink::default(), Told::default());
    sink.fail(Some(SinkError::Refused {
        reason: "no right".into(),
    }));
    let mut settings = quick();
    settings.backoff.refused = Duration::from_hours(1);
    let readers = Arc::new(ReaderPool::new(dir.path()));
    let parts = ((sink.clone(), told.clone()), (tail.clone(), readers));
    let delivery = Delivery::new(parts.0, parts.1, None, settings);
    let mended = async {
        until("a failure", || !told.notes().failures.is_empty()).await;
        sink.fail(None);
    };
    let left = delivery.run(mended).await.unwrap();
    assert_eq!(left, Left { points: 0 });
    holds(&sink, &all);
}

#[tokio::test]
async fn what_cannot_be_sent_in_time_is_left_for_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let all = run(2, 20);
    let (_store, tail) = store(dir.path(), &all, all.len());
    let (sink, told) = (MemorySink::default(), Told::default());
    sink.fail(Some(SinkError::Unavailable {
        reason: "down".into(),
        retry_after: None,
    }));
    let readers = Arc::new(ReaderPool::new(dir.path()));
    let settings = DeliverySettings {
        finish: Duration::from_millis(30),
        ..quick()
    };
    let delivery = Delivery::new((sink, told), (tail.clone(), readers), None, settings);
    let left = delivery.run(async {}).await.unwrap();
    assert_eq!(
        left,
        Left {
            points: all.len() as u64
        }
    );
    assert_eq!(tail.cursor(), 0);
}
