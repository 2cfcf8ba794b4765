//! Keys that are put and deleted, well and badly, by others and by us.

use std::time::Duration;

use stock_up_io::settings::{Field, LogLevel, Settings, SettingsFileError};

use super::follower::Follower;
use super::server::Etcd;

/// Changes in a row; each takes less than a ms.
const MANY: usize = 300;

#[tokio::test]
async fn the_keys_of_the_seed_system_and_the_new_ones_are_followed() {
    let Some(etcd) = Etcd::start() else { return };
    etcd.ctl(&["put", "stock-query/subscriptions", "SPY, IBM,"]);
    etcd.ctl(&["put", "stock-query/log-level", "WARNING"]);
    let mut follower = Follower::open(etcd.options()).await;
    let state = follower.handle.current();
    assert_eq!(state.settings.text(Field::Subscriptions), "SPY,IBM");
    assert_eq!(state.settings.log_level, LogLevel::Warn);
    assert_eq!(*state.source, *format!("etcd {}", etcd.endpoint()));
    for (key, value) in [
        ("windows", "5m,60s"),
        ("grid", "2s"),
        ("lateness", "250ms"),
        ("revise", "30s"),
        ("conditions", "sip"),
        ("log-level", "debug"),
    ] {
        etcd.ctl(&["put", &format!("stock-analyzer/{key}"), value]);
    }
    let state = follower
        .until("debug", |state| state.settings.log_level == LogLevel::Debug)
        .await;
    let texts = Field::ALL.map(|field| state.settings.text(field));
    let expected = ["SPY,IBM", "60s,300s", "2s", "250ms", "30s", "sip", "debug"];
    assert_eq!(texts, expected);
    etcd.ctl(&["put", "stock-query/subscriptions", ""]);
    follower.until_symbols("").await;
    etcd.ctl(&["del", "stock-query/subscriptions"]);
    follower.until_symbols("DEFAULT").await;
}

#[tokio::test]
async fn a_bad_value_is_refused_with_key_and_revision_and_the_others_are_applied() {
    let Some(etcd) = Etcd::start() else { return };
    let mut follower = Follower::open(etcd.options()).await;
    etcd.ctl(&["put", "stock-analyzer/windows", "10s"]);
    follower
        .until("10s", |state| state.settings.text(Field::Windows) == "10s")
        .await;
    etcd.ctl(&["put", "stock-analyzer/windows", "10"]);
    etcd.ctl(&["put", "stock-query/subscriptions", "SPY"]);
    follower.until_symbols("SPY").await;
    let refused = follower.until_refused("no unit").await;
    assert!(
        refused.starts_with("etcd key `stock-analyzer/windows`, revision 3: "),
        "{refused}"
    );
    let file = etcd.path("value");
    for (bytes, why) in [
        (vec![0xff; 3], "not UTF-8"),
        (vec![b'A'; 1_100_000], "1 MiB"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        etcd.put_file("stock-query/subscriptions", &file);
        follower.until_refused(why).await;
        assert_eq!(follower.subscriptions(), "SPY");
    }
    etcd.ctl(&["put", "stock-analyzer/windws", "1s"]);
    follower.until_refused("there is no such setting").await;
    for key in ["stock-analyzer/windws", "stock-analyzer/windows"] {
        etcd.ctl(&["del", key]);
    }
    etcd.ctl(&["put", "stock-query/subscriptions", "IBM"]);
    let state = follower
        .until("good", |state| state.refused.is_none())
        .await;
    assert_eq!(state.settings.text(Field::Subscriptions), "IBM");
    assert_eq!(state.settings.text(Field::Windows), "60s");
}

#[tokio::test]
async fn many_changes_are_applied_together() {
    let Some(etcd) = Etcd::start() else { return };
    let mut follower = Follower::open(etcd.options()).await;
    let mut client = etcd_client::Client::connect([etcd.endpoint()], None)
        .await
        .unwrap();
    for number in 0..MANY {
        let symbol = format!("S{number}");
        let put = client.put("stock-query/subscriptions", symbol, None);
        put.await.unwrap();
    }
    let last = format!("S{}", MANY - 1);
    let state = follower.until_symbols(&last).await;
    assert!(state.revision < MANY as u64 / 4, "{}", state.revision);
}

#[tokio::test]
async fn we_write_only_what_nobody_else_changed() {
    let Some(etcd) = Etcd::start() else { return };
    etcd.ctl(&["put", "stock-analyzer/revise", "30s"]);
    let mut follower = Follower::open(etcd.options()).await;
    let mut other = Follower::open(etcd.options()).await;
    // Connecting takes a moment; until then a write is refused.
    let wanted = Settings {
        subscriptions: vec!["SPY".to_owned()],
        revise: None,
        ..Settings::default()
    };
    let state = written(&follower, &wanted).await.unwrap();
    assert_eq!((state.revision, &*state.settings), (2, &wanted));
    assert_eq!(
        etcd.ctl(&["get", "stock-query/subscriptions", "--print-value-only"]),
        "SPY\n"
    );
    assert_eq!(etcd.ctl(&["get", "stock-analyzer/revise"]), "");
    assert_eq!(etcd.ctl(&["get", "stock-analyzer/windows"]), "");
    other.until_symbols("SPY").await;
    let stale = follower.handle.write(1, wanted.clone()).await.unwrap_err();
    assert!(
        matches!(stale, SettingsFileError::Conflict { .. }),
        "{stale}"
    );
    let bad = Settings {
        windows: Vec::new(),
        ..wanted
    };
    let bad = written(&follower, &bad).await.unwrap_err();
    assert!(matches!(bad, SettingsFileError::Invalid { .. }), "{bad}");
    // Somebody is faster: etcd itself refuses, whether or not we have seen it yet.
    etcd.ctl(&["put", "stock-query/subscriptions", "THEIRS"]);
    let race = follower.handle.write(2, Settings::default()).await;
    let race = race.unwrap_err();
    assert!(matches!(race, SettingsFileError::Conflict { .. }), "{race}");
    follower.until_symbols("THEIRS").await;
}

/// Writes once the connection stands.
async fn written(
    follower: &Follower,
    wanted: &Settings,
) -> Result<stock_up_io::settings::SettingsState, SettingsFileError> {
    let mut states = follower.handle.watch();
    loop {
        let revision = follower.handle.current().revision;
        match follower.handle.write(revision, wanted.clone()).await {
            Err(SettingsFileError::Remote { .. }) => {
                // A connection is told by nothing but that it works.
                let moment = Duration::from_millis(50);
                drop(tokio::time::timeout(moment, states.changed()).await);
            }
            written => return written,
        }
    }
}
