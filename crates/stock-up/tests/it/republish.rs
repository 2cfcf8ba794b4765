//! `republish`: a topic that lost what it had gets the log again.

use std::path::Path;
use std::process::Command;

use crate::cli::{Ran, ok, refused, run};
use crate::needs;
use crate::process::{Server, TOKEN, wait};
use crate::roles::{Broker, SYMBOLS, Stage, ran_well};

/// Role collect on its data directory, over a venue that says nothing.
fn collect(stage: &Stage, broker: &Broker) -> (Server, Server) {
    let venue = Server::venue(&stage.tape, &["--fault", "mute"]);
    let mut collect = broker.role("collect", &stage.dir("collect"), &["--symbols", SYMBOLS]);
    collect
        .env("QUOTE_SERVER", format!("ws://{}", venue.address))
        .env("QUOTE_API_TOKEN", TOKEN);
    let collect = Server::start(collect);
    (collect, venue)
}

#[test]
fn a_topic_that_was_made_anew_gets_the_whole_log_when_it_is_asked_for() {
    let Some(broker) = Broker::kafka("republish", 3) else {
        return;
    };
    let stage = Stage::new();
    ran_well(&mut stage.collect(&broker, &[]));

    // Of the log the new topic gets only what comes now, which follows what it never had.
    let broker = broker.with_new_topic();
    let analyze = Server::start(broker.role("analyze", &stage.dir("analyze"), &[]));
    let (running, _venue) = collect(&stage, &broker);
    let told = analyze.wait_for("/readyz", "stock-up republish");
    assert!(told.contains("records from 0 on are missing"), "{told}");

    let dir = stage.dir("collect");
    let dir = dir.to_str().unwrap();
    refused(&["republish", dir], 3, "error: data directory ");
    running.end();
    refused(
        &["republish", dir, "--from", "99999999"],
        3,
        "error: record 99999999 was not",
    );
    let told = ok(&["republish", dir]);
    assert!(told.contains("publishes from record 0 on"), "{told}");

    let (_running, _venue) = collect(&stage, &broker);
    let expected = stage.expected();
    wait("the series to be whole", || {
        (stage.series("analyze").len() >= expected.len()).then_some(())
    });
    analyze.wait_for("/readyz", "200 OK");
    let found = stage.series("analyze");
    let missing = expected.iter().find(|row| !found.contains(row));
    assert_eq!(missing, None);
}

/// RabbitMQ's command line client.
fn rabbitmqctl(services: &str, args: &[&str]) {
    let ctl = Path::new(services).join("rabbitmq/ctl");
    let done = Command::new("sh").arg(ctl).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{args:?}: {said}");
}

/// What the broker has lost of a stream, it is asked for at each connection.
#[test]
fn a_stream_that_was_deleted_gets_the_whole_log_again_by_itself() {
    let Some(broker) = Broker::rabbitmq("deleted_stream", "stream") else {
        return;
    };
    let Some(services) = needs::server("STOCK_UP_TEST_SERVICES", "deleted_stream") else {
        return;
    };
    let stage = Stage::new();
    ran_well(&mut stage.collect(&broker, &[]));
    rabbitmqctl(&services, &["delete_queue", "-p", "stocks", &broker.name]);

    let analyze = Server::start(broker.role("analyze", &stage.dir("analyze"), &[]));
    analyze.wait_for("/readyz", "200 OK");
    let (_running, _venue) = collect(&stage, &broker);
    let expected = stage.expected();
    wait("the series to be whole", || {
        (stage.series("analyze").len() >= expected.len()).then_some(())
    });
    let found = stage.series("analyze");
    let missing = expected.iter().find(|row| !found.contains(row));
    assert_eq!(missing, None);
}

#[test]
fn another_number_of_partitions_is_told_with_the_command_that_helps() {
    let Some(broker) = Broker::kafka("more_partitions", 2) else {
        return;
    };
    let Some(other) = Broker::rabbitmq("more_partitions", "quorum") else {
        return;
    };
    let stage = Stage::new();
    ran_well(&mut stage.collect(&broker, &[]));
    let ran = Ran::from(
        stage
            .collect(&other, &["--fault", "mute"])
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("stock-up republish"), "{}", ran.err);
}

#[test]
fn only_a_log_can_be_published_again() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("nothing");
    let ran = run(["republish", nothing.to_str().unwrap()]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let ran = run(["republish", "data", "--from", "3", "--new-queue"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
}
