//! Crashes: whatever subset of the unsynced writes survives, the log is a prefix that holds all
//! that was committed, and never anything else.
//!
//! Each seed makes one log live through up to eight ends: the power goes at some change, opening
//! included (so recovery itself is crashed again and again), or the process dies with the page
//! cache intact, or a sync fails first and leaves pages that read well and were never written.

use std::sync::atomic::{AtomicU64, Ordering};

use stock_up_log::{Error, Log, Options, Reader, Retention, Writer, verify_storage};

use crate::rng::Rng;
use crate::sim_storage::SimStorage;

const DEFAULT_SEEDS: u64 = 20_000;

#[derive(Debug, Clone, PartialEq, Eq)]
struct ModelFrame {
    seq: u64,
    count: u32,
    time: i64,
    payload: Vec<u8>,
}

/// What was appended, and which part of it must be there.
#[derive(Debug, Default)]
struct Model {
    frames: Vec<ModelFrame>,
    committed_end: u64,
    /// Removal may have got this far.
    most_first: u64,
    /// Removal has certainly got this far.
    least_first: u64,
    clock: i64,
}

impl Model {
    fn end(&self) -> u64 {
        self.frames
            .last()
            .map_or(self.committed_end, |last| last.seq + u64::from(last.count))
    }

    /// Takes what a freshly opened log holds for the truth, if it may.
    #[track_caller]
    fn accept(&mut self, log: &Log) {
        let (first, end) = (log.first_seq(), log.durable_end());
        assert!(
            end >= self.committed_end,
            "lost: {end} < {}",
            self.committed_end
        );
        assert!(end <= self.end(), "invented: {end} > {}", self.end());
        assert!(
            first >= self.least_first && first <= self.most_first,
            "first {first}"
        );
        let mut reader = log.reader(first).expect("the first frame is there");
        self.frames.retain(|frame| frame.seq < end);
        let mut expected = self.frames.iter().filter(|frame| frame.seq >= first);
        while let Some(frame) = reader.next_frame().expect("readable") {
            assert_eq!(Some(&own(frame)), expected.next());
        }
        assert_eq!(expected.next(), None, "a frame is missing");
        assert_eq!(reader.seq(), end);
        (self.committed_end, self.least_first, self.most_first) = (end, first, first);
    }
}

fn own(frame: stock_up_log::Frame<'_>) -> ModelFrame {
    let payload = frame.payload.to_vec();
    ModelFrame {
        seq: frame.seq,
        count: frame.count,
        time: frame.time,
        payload,
    }
}

struct Session<'a> {
    storage: &'a SimStorage,
    model: &'a mut Model,
    rng: &'a mut Rng,
    log: Log,
    follower: Reader,
}

fn options(rng: &mut Rng) -> Options {
    let segment_bytes = 200 + rng.below(4_000);
    let reserve_bytes = if rng.one_in(4) { 100 } else { 0 };
    Options {
        segment_bytes,
        reserve_bytes,
        ..Options::new([3; 16])
    }
}

/// Opens, works, and ends as the plan has it.
fn session(storage: &SimStorage, model: &mut Model, rng: &mut Rng) -> Result<(), Error> {
    let before = Log::open_storage_read_only(storage.shared())?.durable_end();
    let (log, writer) = Log::open_storage(storage.shared(), options(rng))?;
    assert_eq!(
        log.durable_end(),
        before,
        "reading only sees what recovery keeps"
    );
    model.accept(&log);
    let report = verify_storage(&storage.shared())?;
    assert!(report.is_sound() && report.torn_bytes == 0, "{report:?}");
    let follower = log.reader(model.committed_end)?;
    if rng.one_in(4) {
        storage.plan(|plan| plan.fail_sync_after = Some(rng.below(12)));
    }
    Session {
        storage,
        model,
        rng,
        log,
        follower,
    }
    .work(writer)
}

impl Session<'_> {
    fn work(&mut self, mut writer: Writer) -> Result<(), Error> {
        for _ in 0..self.rng.below(40) {
            match self.step(&mut writer) {
                Ok(()) => {}
                Err(error) if self.storage.has_crashed() => return Err(error),
                Err(error) => writer = self.reopen(writer, &error)?,
            }
        }
        Ok(())
    }

    fn step(&mut self, writer: &mut Writer) -> Result<(), Error> {
        match self.rng.below(12) {
            0..7 => self.append(writer),
            7..10 => {
                self.model.committed_end = writer.commit()?;
                self.follow()
            }
            10 => self.retain(),
            _ => self.follow(),
        }
    }

    fn append(&mut self, writer: &mut Writer) -> Result<(), Error> {
        let model = &mut *self.model;
        let length = 1 + self.rng.index(if self.rng.clone().one_in(10) {
            3_000
        } else {
            150
        });
        let payload = self.rng.bytes(length);
        let count = 1 + u32::try_from(self.rng.below(5)).expect("small");
        model.clock += 5 - i64::try_from(self.rng.below(4)).expect("small") * 2;
        let seq = writer.append(model.clock, count, &payload)?;
        assert_eq!(seq, model.end(), "numbers are contiguous");
        model.frames.push(ModelFrame {
            seq,
            count,
            time: model.clock,
            payload,
        });
        Ok(())
    }

    fn retain(&mut self) -> Result<(), Error> {
        // Whatever may go: all but the last segment at most.
        self.model.most_first = self.model.committed_end;
        let max_bytes = Some(self.rng.below(8_000));
        let removed = self.log.retain(&Retention {
            max_bytes,
            min_time: None,
        })?;
        (self.model.least_first, self.model.most_first) = (removed.first_seq, removed.first_seq);
        Ok(())
    }

    /// Readers see exactly what is committed.
    fn follow(&mut self) -> Result<(), Error> {
        loop {
            let seq = self.follower.seq();
            let frame = match self.follower.next_frame() {
                Ok(Some(frame)) => own(frame),
                Ok(None) => break,
                Err(Error::Gone { first, .. }) => {
                    self.follower = self.log.reader(first)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let expected = self.model.frames.iter().find(|other| other.seq == seq);
            assert_eq!(Some(&frame), expected);
        }
        assert_eq!(self.follower.seq(), self.model.committed_end);
        Ok(())
    }

    /// After a failed sync: the writer refuses, re-opening mends it, the follower goes on.
    fn reopen(&mut self, mut writer: Writer, first: &Error) -> Result<Writer, Error> {
        assert!(matches!(first, Error::Stopped(_)), "{first:?}");
        let again = writer.commit().expect_err("stopped");
        assert_eq!(again.to_string(), first.to_string());
        drop(writer);
        if self.rng.one_in(2) {
            // The process ends here and the next one opens what it left.
            return Err(again);
        }
        let (report, writer) = self.log.reopen()?;
        assert_eq!(report.end_seq, self.log.durable_end());
        self.model.accept(&self.log);
        self.follow()?;
        Ok(writer)
    }
}

fn run(seed: u64) {
    let mut rng = Rng::new(seed);
    let storage = SimStorage::new();
    let mut model = Model::default();
    for _ in 0..=rng.below(8) {
        let changes = if rng.one_in(3) { 12 } else { 80 };
        let crash_after = (!rng.one_in(6)).then(|| rng.below(changes));
        storage.plan(|plan| plan.crash_after = crash_after);
        let ended = session(&storage, &mut model, &mut rng);
        let planned = storage.has_crashed() || matches!(ended, Ok(()) | Err(Error::Stopped(_)));
        assert!(planned, "{ended:?}");
        if storage.has_crashed() || rng.one_in(2) {
            storage.lose_power(&mut rng);
        } else {
            storage.plan(|plan| *plan = crate::sim_storage::Plan::default());
        }
    }
    let (log, _writer) = Log::open_storage(storage.shared(), options(&mut rng)).expect("opens");
    model.accept(&log);
}

#[test]
fn any_subset_of_unsynced_writes_leaves_a_prefix_with_all_that_was_committed() {
    let seeds = std::env::var("STOCK_UP_SEEDS")
        .ok()
        .map_or(DEFAULT_SEEDS, |seeds| {
            seeds
                .parse()
                .expect("`STOCK_UP_SEEDS` is a number of seeds")
        });
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| run_seeds(&next, seeds));
        }
    });
}

fn run_seeds(next: &AtomicU64, seeds: u64) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds {
            return;
        }
        let seen = std::panic::catch_unwind(|| run(seed));
        assert!(seen.is_ok(), "seed {seed} fails");
    }
}

#[test]
fn a_seed_gives_the_same_run_twice() {
    let image = |seed| {
        let mut rng = Rng::new(seed);
        let storage = SimStorage::new();
        let mut model = Model::default();
        session(&storage, &mut model, &mut rng).ok();
        storage.lose_power(&mut rng);
        storage.image()
    };
    for seed in 0..20 {
        assert_eq!(image(seed), image(seed));
    }
}
