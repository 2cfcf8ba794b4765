//! Points on their way to a real `InfluxDB`, through outages, restarts and `kill -9`: in the end it
//! holds what `export series` says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::cli::{Ran, ok};
use crate::influxdb2::Owner;
use crate::needs;
use crate::process::{Server, TOKEN, run, wait};

const SERVER: &str = "STOCK_UP_TEST_INFLUXDB";
const START: i64 = 1_381_219_217_034_000_000;

/// Symbol, window and time in ns, to the numbers.
pub(crate) type Points = BTreeMap<(String, String, i64), Vec<String>>;

/// Host and port of the real server, if there is one.
fn server(test: &str) -> Option<String> {
    let url = needs::server(SERVER, test)?;
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    Some(address.to_owned())
}

/// A way to the server that can be cut: then nobody listens and every connection is reset.
#[derive(Clone)]
pub(crate) struct Gate {
    address: String,
    is_open: Arc<AtomicBool>,
    passing: Arc<Mutex<Vec<TcpStream>>>,
}

impl Gate {
    pub(crate) fn new(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Self {
            address: listener.local_addr().unwrap().to_string(),
            is_open: Arc::new(AtomicBool::new(true)),
            passing: Arc::default(),
        };
        let (inner, server) = (gate.clone(), server.to_owned());
        thread::spawn(move || {
            for client in listener.incoming() {
                inner.meet(&client.unwrap(), &server);
            }
        });
        gate
    }

    fn meet(&self, client: &TcpStream, server: &str) {
        if self.is_open.load(Ordering::SeqCst) {
            self.pass(client, &TcpStream::connect(server).unwrap());
        }
    }

    fn pass(&self, client: &TcpStream, server: &TcpStream) {
        let clone = |stream: &TcpStream| stream.try_clone().unwrap();
        self.passing
            .lock()
            .unwrap()
            .extend([clone(client), clone(server)]);
        for (mut from, mut to) in [
            (clone(client), clone(server)),
            (clone(server), clone(client)),
        ] {
            thread::spawn(move || {
                // Cut connections are what this is for.
                drop(std::io::copy(&mut from, &mut to));
                drop(to.shutdown(Shutdown::Both));
            });
        }
    }

    pub(crate) fn cut(&self) {
        self.is_open.store(false, Ordering::SeqCst);
        for stream in self.passing.lock().unwrap().drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    pub(crate) fn mend(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }
}

pub(crate) struct Case {
    pub(crate) folder: tempfile::TempDir,
    /// Host and port.
    pub(crate) server: String,
    pub(crate) database: String,
    /// Whose bucket it is, in 2.x.
    pub(crate) owner: Option<Owner>,
}

impl Case {
    fn new(test: &str, rows: u32) -> Option<Self> {
        Self::with_tape(test, &tape(rows, &["IBM", "SPY"]))
    }

    pub(crate) fn with_tape(test: &str, tape: &str) -> Option<Self> {
        Some(Self::at(server(test)?, test, tape, None))
    }

    pub(crate) fn at(server: String, test: &str, tape: &str, owner: Option<Owner>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tape.csv"), tape).unwrap();
        let database = format!("e2e_{test}_{}", std::process::id());
        Self {
            folder,
            server,
            database,
            owner,
        }
    }

    pub(crate) fn tape(&self) -> PathBuf {
        self.folder.path().join("tape.csv")
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `run` with points going to the database through `gate`.
    pub(crate) fn run(&self, venue: &Server, gate: &Gate, more: &[&str]) -> Command {
        let mut command = run(
            venue,
            &self.dir(),
            &[&["--symbols", "IBM,SPY"], more].concat(),
        );
        self.points_to(&mut command, &gate.address);
        command
    }

    /// Lets the points of a process go to the database, whose server is at `address`.
    pub(crate) fn points_to(&self, command: &mut Command, address: &str) {
        command
            .env("STOCK_UP__INFLUXDB__URL", format!("http://{address}"))
            .env("STOCK_UP__INFLUXDB__CREATE", "true")
            .env("STOCK_UP__INFLUXDB__RETENTION", "0s");
        match &self.owner {
            None => command
                .env("STOCK_UP__INFLUXDB__DATABASE", &self.database)
                .env("STOCK_UP__INFLUXDB__USER", "stock")
                .env("STOCK_UP__INFLUXDB__PASSWORD", TOKEN),
            Some(owner) => command
                .env("STOCK_UP__INFLUXDB__VERSION", "2")
                .env("STOCK_UP__INFLUXDB__ORG", &owner.org)
                .env("STOCK_UP__INFLUXDB__BUCKET", &self.database)
                .env("STOCK_UP__INFLUXDB__TOKEN", &owner.token),
        };
    }

    /// The answer to a query as rows of cells, times in ns. As CSV: a number keeps its digits.
    pub(crate) fn query(&self, text: &str) -> Vec<Vec<String>> {
        let text: String = text.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "%{byte:02X}").unwrap();
            text
        });
        let body = format!("q={text}&epoch=ns&db={}", self.database);
        let kinds = "content-type: application/x-www-form-urlencoded\r\naccept: application/csv";
        let body = self.ask("POST /query", kinds, &body);
        let cells = |line: &str| line.split(',').map(str::to_owned).collect();
        body.lines()
            .filter(|line| !line.starts_with("name,"))
            .map(cells)
            .collect()
    }

    /// Asks over HTTP/1.0, where an answer comes in one piece: the body of that.
    pub(crate) fn ask(&self, line: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.server).unwrap();
        let key = self.owner.as_ref().map_or_else(String::new, Owner::header);
        let length = body.len();
        write!(
            stream,
            "{line} HTTP/1.0\r\n{headers}\r\n{key}content-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        body.to_owned()
    }

    /// The points of the layout `wide`, as the database has them.
    pub(crate) fn stored(&self) -> Points {
        let mut points = Points::new();
        let columns = [
            "transactions",
            "volume",
            "last_price",
            "min_price",
            "max_price",
            "avg_price_trans",
            "avg_price_volume",
            "variance",
            "status",
            "coverage",
            "revision",
        ];
        let text = format!(
            "SELECT symbol, \"window\", {} FROM stock_window",
            columns.join(", ")
        );
        for row in self.query(&text) {
            // The name of the measurement, tags, time.
            let name = (row[3].clone(), row[4].clone(), row[2].parse().unwrap());
            points.insert(name, row[5..].iter().map(|cell| plain(cell)).collect());
        }
        points
    }

    /// The same as our own store has them: of each point the last revision.
    fn exported(&self) -> Points {
        points(&ok(&["export", "series", self.dir().to_str().unwrap()]))
    }

    #[track_caller]
    pub(crate) fn is_equal(&self) {
        let (stored, exported) = (self.stored(), self.exported());
        let differs = exported
            .iter()
            .find(|(name, numbers)| stored.get(name) != Some(numbers));
        assert!(
            differs.is_none(),
            "{differs:?} is {:?} in the database",
            differs.and_then(|(name, _)| stored.get(name))
        );
        assert_eq!(stored.len(), exported.len());
        assert!(stored.len() > 100, "{}", stored.len());
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        if self.owner.is_some() {
            self.remove_bucket();
        } else {
            self.query(&format!("DROP DATABASE {}", self.database));
        }
    }
}

/// Rows of `export series` or `replay`: of each point the last.
pub(crate) fn points(csv: &str) -> Points {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let numbers = cells[3..].iter().map(|cell| plain(cell));
        let name = (
            cells[1].to_owned(),
            cells[2].to_owned(),
            cells[0].parse().unwrap(),
        );
        (name, numbers.collect())
    };
    csv.lines().skip(1).map(row).collect()
}

/// A number in one spelling, anything else as it is.
fn plain(cell: &str) -> String {
    match cell.parse::<f64>() {
        Ok(number) => number.to_string(),
        Err(_) => cell.to_owned(),
    }
}

/// Trades of some symbols, every fiftieth of them late.
pub(crate) fn tape(rows: u32, symbols: &[&str]) -> String {
    let mut text = String::from("timestamp_ns,symbol,price,size,conditions\n");
    let (mut time, mut random) = (START, 88_172_645_463_325_252_u64);
    for row in 0..rows {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let pick = |range: u64| random % range;
        time += [0, 0, 1, 3, 40, 700][usize::try_from(pick(6)).unwrap()] * 1_000_000;
        let late = if row % 50 == 0 { 3_000_000_000 } else { 0 };
        let symbol = symbols[usize::try_from(pick(symbols.len() as u64)).unwrap()];
        let cents = pick(40);
        writeln!(
            text,
            "{},{symbol},167.{cents:02},{},",
            time - late,
            1 + pick(500)
        )
        .unwrap();
    }
    text
}

pub(crate) fn sent(process: &Server) -> u64 {
    let metrics = process.get("/metrics").unwrap_or_default();
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("stock_up_influxdb_points_total "));
    line.map_or(0, |count| count.parse().unwrap())
}

fn no_secret_in(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let found = bytes
                .windows(TOKEN.len())
                .any(|part| part == TOKEN.as_bytes());
            assert!(!found, "the password is in {}", path.display());
        }
    }
}

#[test]
fn a_captured_tape_is_in_influxdb_point_for_point_when_run_ends() {
    let Some(case) = Case::new("whole", 20_000) else {
        return;
    };
    let (venue, gate) = (
        Server::venue(&case.tape(), &["--speed", "max"]),
        Gate::new(&case.server),
    );
    let ran = Ran::from(
        case.run(&venue, &gate, &["--until-idle", "2s"])
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        !(ran.out + &ran.err).contains(TOKEN),
        "the password was shown"
    );
    case.is_equal();
    no_secret_in(&case.dir());
}

#[test]
fn an_outage_is_caught_up_while_running_and_after_a_restart() {
    let Some(case) = Case::new("outage", 20_000) else {
        return;
    };
    let (venue, gate) = (
        Server::venue(&case.tape(), &["--speed", "600"]),
        Gate::new(&case.server),
    );
    let process = Server::start(case.run(&venue, &gate, &[]));
    wait("points in InfluxDB", || {
        (sent(&process) > 200).then_some(())
    });
    gate.cut();
    process.wait_for(
        "/metrics",
        "stock_up_influxdb_failures_total{reason=\"unavailable\"}",
    );
    let lag = || {
        let metrics = process.get("/metrics").unwrap_or_default();
        let lag = metrics
            .lines()
            .find_map(|line| line.strip_prefix("stock_up_influxdb_lag_points "));
        lag.map_or(0, |lag| lag.parse::<u64>().unwrap())
    };
    process.wait_for("/readyz", "200 OK");
    let before = sent(&process);
    gate.mend();
    wait("the rest", || {
        (sent(&process) > before && lag() == 0).then_some(())
    });
    // Now away while we end, and while we are away.
    gate.cut();
    process.kill();
    let all = ["--until-idle", "2s"];
    let ran = Ran::from(case.run(&venue, &gate, &all).output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.contains("points are left for InfluxDB"),
        "{}",
        ran.err
    );
    gate.mend();
    let ran = Ran::from(case.run(&venue, &gate, &all).output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    case.is_equal();
}

#[test]
fn kill_nine_in_the_middle_leaves_the_database_equal_in_the_end() {
    let Some(case) = Case::new("kill", 40_000) else {
        return;
    };
    let speed = ["--speed", "1000", "--hold"];
    let (venue, gate) = (Server::venue(&case.tape(), &speed), Gate::new(&case.server));
    let mut random = 11_u64;
    for round in 0..6 {
        let process = Server::start(case.run(&venue, &gate, &[]));
        process.wait_for("/readyz", "200 OK");
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let more = (random >> 33) % 60;
        wait("some points", || (sent(&process) > more).then_some(()));
        if round % 3 == 2 {
            gate.cut();
        }
        process.kill();
        gate.mend();
    }
    let ran = Ran::from(
        case.run(&venue, &gate, &["--until-idle", "2s"])
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    case.is_equal();
}

#[test]
fn the_variables_of_the_seed_system_write_its_measurements() {
    let Some(case) = Case::new("seed", 5_000) else {
        return;
    };
    case.query(&format!("CREATE DATABASE {}", case.database));
    let venue = Server::venue(&case.tape(), &["--speed", "max"]);
    let (host, port) = case.server.split_once(':').unwrap();
    let mut command = run(
        &venue,
        &case.dir(),
        &["--symbols", "IBM,SPY", "--until-idle", "2s"],
    );
    command
        .env("INFLUXDB_HOST", host)
        .env("INFLUXDB_PORT", port)
        .env("INFLUXDB_USER", "stock")
        .env("INFLUXDB_PASSWORD", TOKEN)
        .env("INFLUXDB_DB_NAME", &case.database);
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let points = case.exported();
    let columns = [
        "transactions",
        "volume",
        "last_price",
        "min_price",
        "max_price",
        "avg_price_trans",
        "avg_price_volume",
    ];
    for (index, measurement) in columns.iter().enumerate() {
        let rows = case.query(&format!("SELECT symbol, value FROM {measurement}"));
        let stored: BTreeMap<(String, i64), String> = rows
            .into_iter()
            .map(|row| ((row[3].clone(), row[2].parse().unwrap()), plain(&row[4])))
            .collect();
        let expected: BTreeMap<(String, i64), String> = points
            .iter()
            .filter(|((_, window, _), numbers)| window == "60s" && !numbers[index].is_empty())
            .map(|((symbol, _, time), numbers)| ((symbol.clone(), *time), numbers[index].clone()))
            .collect();
        let differs = expected
            .iter()
            .find(|(name, value)| stored.get(name) != Some(value));
        assert_eq!(differs, None, "{measurement}");
        assert_eq!(stored.len(), expected.len(), "{measurement}");
        assert!(stored.len() > 100);
    }
    let types = case.query("SHOW FIELD KEYS FROM transactions, volume");
    assert!(
        types.len() == 2 && types.iter().all(|row| row[3] == "integer"),
        "{types:?}"
    );
}
