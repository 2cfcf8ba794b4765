//! An etcd that is killed, frozen, compacted, emptied or not there.

use stock_up_io::settings::SettingsFileError;
use stock_up_io::settings::etcd::EtcdError;

use super::follower::Follower;
use super::server::Etcd;

/// How often a killed server is tried.
const ROUNDS: usize = 3;

#[tokio::test]
async fn what_changed_while_etcd_was_killed_is_seen_when_it_is_back() {
    let Some(mut etcd) = Etcd::start() else {
        return;
    };
    etcd.ctl(&["put", "stock-query/subscriptions", "FIRST"]);
    let mut follower = Follower::open(etcd.options()).await;
    for round in 0..ROUNDS {
        let symbol = format!("S{round}");
        etcd.aside(|ctl| {
            ctl(&["put", "stock-query/subscriptions", &symbol]);
        });
        follower.until_cut_off("cannot be reached").await;
        let revision = follower.handle.current().revision;
        let settings = follower.handle.current().settings.as_ref().clone();
        let refused = follower.handle.write(revision, settings).await.unwrap_err();
        assert!(
            matches!(refused, SettingsFileError::Remote { .. }),
            "{refused}"
        );
        etcd.again();
        follower.until_symbols(&symbol).await;
        follower.until_followed().await;
    }
}

#[tokio::test]
async fn a_deletion_that_a_watch_would_lose_is_seen() {
    // etcd-io/etcd#18089: a watch from a compacted revision on leaves out a deletion at it.
    let Some(mut etcd) = Etcd::start() else {
        return;
    };
    let mut follower = Follower::open(etcd.options()).await;
    for symbol in ["A", "B", "C"] {
        etcd.ctl(&["put", "stock-query/subscriptions", symbol]);
    }
    follower.until_symbols("C").await;
    etcd.aside(|ctl| {
        ctl(&["del", "stock-query/subscriptions"]);
        ctl(&["put", "stock-analyzer/lateness", "3s"]);
        ctl(&["compact", "5"]);
    });
    etcd.again();
    follower.until_symbols("DEFAULT").await;
    etcd.aside(|ctl| {
        ctl(&["put", "stock-query/subscriptions", "AGAIN"]);
        ctl(&["compact", "7"]);
    });
    etcd.again();
    follower.until_symbols("AGAIN").await;
}

#[tokio::test]
async fn a_frozen_etcd_is_noticed_and_found_again() {
    let Some(etcd) = Etcd::start() else { return };
    etcd.ctl(&["put", "stock-query/subscriptions", "SPY"]);
    let mut follower = Follower::open(etcd.options()).await;
    etcd.ctl(&["put", "stock-query/subscriptions", "IBM"]);
    follower.until_symbols("IBM").await;
    etcd.signal("-STOP");
    follower.until_cut_off("cannot be reached").await;
    assert_eq!(follower.subscriptions(), "IBM");
    etcd.signal("-CONT");
    etcd.ctl(&["put", "stock-query/subscriptions", "BAC"]);
    follower.until_symbols("BAC").await;
    follower.until_followed().await;
}

#[tokio::test]
async fn a_start_without_etcd_goes_on_with_the_last_good_settings_and_says_so() {
    let Some(mut etcd) = Etcd::start() else {
        return;
    };
    let kept = etcd.path("last-good.toml");
    etcd.ctl(&["put", "stock-query/subscriptions", "SPY"]);
    etcd.ctl(&["put", "stock-analyzer/windows", "bad"]);
    drop(
        Follower::open_with(etcd.options(), Some(kept.clone()))
            .await
            .unwrap(),
    );
    etcd.kill();
    let opened = Follower::open_with(etcd.options(), Some(kept)).await;
    let mut follower = opened.unwrap();
    assert_eq!(follower.subscriptions(), "SPY");
    follower.until_cut_off("").await;
    etcd.again();
    etcd.ctl(&["put", "stock-query/subscriptions", "IBM"]);
    follower.until_symbols("IBM").await;
    follower.until_followed().await;
    etcd.kill();
    let nothing = etcd.path("nothing.toml");
    let error = Follower::open_with(etcd.options(), Some(nothing)).await;
    let error = error.err().unwrap();
    assert!(matches!(error, EtcdError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn an_etcd_that_was_emptied_takes_nothing_away() {
    let Some(mut etcd) = Etcd::start() else {
        return;
    };
    let kept = etcd.path("last-good.toml");
    for symbol in ["A", "B", "SPY"] {
        etcd.ctl(&["put", "stock-query/subscriptions", symbol]);
    }
    let opened = Follower::open_with(etcd.options(), Some(kept.clone())).await;
    let mut follower = opened.unwrap();
    etcd.wipe();
    follower.until_cut_off("cannot be reached").await;
    etcd.again();
    let told = follower.until_cut_off("etcd has lost data").await;
    assert!(told.contains("stock-query/subscriptions"), "{told}");
    assert_eq!(follower.subscriptions(), "SPY");
    drop(follower);
    let opened = Follower::open_with(etcd.options(), Some(kept)).await;
    let mut follower = opened.unwrap();
    assert_eq!(follower.subscriptions(), "SPY");
    etcd.ctl(&["put", "stock-query/subscriptions", "IBM"]);
    follower.until_symbols("IBM").await;
    follower.until_followed().await;
}
