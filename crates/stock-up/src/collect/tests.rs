//! A device that fills up: once there is room again, the log says what holds then.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use stock_up_core::record::codec;
use stock_up_core::{Analyzer, AnalyzerSettings, Emission, FeedEvent, GapCause, Record, Span};
use stock_up_io::clock::Stopwatch;
use stock_up_io::settings::Settings;
use stock_up_log::{Access, CommitBounds, DirStorage, Log, Options, Storage, StorageFile};

use super::journal::Appended;
use super::*;

const SECOND: i64 = 1_000_000_000;
const NOW: i64 = 1_790_000_000 * SECOND;
const DEADLINE: Duration = Duration::from_secs(20);

/// A folder on a device that can be full.
#[derive(Debug)]
struct Device {
    dir: DirStorage,
    full: Arc<AtomicBool>,
}

#[derive(Debug)]
struct DeviceFile {
    file: Arc<dyn StorageFile>,
    full: Arc<AtomicBool>,
}

impl Storage for Device {
    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.dir.list()
    }

    fn open(&self, name: &str, access: Access) -> io::Result<Arc<dyn StorageFile>> {
        let (file, full) = (self.dir.open(name, access)?, Arc::clone(&self.full));
        Ok(Arc::new(DeviceFile { file, full }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.dir.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.dir.sync_dir()
    }
}

impl StorageFile for DeviceFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, into)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.file.truncate(size)
    }
}

/// `collect` on such a device, moved by hand.
struct Stage {
    _dir: tempfile::TempDir,
    full: Arc<AtomicBool>,
    clock: Arc<AtomicI64>,
    log: Log,
    settings: watch::Sender<SettingsState>,
    collector: Collector,
}

impl Stage {
    fn begin() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let full = Arc::new(AtomicBool::new(false));
        let device = Device {
            dir: DirStorage::new(dir.path()),
            full: Arc::clone(&full),
        };
        let (log, writer) =
            Log::open_storage(Arc::new(device), Options::new([7; 16])).expect("a log");
        let telemetry = Arc::new(Telemetry::new());
        let bounds = CommitBounds::default();
        let journal = Journal::start(log.clone(), writer, bounds, Arc::clone(&telemetry));
        let (settings, watched) = watch::channel(SettingsState {
            revision: 1,
            settings: Arc::new(Settings::default()),
            source: "a test".into(),
            refused: None,
            cut_off: None,
        });
        let clock = Arc::new(AtomicI64::new(NOW));
        let now = Arc::clone(&clock);
        let context = Collect {
            venue: Venue {
                name: "finnhub",
                simulated: false,
            },
            journal: journal.expect("it starts"),
            signals: mpsc::channel(1).1,
            settings: watched,
            clock: WallClock::from_fn(move || now.load(Ordering::SeqCst)),
            hub: Hub::default(),
            telemetry,
            until_idle: None,
        };
        let known = Known::default();
        let mut collector = Collector::new(context, &known);
        collector.begin(&known).expect("it begins");
        let mut stage = Self {
            _dir: dir,
            full,
            clock,
            log,
            settings,
            collector,
        };
        stage.connect(&["SPY", "IBM"]);
        let flushed = stage.collector.context.journal.flush();
        assert_eq!(flushed.expect("there is room"), Appended::Queued);
        stage
    }

    fn signal(&mut self, signal: FeedSignal) {
        self.collector.signal(signal).expect("it is noted");
    }

    fn connect(&mut self, symbols: &[&str]) {
        self.signal(FeedSignal::Connected { ts: NOW });
        self.subscribe(symbols);
    }

    fn subscribe(&mut self, symbols: &[&str]) {
        let symbols = symbols.iter().map(|symbol| (*symbol).to_owned()).collect();
        self.signal(FeedSignal::Subscribed { ts: NOW, symbols });
    }

    fn set_windows(&mut self, seconds: u32) {
        self.settings.send_modify(|state| {
            state.settings = Arc::new(Settings {
                windows: vec![Span::from_secs(seconds)],
                ..Settings::default()
            });
        });
        self.collector.apply_settings().expect("they are noted");
    }

    /// The device is full, and collect has noticed it.
    fn fill(&mut self) {
        self.full.store(true, Ordering::SeqCst);
        self.tick_until(|collector| collector.full_for.is_some());
    }

    fn make_room(&mut self) {
        self.full.store(false, Ordering::SeqCst);
        self.tick_until(|collector| collector.full_for.is_none());
    }

    fn tick_until(&mut self, is_done: impl Fn(&Collector) -> bool) {
        let start = Stopwatch::start();
        while !is_done(&self.collector) {
            self.collector.tick().expect("it goes on");
            assert!(start.elapsed() < DEADLINE, "it never came");
            std::thread::yield_now();
        }
    }

    /// What the log says in the end: to collect, and to who analyses it; and from when on trades
    /// were missed.
    fn read(self) -> (Known, Analyzer, Vec<i64>) {
        self.collector.finish(&End::Told).expect("it ends");
        let mut known = Known::default();
        let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Emission::Grid, 0);
        let mut missed = Vec::new();
        let mut reader = self.log.reader(0).expect("a reader");
        while let Some(frame) = reader.next_frame().expect("a frame") {
            let record = codec::decode(frame.payload).expect("a record");
            known.note(&record);
            if let Record::Feed(change) = &record
                && let FeedEvent::GapOpened { from, .. } = change.event
            {
                missed.push(from);
            }
            analyzer
                .apply(frame.seq, &record, &mut Vec::new())
                .expect("the next record");
        }
        (known, analyzer, missed)
    }
}

#[test]
fn what_changed_while_the_device_was_full_is_in_the_log_afterwards() {
    let mut stage = Stage::begin();
    stage.fill();
    stage.set_windows(10);
    let symbols = vec!["IBM".to_owned()];
    stage.signal(FeedSignal::Unsubscribed { ts: NOW, symbols });
    stage.subscribe(&["BAC"]);
    stage.clock.store(NOW + 100 * SECOND, Ordering::SeqCst);
    stage.make_room();
    let (known, analyzer, missed) = stage.read();
    assert_eq!(missed, [NOW], "all of the pause is missed");
    assert_eq!(analyzer.settings().windows, [Span::from_secs(10)]);
    let mut subscribed: Vec<&str> = analyzer.subscribed().collect();
    subscribed.sort_unstable();
    assert_eq!(subscribed, ["BAC", "SPY"]);
    assert!(!known.gap_is_open, "the feed is observed again");
}

/// The gap was closed as soon as there was room, although nobody was connected.
#[test]
fn a_feed_that_was_lost_meanwhile_is_missed_until_it_is_back() {
    for comes_back in [false, true] {
        let mut stage = Stage::begin();
        stage.fill();
        stage.signal(FeedSignal::Disconnected {
            heard_ts: NOW,
            cause: GapCause::Disconnected,
            detail: "a test".to_owned(),
        });
        stage.make_room();
        if comes_back {
            stage.connect(&["SPY", "IBM"]);
        }
        let (known, analyzer, _) = stage.read();
        assert_eq!(known.gap_is_open, !comes_back);
        assert_eq!(analyzer.subscribed().count(), 2);
    }
}
