//! Roles as processes of their own, with a real broker between them: point for point what one
//! process gives.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use crate::capture::tape;
use crate::cli::{Ran, command, ok};
use crate::needs;
use crate::process::{Server, TOKEN, wait};

pub(crate) const SYMBOLS: &str = "BAC,IBM,SPY";

/// With so many partitions, and with no fewer, each of them has one of its own.
const PARTITIONS: u32 = 7;

/// The metric that counts the trades which a process has applied.
const APPLIED: &str = "stock_up_trades_applied_total ";

/// How a broker is told to the processes; the names are this test's own.
pub(crate) struct Broker {
    pub(crate) name: String,
    variables: Vec<(String, String)>,
}

impl Broker {
    pub(crate) fn kafka(test: &str, partitions: u32) -> Option<Self> {
        let brokers = needs::server("STOCK_UP_TEST_KAFKA", test)?;
        let name = unique(test);
        Some(Self::of(
            &name,
            &[
                ("MESSAGE_QUEUE_TYPE", "kafka"),
                ("KAFKA_BROKERS", &brokers),
                ("KAFKA_TOPIC", &name),
                ("STOCK_UP__QUEUE__KAFKA__GROUP", &name),
                (
                    "STOCK_UP__QUEUE__KAFKA__CREATE__PARTITIONS",
                    &partitions.to_string(),
                ),
            ],
        ))
    }

    /// `kind` is that of the queue; the server's address holds the login.
    pub(crate) fn rabbitmq(test: &str, kind: &str) -> Option<Self> {
        let url = needs::server("STOCK_UP_TEST_RABBITMQ", test)?;
        let streams = needs::server("STOCK_UP_TEST_RABBITMQ_STREAM", test)?;
        let rest = url.trim_start_matches("amqp://");
        let (login, place) = rest.split_once('@').unwrap();
        let (user, password) = login.split_once(':').unwrap();
        let (host, vhost) = place.split_once('/').unwrap();
        let (host, port) = host.split_once(':').unwrap();
        let stream_port = streams.rsplit(':').next().unwrap();
        let name = unique(test);
        Some(Self::of(
            &name,
            &[
                ("MESSAGE_QUEUE_TYPE", "rmq"),
                ("RMQ_HOST", host),
                ("RMQ_VHOST", vhost),
                ("RMQ_USER", user),
                ("RMQ_PASSWORD", password),
                ("RMQ_EXCHANGE", &name),
                ("RMQ_QUEUE_QUOTES", &name),
                ("STOCK_UP__QUEUE__RABBITMQ__PORT", port),
                ("STOCK_UP__QUEUE__RABBITMQ__STREAM_PORT", stream_port),
                ("STOCK_UP__QUEUE__RABBITMQ__QUEUE_TYPE", kind),
            ],
        ))
    }

    fn of(name: &str, variables: &[(&str, &str)]) -> Self {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Self {
            name: name.to_owned(),
            variables: variables.iter().map(owned).collect(),
        }
    }

    /// The same broker with another topic, which nobody has written to.
    pub(crate) fn with_new_topic(&self) -> Self {
        let name = unique(&self.name);
        let mut variables = self.variables.clone();
        for (key, value) in &mut variables {
            if key == "KAFKA_TOPIC" || key == "STOCK_UP__QUEUE__KAFKA__GROUP" {
                value.clone_from(&name);
            }
        }
        Self { name, variables }
    }

    /// `run` with this role, over the broker.
    pub(crate) fn role(&self, role: &str, dir: &Path, more: &[&str]) -> Command {
        let mut command = command();
        command
            .args(["run", "--role", role, "--listen", "127.0.0.1:0"])
            .args(["--data-dir", dir.to_str().unwrap()])
            .args(more)
            .envs(self.variables.iter().map(|(key, value)| (key, value)));
        command
    }
}

/// A name that no other run of any test has.
pub(crate) fn unique(test: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let random = folder.path().file_name().unwrap().to_string_lossy();
    let random: String = random.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{test}-{}-{random}", std::process::id())
}

/// A tape, and folders for the processes.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    pub(crate) tape: PathBuf,
    /// They serve the tape until the test ends.
    venues: RefCell<Vec<Server>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape.csv");
        fs::write(&path, tape(20_000, 4_000)).unwrap();
        Self {
            folder,
            tape: path,
            venues: RefCell::default(),
        }
    }

    pub(crate) fn dir(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Role collect over the tape, to its end.
    pub(crate) fn collect(&self, broker: &Broker, more: &[&str]) -> Command {
        let speed = ["--speed", "max"];
        let venue = Server::venue(&self.tape, if more.is_empty() { &speed } else { more });
        let args = ["--symbols", SYMBOLS, "--until-idle", "2s"];
        let mut collect = broker.role("collect", &self.dir("collect"), &args);
        collect
            .env("QUOTE_SERVER", format!("ws://{}", venue.address))
            .env("QUOTE_API_TOKEN", TOKEN);
        self.venues.borrow_mut().push(venue);
        collect
    }

    /// What `replay` makes of the tape, without its header, sorted.
    pub(crate) fn expected(&self) -> Vec<String> {
        sorted(&ok(&["replay", self.tape.to_str().unwrap()]))
    }

    /// The series of all partitions below `dir`, together.
    pub(crate) fn series(&self, dir: &str) -> Vec<String> {
        let mut rows = Vec::new();
        for entry in fs::read_dir(self.dir(dir)).unwrap() {
            let path = entry.unwrap().path();
            if path.join("source.toml").exists() {
                rows.extend(sorted(&ok(&["export", "series", path.to_str().unwrap()])));
            }
        }
        rows.sort_unstable();
        rows
    }

    #[track_caller]
    fn is_whole(&self, dir: &str) {
        let (expected, found) = (self.expected(), self.series(dir));
        let first = expected.iter().zip(&found).find(|(a, b)| a != b);
        assert!(
            first.is_none(),
            "series of {dir}: first difference {first:?}"
        );
        assert_eq!(expected.len(), found.len(), "number of points of {dir}");
    }
}

fn sorted(text: &str) -> Vec<String> {
    let mut rows: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    rows.sort_unstable();
    rows
}

#[track_caller]
pub(crate) fn ran_well(command: &mut Command) {
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!(ran.out + &ran.err).contains(TOKEN), "the token was shown");
}

/// Ends a process when the test does.
pub(crate) struct Ends(pub(crate) Child);

impl Drop for Ends {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Three processes: one collects, one analyzes, one serves; all of them see every point.
fn as_one_process(broker: &Broker) {
    let stage = Stage::new();
    let idle = ["--until-idle", "8s"];
    // First of all, because a copy of a queue begins when it is made.
    let serve = Server::start(broker.role("serve", &stage.dir("serve"), &[]));
    serve.wait_for("/readyz", "200 OK");
    let mut analyze = Ends(
        broker
            .role("analyze", &stage.dir("analyze"), &idle)
            .spawn()
            .unwrap(),
    );
    ran_well(&mut stage.collect(broker, &[]));
    assert!(analyze.0.wait().unwrap().success(), "analyze failed");
    stage.is_whole("analyze");
    // Its own settings name no symbol: what `collect` has subscribed is what it shows.
    serve.wait_for("/api/v1/symbols", "\"symbol\":\"SPY\",\"subscribed\":true");
    let last = stage.expected();
    wait("the dashboard's own series", || {
        (stage.series("serve").len() == last.len()).then_some(())
    });
    stage.is_whole("serve");
}

#[test]
fn roles_over_kafka_give_what_one_process_gives() {
    if let Some(broker) = Broker::kafka("roles_over_kafka", PARTITIONS) {
        as_one_process(&broker);
    }
}

#[test]
fn roles_over_a_quorum_queue_give_what_one_process_gives() {
    if let Some(broker) = Broker::rabbitmq("roles_over_quorum", "quorum") {
        as_one_process(&broker);
    }
}

#[test]
fn roles_over_a_classic_queue_give_what_one_process_gives() {
    if let Some(broker) = Broker::rabbitmq("roles_over_classic", "classic") {
        as_one_process(&broker);
    }
}

#[test]
fn roles_over_a_stream_give_what_one_process_gives() {
    if let Some(broker) = Broker::rabbitmq("roles_over_stream", "stream") {
        as_one_process(&broker);
    }
}

/// Kills both roles in the middle, over and over; what they had done is neither lost nor doubled.
fn through_kills(broker: &Broker) {
    let stage = Stage::new();
    let idle = ["--until-idle", "5s"];
    ran_well(&mut stage.collect(broker, &[]));
    // The log is whole now: the publisher is made to go through it again from an older state.
    for round in 0..4_u64 {
        let analyze = Server::start(broker.role("analyze", &stage.dir("analyze"), &[]));
        analyze.wait_for("/metrics", "stock_up_trades_applied_total");
        wait("some points, then a kill", || {
            let text = analyze.get("/metrics").ok()?;
            let points = number(&text, "stock_up_points_emitted_total")?;
            (points > round * 500).then_some(())
        });
        analyze.kill();
    }
    ran_well(&mut broker.role("analyze", &stage.dir("analyze"), &idle));
    stage.is_whole("analyze");
}

/// The value of a metric.
pub(crate) fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn an_analyzer_over_kafka_survives_kills() {
    if let Some(broker) = Broker::kafka("kills_over_kafka", PARTITIONS) {
        through_kills(&broker);
    }
}

#[test]
fn an_analyzer_over_a_quorum_queue_survives_kills() {
    if let Some(broker) = Broker::rabbitmq("kills_over_quorum", "quorum") {
        through_kills(&broker);
    }
}

#[test]
fn an_analyzer_that_lost_its_state_gets_the_records_from_the_log_again() {
    let Some(broker) = Broker::rabbitmq("lost_state", "quorum") else {
        return;
    };
    let stage = Stage::new();
    let idle = ["--until-idle", "5s"];
    ran_well(&mut stage.collect(&broker, &[]));
    ran_well(&mut broker.role("analyze", &stage.dir("analyze"), &idle));
    stage.is_whole("analyze");

    // The queue has forgotten what was saved, and now the saved state is gone as well.
    fs::remove_dir_all(stage.dir("analyze")).unwrap();
    let analyze = Server::start(broker.role("analyze", &stage.dir("analyze"), &[]));
    analyze.wait_for("/readyz", "200 OK");
    let collect = Server::start(stage.collect(&broker, &["--fault", "mute"]));
    let expected = stage.expected().len();
    wait("the series to be whole again", || {
        (stage.series("analyze").len() >= expected).then_some(())
    });
    drop((collect, analyze));
    let found = stage.series("analyze");
    let missing = stage
        .expected()
        .into_iter()
        .find(|row| !found.contains(row));
    assert_eq!(missing, None, "{} was not sent again", broker.name);
}

/// A feed that never pauses leaves the publisher always something to do.
#[test]
fn an_analyzer_gets_old_records_again_while_new_ones_flow() {
    let Some(broker) = Broker::rabbitmq("busy", "quorum") else {
        return;
    };
    let stage = Stage::new();
    // Five minutes, a trade each 4 ms.
    let row = |n: u64| {
        let (ms, cents) = (1_381_240_800_000 + n * 4, 10 + n % 90);
        format!("{ms}000000,SPY,171.{cents},100,")
    };
    let head = "timestamp_ns,symbol,price,size,conditions".to_owned();
    let rows: Vec<String> = std::iter::once(head).chain((0..75_000).map(row)).collect();
    fs::write(&stage.tape, rows.join("\n")).unwrap();
    let start = |role: &str| Server::start(broker.role(role, &stage.dir(role), &[]));
    let applied = |analyze: &Server| {
        let page = analyze.get("/metrics").ok()?;
        let line = page.lines().find(|line| line.starts_with(APPLIED))?;
        let count: u64 = line.rsplit(' ').next()?.parse().ok()?;
        (count > 0).then_some(())
    };
    let analyze = start("analyze");
    let mut collect = stage.collect(&broker, &["--speed", "1"]);
    collect.env("STOCK_UP__LOG__COMMIT_LATENCY", "1ms");
    let _collect = Server::start(collect);
    wait("the first trades", || applied(&analyze));
    analyze.end();
    fs::remove_dir_all(stage.dir("analyze")).unwrap();
    let analyze = start("analyze");
    wait("the records from the first on", || applied(&analyze));
}

/// What records tell of the feed and its symbols they tell once: whoever reads on after a restart
/// knows it still.
#[test]
fn a_process_without_the_feed_knows_the_venue_after_a_restart() {
    let Some(broker) = Broker::kafka("venue_known", 2) else {
        return;
    };
    let stage = Stage::new();
    // Without a token: the simulated market.
    let collect = Server::start(broker.role("collect", &stage.dir("collect"), &[]));
    let told = [
        "\"venue\":\"demo\"",
        "\"simulated\":true",
        "\"state\":\"live\"",
    ];
    let roles = ["analyze", "serve"].map(|role| (role, stage.dir(role)));
    let start = |(role, dir): &(&str, PathBuf)| Server::start(broker.role(role, dir, &[]));
    for process in roles.each_ref().map(start) {
        for text in told {
            process.wait_for("/api/v1/symbols", text);
        }
        process.wait_for("/api/v1/symbols", "\"rows\":[{");
        process.end();
    }
    collect.end();
    for process in roles.each_ref().map(start) {
        for text in [told[0], told[1], "\"subscribed\":true"] {
            process.wait_for("/api/v1/symbols", text);
        }
    }
}

/// It waited for the broker, or a second signal, with everything safe in its log.
#[cfg(feature = "rabbitmq")]
#[test]
fn a_collect_that_is_told_to_stop_does_not_wait_for_a_broker_that_is_away() {
    let stage = Stage::new();
    let away = Broker::of(
        "away",
        &[
            ("MESSAGE_QUEUE_TYPE", "rmq"),
            ("RMQ_HOST", "127.0.0.1"),
            // Nobody listens there.
            ("STOCK_UP__QUEUE__RABBITMQ__PORT", "9"),
            ("RMQ_USER", "nobody"),
            ("RMQ_PASSWORD", "none"),
        ],
    );
    let venue = Server::venue(&stage.tape, &["--speed", "1000", "--hold"]);
    let mut command = away.role("collect", &stage.dir("collect"), &["--symbols", SYMBOLS]);
    command
        .env("QUOTE_SERVER", format!("ws://{}", venue.address))
        .env("QUOTE_API_TOKEN", TOKEN);
    let collect = Server::start(command);
    wait("trades in the log", || {
        let text = collect.get("/metrics").ok()?;
        (number(&text, "stock_up_trades_received_total")? > 0).then_some(())
    });
    collect.end();
}
