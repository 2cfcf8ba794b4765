//! Checkpoints in Redis, as the binary's users meet them.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::cli::{Ran, command};
use crate::process::{run_alone, wait};
use crate::redis::Redis;
use crate::roles::Broker;

/// `run` with the simulated market, in `dir`, over the Redis at `url`.
fn run(dir: &Path, url: &str) -> Command {
    let mut run = run_alone(dir);
    run.env("STOCK_UP__REDIS__URL", url);
    run
}

/// The end of a process that is told to.
fn ended(child: Child) -> Output {
    child.wait_with_output().unwrap()
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(sent.success());
}

/// Something, once there is a state in Redis.
fn has_state(redis: &Redis) -> Option<()> {
    let key = redis.cli(&["--scan", "--pattern", "stock-up:checkpoint:*"]);
    (redis.cli(&["hexists", &key, "checkpoint"]) == "1").then_some(())
}

/// Takes the state of a data directory away, and leaves its log.
fn remove_store(dir: &Path) {
    let files = std::fs::read_dir(dir).unwrap();
    let paths = files.map(|entry| entry.unwrap().path());
    for path in paths.filter(|path| path.to_str().unwrap().contains("store.sqlite")) {
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_very_first_start_is_no_warning_and_a_lost_state_is() {
    let Some(redis) = Redis::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = redis.options().url;
    let said_until_shared = || {
        let mut run = run(folder.path(), &url);
        let run = run.stdout(Stdio::null()).stderr(Stdio::piped());
        let run = run.spawn().unwrap();
        wait("a shared checkpoint", || has_state(&redis));
        signal(&run, "-INT");
        let ended = ended(run);
        assert_eq!(ended.status.code(), Some(0));
        String::from_utf8(ended.stderr).unwrap()
    };
    let said = said_until_shared();
    assert!(!said.contains("there is no checkpoint"), "{said}");
    remove_store(folder.path());
    redis.cli(&["flushall"]);
    let said = said_until_shared();
    let warning = " WARN there is no checkpoint, neither in redis nor here";
    assert!(said.contains(warning), "{said}");

    // Over a queue: nobody knows whether it held anything.
    let Some(broker) = Broker::kafka("first_start", 2) else {
        return;
    };
    let dir = folder.path().join("analyze");
    let mut analyze = broker.role("analyze", &dir, &["--until-idle", "1s"]);
    let ran = analyze.env("STOCK_UP__REDIS__URL", url).output().unwrap();
    let ran = Ran::from(ran);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told = ran.err.lines().filter(|line| line.contains("checkpoint"));
    let told: Vec<&str> = told.collect();
    let first = |line: &&&str| line.contains(" INFO there is no checkpoint yet");
    assert_eq!(told.iter().filter(first).count(), 2, "{told:?}");
    assert!(!told.iter().any(|line| line.contains("WARN")), "{told:?}");
}

#[test]
fn an_analyzer_that_was_frozen_while_another_took_over_is_fenced() {
    let Some(redis) = Redis::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    let url = redis.options().url;
    let epoch = || {
        let key = redis.cli(&["--scan", "--pattern", "stock-up:checkpoint:*"]);
        redis.cli(&["hget", &key, "epoch"])
    };
    let has_state = || has_state(&redis);
    let mut first = run(&a, &url);
    let first = first.stdout(Stdio::null()).stderr(Stdio::piped());
    let first = first.spawn().unwrap();
    wait("a shared checkpoint", has_state);
    let old = epoch();
    signal(&first, "-STOP");
    // The same log on another machine, without the state: it goes on from the shared one.
    assert!(
        Command::new("cp")
            .arg("-r")
            .arg(&a)
            .arg(&b)
            .status()
            .unwrap()
            .success()
    );
    remove_store(&b);
    let mut second = run(&b, &url);
    let second = second.stdout(Stdio::null()).stderr(Stdio::piped());
    let second = second.spawn().unwrap();
    let new = wait("the second's claim", || {
        Some(epoch()).filter(|new| *new != old)
    });
    signal(&first, "-CONT");
    let fenced = ended(first);
    let said = String::from_utf8_lossy(&fenced.stderr);
    assert_eq!(fenced.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("error: fenced by epoch {new}: ")),
        "{said}"
    );
    redis.cli(&["flushall"]);
    wait("the checkpoint again", has_state);
    signal(&second, "-INT");
    let second = ended(second);
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(0), "{said}");
    assert!(
        said.contains("analysis goes on from the shared checkpoint"),
        "{said}"
    );
    assert!(said.contains("redis had lost the checkpoint"), "{said}");
}

#[test]
fn a_redis_that_cannot_be_relied_on_is_refused_and_doctor_says_so() {
    let Some(redis) = Redis::start_with(&["--maxmemory-policy", "allkeys-lru"], &[]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let url = redis.options().url;
    let ran: Ran = run(folder.path(), &url).output().unwrap().into();
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("set it to `noeviction`"), "{}", ran.err);
    let mut doctor = command();
    doctor
        .arg("doctor")
        .env("STOCK_UP__REDIS__URL", url)
        .env("HOME", folder.path());
    let ran: Ran = doctor.output().unwrap().into();
    assert!(
        ran.out.contains("wrong  redis: redis 127.0.0.1:"),
        "{}",
        ran.out
    );
}
