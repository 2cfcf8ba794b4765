//! Analyzers that share the work: partitions move from one to another while trades flow, and every
//! point comes once and as if one analyzer had done it all.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::ok;
use crate::influxdb::{Case, Points, points, tape};
use crate::process::{Server, TOKEN, wait};
use crate::redis::Redis;
use crate::roles::{Broker, Ends, number};

const PARTITIONS: u32 = 6;

const SYMBOLS: [&str; 12] = [
    "AAPL", "AMZN", "BAC", "GE", "GOOG", "IBM", "INTC", "KO", "MSFT", "ORCL", "SPY", "XOM",
];

/// Everything that the analyzers have in common.
struct Stage {
    case: Case,
    broker: Broker,
    redis: Redis,
}

impl Stage {
    /// A minute of trades at the speed of [`Stage::collect`]; `None` without the servers.
    fn new(test: &str) -> Option<Self> {
        let broker = Broker::kafka(test, PARTITIONS)?;
        let case = Case::with_tape(test, &tape(24_000, &SYMBOLS))?;
        let redis = Redis::start()?;
        Some(Self {
            case,
            broker,
            redis,
        })
    }

    /// Role collect over the tape, which takes about a minute.
    fn collect(&self) -> (Server, Ends) {
        let venue = Server::venue(&self.case.tape(), &["--speed", "50"]);
        let dir = self.case.folder.path().join("collect");
        let symbols = SYMBOLS.join(",");
        let args = ["--symbols", &symbols, "--until-idle", "4s"];
        let mut collect = self.broker.role("collect", &dir, &args);
        collect
            .env("QUOTE_SERVER", format!("ws://{}", venue.address))
            .env("QUOTE_API_TOKEN", TOKEN)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let collect = Ends(collect.spawn().unwrap());
        (venue, collect)
    }

    /// Role analyze in a folder of its own, as on a machine of its own.
    fn analyze(&self, name: &str, more: &[&str]) -> Server {
        Server::start(self.command(name, more))
    }

    fn command(&self, name: &str, more: &[&str]) -> Command {
        let dir = self.case.folder.path().join(name);
        let mut analyze = self.broker.role("analyze", &dir, more);
        self.case.points_to(&mut analyze, &self.case.server);
        analyze.env("STOCK_UP__REDIS__URL", self.redis.options().url);
        analyze
    }

    fn expected(&self) -> Points {
        points(&ok(&["replay", self.case.tape().to_str().unwrap()]))
    }

    /// What the stores of `analyzers` hold together; where two hold a point, they must agree.
    fn union(&self, analyzers: &[&str]) -> Points {
        let mut union = Points::new();
        for name in analyzers {
            let dir = self.case.folder.path().join(name);
            for (point, numbers) in fs::read_dir(dir)
                .unwrap()
                .flat_map(|e| series(&e.unwrap().path()))
            {
                merge(&mut union, point, numbers);
            }
        }
        union
    }
}

/// The series of a partition; none of what is no partition.
fn series(dir: &Path) -> Points {
    if !dir.join("source.toml").exists() {
        return Points::new();
    }
    points(&ok(&["export", "series", dir.to_str().unwrap()]))
}

/// The higher revision counts, and equal ones are equal.
fn merge(union: &mut Points, point: (String, String, i64), numbers: Vec<String>) {
    let revision = |numbers: &[String]| numbers.last().unwrap().parse::<u64>().unwrap();
    match union.get(&point) {
        Some(held) if revision(held) > revision(&numbers) => {}
        Some(held) if revision(held) == revision(&numbers) => {
            assert_eq!(held, &numbers, "two analyzers differ at {point:?}");
        }
        _ => drop(union.insert(point, numbers)),
    }
}

#[track_caller]
fn are_equal(what: &str, found: &Points, expected: &Points) {
    let differs = expected
        .iter()
        .find(|(point, numbers)| found.get(*point) != Some(numbers));
    assert!(
        differs.is_none(),
        "{what}: {differs:?} is {:?}",
        differs.and_then(|(point, _)| found.get(point))
    );
    assert_eq!(found.len(), expected.len(), "{what}");
    assert!(found.len() > 1_000, "{what}: {}", found.len());
}

fn metric(analyzer: &Server, name: &str) -> u64 {
    let text = analyzer.get("/metrics").unwrap_or_default();
    number(&text, name).unwrap_or(0)
}

/// Waits until each of these has that many partitions.
#[track_caller]
fn shared_out(analyzers: &[(&Server, u32)]) {
    let have = |(analyzer, wanted): &(&Server, u32)| {
        metric(analyzer, "stock_up_queue_partitions") == u64::from(*wanted)
    };
    wait(&format!("{PARTITIONS} partitions shared out"), || {
        analyzers.iter().all(have).then_some(())
    });
}

/// Waits until each of these has emitted more points than it had.
#[track_caller]
fn are_at_work(analyzers: &[&Server]) {
    let emitted = |analyzer: &&Server| metric(analyzer, "stock_up_points_emitted_total");
    let before: Vec<u64> = analyzers.iter().map(emitted).collect();
    wait("more points of every analyzer", || {
        let now = analyzers.iter().map(emitted);
        now.zip(&before)
            .all(|(now, before)| now > before + 50)
            .then_some(())
    });
}

#[test]
fn partitions_move_between_analyzers_while_trades_flow_and_no_point_is_lost_or_doubled() {
    let Some(stage) = Stage::new("handover") else {
        return;
    };
    let first = stage.analyze("first", &[]);
    let (_venue, mut collect) = stage.collect();
    shared_out(&[(&first, PARTITIONS)]);
    are_at_work(&[&first]);

    // A second one begins: half of the partitions go to it, with their states.
    let half = PARTITIONS / 2;
    let second = stage.analyze("second", &[]);
    shared_out(&[(&first, half), (&second, half)]);
    are_at_work(&[&first, &second]);

    // It is killed: they go back as it had shared them.
    second.kill();
    shared_out(&[(&first, PARTITIONS)]);
    are_at_work(&[&first]);

    // It comes back, and now the first is asked to end.
    let mut second = stage.analyze("second", &["--until-idle", "10s"]);
    shared_out(&[(&first, half), (&second, half)]);
    are_at_work(&[&first, &second]);
    // What the other had sent to the database is not missing there.
    for analyzer in [&first, &second] {
        let text = analyzer.get("/metrics").unwrap();
        assert!(!text.contains("stock_up_influxdb_dropped_total{"), "{text}");
        for service in ["redis", "queue"] {
            let connected = format!("stock_up_service_connected{{service=\"{service}\"}} 1\n");
            assert!(text.contains(&connected), "{text}");
        }
    }
    first.end();
    shared_out(&[(&second, PARTITIONS)]);
    are_at_work(&[&second]);
    assert!(
        collect.0.try_wait().unwrap().is_none(),
        "the tape was over before the partitions had moved: it must be longer"
    );
    assert!(collect.0.wait().unwrap().success(), "collect failed");
    second.ended();

    let expected = stage.expected();
    are_equal("the stores", &stage.union(&["first", "second"]), &expected);
    are_equal("the database", &stage.case.stored(), &expected);
}
