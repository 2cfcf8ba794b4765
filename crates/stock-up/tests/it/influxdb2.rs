//! The same with a real `InfluxDB` 2.x, and what `doctor` says of it.

use std::env;

use serde_json::Value;

use crate::cli::{Ran, command};
use crate::influxdb::{Case, Gate, sent, tape};
use crate::needs;
use crate::process::{Server, wait};

const SERVER: &str = "STOCK_UP_TEST_INFLUXDB2";
const JSON: &str = "content-type: application/json";

/// Whose bucket it is.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) org: String,
    pub(crate) token: String,
}

impl Owner {
    fn from_environment() -> Self {
        let more = |name: &str| {
            let variable = format!("{SERVER}_{name}");
            env::var(&variable).unwrap_or_else(|_| panic!("{SERVER} is set, {variable} is not"))
        };
        Self {
            org: more("ORG"),
            token: more("TOKEN"),
        }
    }

    /// The header that lets in, with its line end.
    pub(crate) fn header(&self) -> String {
        format!("authorization: Token {}\r\n", self.token)
    }
}

impl Case {
    fn with_bucket(test: &str, rows: u32) -> Option<Self> {
        let url = needs::rare_server(SERVER, "influxdb2", test)?;
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let (tape, owner) = (tape(rows, &["IBM", "SPY"]), Owner::from_environment());
        Some(Self::at(address.to_owned(), test, &tape, Some(owner)))
    }

    /// What has no body: one that nobody reads would be answered with a reset.
    fn ask_json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ask(line, JSON, "")).unwrap_or_default()
    }

    /// The bucket is often not there any more, or not yet.
    pub(crate) fn remove_bucket(&self) {
        let line = format!("GET /api/v2/buckets?name={}", self.database);
        let found = self.ask_json(&line);
        if let Some(id) = found["buckets"][0]["id"].as_str() {
            self.ask_json(&format!("DELETE /api/v2/buckets/{id}"));
        }
    }

    /// What `doctor` says, with these variables on top.
    fn doctor(&self, variables: &[(&str, &str)]) -> Ran {
        let mut command = command();
        command
            .arg("doctor")
            .env("STOCK_UP__DATA_DIR", self.dir())
            .env("STOCK_UP__SERVE__LISTEN", "127.0.0.1:0");
        self.points_to(&mut command, &self.server);
        command.envs(variables.iter().copied());
        Ran::from(command.output().unwrap())
    }
}

#[test]
fn a_captured_tape_is_in_the_bucket_point_for_point_through_outage_and_kill_nine() {
    let Some(case) = Case::with_bucket("two", 20_000) else {
        return;
    };
    let (venue, gate) = (
        Server::venue(&case.tape(), &["--speed", "600", "--hold"]),
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
    process.kill();
    gate.mend();
    let all = ["--until-idle", "2s"];
    let ran = Ran::from(case.run(&venue, &gate, &all).output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let token = &case.owner.as_ref().unwrap().token;
    assert!(!(ran.out + &ran.err).contains(token), "the token was shown");
    case.is_equal();
}

#[test]
fn doctor_tells_a_bucket_that_run_creates_from_what_it_cannot_mend() {
    let Some(case) = Case::with_bucket("doctor", 1) else {
        return;
    };
    let check = |variables: &[(&str, &str)], code: i32, expected: &str| {
        let ran = case.doctor(variables);
        let line = ran.out.lines().find(|line| line.contains("influxdb: "));
        assert!(
            line.is_some_and(|line| line.contains(expected)),
            "{expected}: {}",
            ran.out
        );
        assert_eq!(ran.code, code, "{}", ran.out);
    };
    let create = "STOCK_UP__INFLUXDB__CREATE";
    check(&[], 0, "answers; the database is created by `run`");
    check(&[(create, "false")], 1, "create = true");
    let org = ("STOCK_UP__INFLUXDB__ORG", "nobody");
    check(&[org], 1, "correct [influxdb] org");
    let token = ("STOCK_UP__INFLUXDB__TOKEN", "wrong");
    check(&[token], 4, "refuses us (401)");
}
