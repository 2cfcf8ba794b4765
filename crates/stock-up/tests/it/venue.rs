//! `venue serve`, and `doctor`, which tries it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::cli::{Ran, command, fixture, run};

/// A running venue; ends with the test.
struct Venue {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Venue {
    fn start(args: &[&str]) -> Self {
        let tape = fixture("replay/small.csv");
        let mut child = command()
            .args(["venue", "serve", "--tape", &tape, "--listen", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// The address on the next line, which begins so.
    fn address(&mut self, begin: &str) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end()
            .strip_prefix(begin)
            .unwrap_or_else(|| panic!("{line}"))
            .to_owned()
    }

    /// Asks it to end as a service manager does.
    fn terminate(mut self) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        self.child
            .wait()
            .unwrap()
            .code()
            .expect("it ends by itself")
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_venue_says_where_it_is_takes_faults_and_ends_when_told() {
    let mut venue = Venue::start(&["--speed", "max", "--hold", "--control", "127.0.0.1:0"]);
    venue.address("venue at ws://127.0.0.1:");
    let control = venue.address("control at http://");
    let ask = |request: &str| {
        let mut stream = TcpStream::connect(&control).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
    let body = r#"{"action":"mute"}"#;
    let head = "POST /control HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let answer = ask(&format!(
        "{head}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(venue.terminate(), 0);
}

#[test]
fn controls_are_not_open_to_other_machines() {
    let tape = fixture("replay/small.csv");
    let args = [
        "venue",
        "serve",
        "--tape",
        &tape,
        "--listen",
        "127.0.0.1:0",
        "--control",
        "0.0.0.0:0",
    ];
    let ran = run(args);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.err.contains("is not a loopback address\n"),
        "{}",
        ran.err
    );
}

#[test]
fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, tape) = (
        taken.local_addr().unwrap().to_string(),
        fixture("replay/small.csv"),
    );
    let ran = run(["venue", "serve", "--tape", &tape, "--listen", &address]);
    let expected = format!(
        "error: cannot listen on {address}; give another address, or port 0 for a free one: "
    );
    assert!(ran.err.starts_with(&expected), "{}", ran.err);
    assert_eq!(ran.code, 2);
}

fn doctor(venue: &str, listen: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock-up.toml");
    let data = folder.path().join("data");
    let config = format!(
        "data_dir = \"{}\"\n[serve]\nlisten = \"{listen}\"\n[venue]\n{venue}",
        data.display()
    );
    fs::write(&file, config).unwrap();
    let ran = run(["doctor", "--config", file.to_str().unwrap()]);
    assert!(!data.exists(), "it makes nothing");
    ran
}

#[test]
fn a_doctor_tells_good_from_wrong() {
    let ran = doctor("type = \"demo\"\n", "127.0.0.1:0");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert_eq!(
        ran.out
            .lines()
            .filter(|line| line.starts_with("ok     "))
            .count(),
        4,
        "{}",
        ran.out
    );

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = doctor("type = \"demo\"\n", &address);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (1, "error: something is wrong; see above\n")
    );
    assert!(
        ran.out
            .contains(&format!("wrong  page: cannot listen on {address}; ")),
        "{}",
        ran.out
    );
}

#[test]
fn a_doctor_tries_the_venue_and_shows_no_token() {
    let mut venue = Venue::start(&["--token", "CANARY-7f3a"]);
    let address = venue.address("venue at ");
    let with = |server: &str, token: &str| {
        doctor(
            &format!("type = \"finnhub\"\nserver = \"{server}\"\ntoken = \"{token}\"\n"),
            "127.0.0.1:0",
        )
    };
    let good = with(&address, "CANARY-7f3a");
    assert_eq!((good.code, good.err.as_str()), (0, ""), "{}", good.out);
    assert!(
        good.out
            .contains(&format!("ok     venue: {address} lets us in\n")),
        "{}",
        good.out
    );
    let wrong = with(&address, "CANARY-other");
    assert_eq!(wrong.code, 4, "{}", wrong.out);
    assert!(
        wrong
            .out
            .contains("answered 401 Unauthorized to the handshake: the token is missing or wrong"),
        "{}",
        wrong.out
    );
    let nobody = with("ws://127.0.0.1:9", "CANARY-7f3a");
    assert_eq!(nobody.code, 1, "{}", nobody.out);
    assert!(
        nobody
            .out
            .contains("wrong  venue: ws://127.0.0.1:9: cannot connect: "),
        "{}",
        nobody.out
    );
    for ran in [good, wrong, nobody] {
        assert!(
            !ran.out.contains("CANARY") && !ran.err.contains("CANARY"),
            "{}{}",
            ran.out,
            ran.err
        );
    }
}
