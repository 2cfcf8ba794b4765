//! A venue and a feed for a test: short times, everything that happens recorded.

use std::fmt::Write as _;
use std::io::Cursor;
use std::time::Duration;

use stock_up_core::TradeBatch;
use stock_up_io::clock::Clock;
use stock_up_io::feed::tape_venue::{
    Control, Fault, Speed, TapeVenue, TapeVenueSettings, VenueStatus,
};
use stock_up_io::feed::{
    BackoffPolicy, Feed, FeedReport, FeedSettings, FeedSignal, Finnhub, Heartbeat, Secret, Venue,
};
use stock_up_io::tape::TapeReader;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Whatever a test waits for comes within this time, or the test fails.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

pub(super) const TOKEN: &str = "CANARY-7f3a";

/// Times that make a test quick; the driver's own are 20 to 200 times as long.
pub(super) fn quick_heartbeat() -> Heartbeat {
    Heartbeat {
        ping_every: Duration::from_millis(25),
        silence: Duration::from_millis(400),
    }
}

pub(super) fn quick_settings() -> FeedSettings {
    FeedSettings {
        backoff: BackoffPolicy {
            first: Duration::from_millis(5),
            cap: Duration::from_millis(20),
            refused: Duration::from_millis(400),
            stable_after: Duration::from_mins(1),
            ask_cap: Duration::from_mins(1),
        },
        connect_timeout: Duration::from_secs(5),
        ..FeedSettings::default()
    }
}

/// A tape of `rows` trades, one each ms, of SPY and IBM in turn; every third has conditions.
pub(super) fn tape_text(rows: u64) -> String {
    let mut text = String::from("timestamp_ns,symbol,price,size,conditions\n");
    for row in 0..rows {
        let time = (1_381_219_217_034 + row) * 1_000_000;
        let symbol = ["SPY", "IBM"][usize::from(row % 2 == 1)];
        let (price, size) = (16_742 + row % 89, 1 + row % 700);
        let conditions = if row % 3 == 0 {
            "ex=Q;flags=2000;susp=0"
        } else {
            ""
        };
        let (whole, cents) = (price / 100, price % 100);
        writeln!(
            text,
            "{time},{symbol},{whole}.{cents:02},{size},{conditions}"
        )
        .expect("a String takes any text");
    }
    text
}

pub(super) fn tape(text: &str) -> TapeReader {
    TapeReader::from_bytes("test", Cursor::new(text.to_owned())).expect("a tape")
}

/// All trades of a tape as texts.
pub(super) fn tape_trades(text: &str) -> Vec<String> {
    let (mut reader, mut batch) = (tape(text), TradeBatch::default());
    let mut trades = Vec::new();
    while reader.next_batch(&mut batch).expect("a tape") {
        trades.extend(texts(&batch));
    }
    trades
}

pub(super) fn texts(batch: &TradeBatch) -> impl Iterator<Item = String> {
    batch.trades.iter().map(|trade| {
        let [symbol, conditions] = [trade.symbol, trade.conditions].map(|id| batch.names.get(id));
        let (time, price, size) = (trade.ts_event, trade.price, trade.size);
        format!("{symbol} {time} {price} {size} [{conditions}]")
    })
}

/// A venue that plays at full speed unless told otherwise, and holds while nobody listens.
pub(super) fn venue_settings(faults: &[&str]) -> TapeVenueSettings {
    TapeVenueSettings {
        speed: Speed::Max,
        settle: Duration::from_millis(30),
        hold: true,
        faults: faults
            .iter()
            .map(|text| text.parse::<Fault>().expect("a fault"))
            .collect(),
        ..TapeVenueSettings::default()
    }
}

/// A venue at work.
pub(super) struct Stage {
    pub(super) address: String,
    pub(super) control: Control,
    pub(super) tasks: JoinSet<()>,
}

impl Stage {
    pub(super) async fn open(tape_text: &str, settings: TapeVenueSettings) -> Self {
        let scheme = if settings.tls.is_some() { "wss" } else { "ws" };
        let venue = TapeVenue::new(vec![tape(tape_text)], settings).expect("a venue");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let control = venue.control();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let served = venue.serve(listener, std::future::pending()).await;
            served.expect("the tape is sound");
        });
        Self {
            address: format!("{scheme}://localhost:{port}"),
            control,
            tasks,
        }
    }

    /// Waits until the status is as `wanted`.
    #[track_caller]
    pub(super) fn until(
        &self,
        wanted: impl FnMut(&VenueStatus) -> bool,
    ) -> impl Future<Output = VenueStatus> {
        let mut status = self.control.status();
        async move {
            let seen = timeout(DEADLINE, status.wait_for(wanted)).await;
            seen.expect("the status in time").expect("a venue").clone()
        }
    }

    pub(super) async fn act(&self, fault: &str) {
        let fault: Fault = fault.parse().expect("a fault");
        assert!(self.control.act(fault.action).await);
    }

    pub(super) fn finnhub(&self) -> Finnhub {
        let finnhub = Finnhub::new(&self.address, Secret::new(TOKEN)).expect("an address");
        finnhub.with_heartbeat(quick_heartbeat())
    }

    pub(super) fn listen(&self, symbols: &[&str]) -> Ear {
        Ear::open(self.finnhub(), quick_settings(), symbols)
    }
}

/// A feed at work, and what it told so far.
pub(super) struct Ear {
    pub(super) wishes: watch::Sender<Vec<String>>,
    signals: mpsc::Receiver<FeedSignal>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    pub(super) trades: Vec<String>,
    pub(super) report: FeedReport,
    /// All signals but trades, reports and heartbeats.
    pub(super) story: Vec<FeedSignal>,
    _tasks: JoinSet<()>,
}

impl Ear {
    pub(super) fn open(venue: impl Venue, settings: FeedSettings, symbols: &[&str]) -> Self {
        Self::with_room(64, venue, settings, symbols)
    }

    /// One for which so many signals can wait.
    pub(super) fn with_room(
        room: usize,
        venue: impl Venue,
        settings: FeedSettings,
        symbols: &[&str],
    ) -> Self {
        let (wishes, wished) = watch::channel(list(symbols));
        let (told, signals) = mpsc::channel(room);
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let feed = Feed::new(venue, settings, Clock::system()).expect("a feed");
        let mut tasks = JoinSet::new();
        tasks.spawn(feed.run(wished, told, async {
            stopped.await.unwrap_or(());
        }));
        Self {
            wishes,
            signals,
            stop: Some(stop),
            trades: Vec::new(),
            report: FeedReport::default(),
            story: Vec::new(),
            _tasks: tasks,
        }
    }

    /// Takes nothing until the channel is full, and then for so long, in which the feed comes to
    /// wait for room. Nobody waits in earnest: the time is passed ping by ping.
    pub(super) async fn holds_up(&self, time: Duration) {
        let full = async {
            while self.signals.capacity() > 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, full).await.expect("a full channel");
        let (step, mut passed) = (quick_heartbeat().ping_every, Duration::ZERO);
        tokio::time::pause();
        while passed < time {
            tokio::time::advance(step).await;
            tokio::task::yield_now().await;
            passed += step;
        }
        tokio::time::resume();
        assert_eq!(self.signals.capacity(), 0);
    }

    /// The next signal that is part of the story; trades and counts are taken on the way.
    pub(super) async fn next(&mut self) -> FeedSignal {
        loop {
            if let Some(signal) = self.hear().await {
                return signal;
            }
        }
    }

    /// Takes signals until one of the story is as `wanted`.
    pub(super) async fn until(
        &mut self,
        mut wanted: impl FnMut(&FeedSignal) -> bool,
    ) -> FeedSignal {
        loop {
            let signal = self.next().await;
            if wanted(&signal) {
                return signal;
            }
        }
    }

    /// Takes signals until there are `count` trades.
    pub(super) async fn trades(&mut self, count: usize) {
        while self.trades.len() < count {
            self.hear().await;
        }
    }

    /// Takes signals until the last trade is this one.
    pub(super) async fn last_trade(&mut self, trade: &String) {
        while self.trades.last() != Some(trade) {
            self.hear().await;
        }
    }

    /// Takes signals until the counts are as `wanted`.
    pub(super) async fn counted(&mut self, wanted: impl Fn(&FeedReport) -> bool) {
        while !wanted(&self.report) {
            self.hear().await;
        }
    }

    /// Stops the feed and takes the rest.
    pub(super) async fn stop(mut self) -> Self {
        if let Some(stop) = self.stop.take() {
            stop.send(()).expect("a feed that runs");
        }
        self.until(|signal| *signal == FeedSignal::Ended).await;
        self
    }

    async fn hear(&mut self) -> Option<FeedSignal> {
        let signal = timeout(DEADLINE, self.signals.recv()).await;
        let Ok(signal) = signal else {
            panic!("nothing for {DEADLINE:?} after {:?}", self.story);
        };
        match signal.expect("the feed goes on") {
            FeedSignal::Trades(batch) => self.trades.extend(texts(&batch)),
            FeedSignal::Heard { .. } => {}
            FeedSignal::Report(report) => {
                self.report.frames += report.frames;
                self.report.trades += report.trades;
                self.report.repeated_frames += report.repeated_frames;
                self.report.collapsed_frames += report.collapsed_frames;
                self.report.paired_frames += report.paired_frames;
                self.report.bad.merge(report.bad);
            }
            signal => {
                let shown = format!("{signal:?}");
                assert!(!shown.contains(TOKEN), "{shown}");
                self.story.push(signal.clone());
                return Some(signal);
            }
        }
        None
    }
}

pub(super) fn list(symbols: &[&str]) -> Vec<String> {
    symbols.iter().map(|symbol| (*symbol).to_owned()).collect()
}

pub(super) fn is_connected(signal: &FeedSignal) -> bool {
    matches!(signal, FeedSignal::Connected { .. })
}

pub(super) fn is_subscribed(signal: &FeedSignal) -> bool {
    matches!(signal, FeedSignal::Subscribed { .. })
}

pub(super) fn is_disconnected(signal: &FeedSignal) -> bool {
    matches!(signal, FeedSignal::Disconnected { .. })
}

pub(super) fn is_refused(signal: &FeedSignal) -> bool {
    matches!(signal, FeedSignal::Refused { .. })
}
