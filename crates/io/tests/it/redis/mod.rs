//! Checkpoints in a real Redis (`reliability.md` S2, S3).

mod encrypted;
mod server;

use std::time::Duration;

use stock_up_io::checkpoint::{
    CheckpointError, Damage, RedisOptions, Saved, SharedCheckpoint, SharedCheckpoints,
};
use stock_up_io::clock::Stopwatch;
use stock_up_io::feed::Secret;

use crate::daemon::wait;
use server::Redis;

const NAME: &str = "source/0";
const KEY: &str = "stock-up:checkpoint:source/0";

fn checkpoint(position: u64) -> SharedCheckpoint {
    SharedCheckpoint {
        position,
        next_emission: position * 2,
        state: vec![7; 1_000],
    }
}

#[test]
fn a_checkpoint_is_found_by_the_next_one_also_after_a_kill() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let mut first = redis.shared("first");
    assert_eq!(first.check_server().unwrap(), Vec::<String>::new());
    let claim = first.claim(NAME).unwrap();
    assert_eq!(claim.found, Ok(None));
    for position in 1..=20 {
        let saved = first.save((NAME, claim.epoch), &checkpoint(position));
        assert_eq!(saved, Ok(Saved::Replaced));
    }
    redis.kill();
    let gone = first
        .save((NAME, claim.epoch), &checkpoint(21))
        .unwrap_err();
    assert!(
        matches!(gone, CheckpointError::Unavailable { .. }),
        "{gone}"
    );
    redis.again();
    let next = redis.shared("next").claim(NAME).unwrap();
    assert!(next.epoch > claim.epoch);
    assert_eq!(next.found, Ok(Some(checkpoint(20))));
    let other = redis.shared("next").claim("source/1").unwrap();
    assert_eq!(other.found, Ok(None));
}

#[test]
fn one_who_was_frozen_while_another_took_over_is_refused() {
    let Some(redis) = Redis::start() else { return };
    for _ in 0..50 {
        let (mut a, mut b) = (redis.shared("a"), redis.shared("b"));
        let old = a.claim(NAME).unwrap().epoch;
        a.save((NAME, old), &checkpoint(1)).unwrap();
        let new = b.claim(NAME).unwrap().epoch;
        let fenced = a.save((NAME, old), &checkpoint(2)).unwrap_err();
        let expected = CheckpointError::Fenced {
            name: NAME.to_owned(),
            epoch: new,
            by: "b".to_owned(),
        };
        assert_eq!(fenced, expected);
        assert!(
            fenced
                .to_string()
                .starts_with(&format!("fenced by epoch {new}: "))
        );
        b.save((NAME, new), &checkpoint(3)).unwrap();
        let found = redis.shared("c").claim(NAME).unwrap().found;
        assert_eq!(found, Ok(Some(checkpoint(3))));
    }
}

#[test]
fn the_holder_writes_again_what_was_flushed_and_earlier_ones_stay_out() {
    let Some(redis) = Redis::start() else { return };
    let (mut a, mut b) = (redis.shared("a"), redis.shared("b"));
    let old = a.claim(NAME).unwrap().epoch;
    let new = b.claim(NAME).unwrap().epoch;
    redis.cli(&["flushall"]);
    // The one who was taken over may write into the void, but not keep the other out.
    assert_eq!(a.save((NAME, old), &checkpoint(1)), Ok(Saved::Anew));
    assert_eq!(b.save((NAME, new), &checkpoint(2)), Ok(Saved::Anew));
    assert_eq!(b.save((NAME, new), &checkpoint(3)), Ok(Saved::Replaced));
    assert!(a.save((NAME, old), &checkpoint(4)).is_err());
    // A claim on an empty server still stands above those before.
    redis.cli(&["flushall"]);
    let mut c = redis.shared("c");
    let newest = wait("a later second", || {
        let claim = c.claim(NAME).unwrap();
        (claim.epoch > new).then_some(claim)
    });
    assert_eq!(newest.found, Ok(None));
    assert!(b.save((NAME, new), &checkpoint(5)).is_err());
}

#[test]
fn damaged_bytes_are_refused_and_the_name_is_ours_all_the_same() {
    let Some(redis) = Redis::start() else { return };
    let mut a = redis.shared("a");
    redis.cli(&["hset", KEY, "checkpoint", "pickle"]);
    let claim = a.claim(NAME).unwrap();
    assert_eq!(claim.found, Err(Damage::Foreign));
    a.save((NAME, claim.epoch), &checkpoint(1)).unwrap();
    redis.cli(&[
        "eval",
        "local v = redis.call('HGET', KEYS[1], 'checkpoint'); \
        redis.call('HSET', KEYS[1], 'checkpoint', v:sub(1, -2) .. 'x')",
        "1",
        KEY,
    ]);
    let found = redis.shared("b").claim(NAME).unwrap().found;
    assert!(matches!(found, Err(Damage::Checksum { .. })), "{found:?}");
    redis.cli(&["set", KEY, "text"]);
    let error = redis.shared("b").claim(NAME).unwrap_err();
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
}

#[test]
fn a_server_that_may_throw_checkpoints_away_is_refused() {
    let Some(redis) = Redis::start_with(&[], &[]) else {
        return;
    };
    let mut shared = redis.shared("a");
    let warnings = shared.check_server().unwrap();
    assert!(warnings[0].contains("appendonly no"), "{warnings:?}");
    redis.cli(&["config", "set", "maxmemory-policy", "allkeys-lru"]);
    let error = shared.check_server().unwrap_err();
    assert!(matches!(error, CheckpointError::Evicts { .. }), "{error}");
    assert!(error.to_string().contains("`allkeys-lru`"), "{error}");
}

#[test]
fn a_full_or_read_only_or_frozen_server_is_told_from_a_lost_claim() {
    let Some(redis) = Redis::start() else { return };
    let mut shared = redis.shared("a");
    let epoch = shared.claim(NAME).unwrap().epoch;
    let mut says = |why: &str| {
        let error = shared.save((NAME, epoch), &checkpoint(1)).unwrap_err();
        assert!(
            matches!(error, CheckpointError::Unavailable { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(why), "{error}");
    };
    redis.cli(&["config", "set", "maxmemory", "1"]);
    says("OOM");
    redis.cli(&["config", "set", "maxmemory", "0"]);
    redis.cli(&["replicaof", "127.0.0.1", "1"]);
    says("read only replica");
    redis.cli(&["replicaof", "no", "one"]);
    redis.signal("-STOP");
    let watch = Stopwatch::start();
    says("");
    assert!(watch.elapsed() < Duration::from_secs(10), "it held us up");
    redis.signal("-CONT");
    wait("the server", || {
        shared.save((NAME, epoch), &checkpoint(2)).ok()
    });
}

#[test]
fn a_password_is_asked_for_and_never_shown() {
    let password = "CANARY-7f3a";
    let more = ["--requirepass", password, "--appendonly", "yes"];
    let Some(redis) = Redis::start_with(&more, &["-a", password]) else {
        return;
    };
    let with = |password: Option<&str>| {
        let options = RedisOptions {
            password: password.map(Secret::new),
            ..redis.options()
        };
        let mut shared = SharedCheckpoints::new(&options, "a".to_owned()).unwrap();
        (format!("{options:?} {shared:?}"), shared.check_server())
    };
    for wrong in [None, Some("CANARY-wrong")] {
        let (shown, refused) = with(wrong);
        let error = refused.unwrap_err();
        assert!(matches!(error, CheckpointError::Login { .. }), "{error}");
        assert!(!format!("{error}{shown}").contains("CANARY"), "{error}");
    }
    let (shown, accepted) = with(Some(password));
    assert_eq!(accepted, Ok(Vec::new()));
    assert!(!shown.contains("CANARY"), "{shown}");
}
