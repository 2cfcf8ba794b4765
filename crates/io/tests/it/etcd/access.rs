//! Logins, tokens and certificates.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use rcgen::KeyPair;
use stock_up_io::feed::Secret;
use stock_up_io::settings::etcd::{EtcdError, EtcdOptions};
use stock_up_io::settings::{Settings, SettingsFileError};

use super::follower::Follower;
use super::server::Etcd;
use crate::certificates::Authorities;

const PASSWORD: &str = "CANARY-7f3a";

fn with_login(etcd: &Etcd, password: &str) -> EtcdOptions {
    EtcdOptions {
        user: Some(("me".to_owned(), Secret::new(password))),
        ..etcd.options()
    }
}

/// Switches logins on: `root`, and `me` who may read and write our keys.
fn protect(etcd: &Etcd) {
    for args in [
        &["user", "add", "root:secret"][..],
        &["user", "grant-role", "root", "root"],
        &["user", "add", &format!("me:{PASSWORD}")],
        &["role", "add", "mine"],
        &[
            "role",
            "grant-permission",
            "mine",
            "--prefix=true",
            "readwrite",
            "stock-",
        ],
        &["user", "grant-role", "me", "mine"],
        &["put", "stock-query/subscriptions", "SPY"],
        &["auth", "enable"],
    ] {
        etcd.ctl(args);
    }
}

/// As `root`.
fn root(etcd: &Etcd, args: &[&str]) {
    let all = [&["--user", "root:secret"], args].concat();
    etcd.ctl(&all);
}

#[tokio::test]
async fn a_token_that_is_not_taken_any_more_is_renewed() {
    let Some(etcd) = Etcd::start() else { return };
    protect(&etcd);
    let mut follower = Follower::open(with_login(&etcd, PASSWORD)).await;
    assert_eq!(follower.subscriptions(), "SPY");
    root(&etcd, &["put", "stock-query/subscriptions", "IBM"]);
    follower.until_symbols("IBM").await;
    // A new password ends all tokens of the user (code 16), even if it is the old one.
    let file = etcd.path("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let changed = std::process::Command::new("etcdctl")
        .env("ETCDCTL_API", "3")
        .args(["--endpoints", &etcd.endpoint(), "--user", "root:secret"])
        .args(["user", "passwd", "me", "--interactive=false"])
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    assert!(changed.status.success(), "{changed:?}");
    writes(&mut follower, "BAC").await;
}

#[tokio::test]
async fn a_signed_token_of_an_old_auth_store_is_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let key = KeyPair::generate().unwrap();
    std::fs::write(path("private"), key.serialize_pem()).unwrap();
    std::fs::write(path("public"), key.public_key_pem()).unwrap();
    let token = format!(
        "--auth-token=jwt,pub-key={},priv-key={},sign-method=ES256,ttl=5m",
        path("public").display(),
        path("private").display()
    );
    let Some(etcd) = Etcd::start_with(&[&token], &[]) else {
        return;
    };
    protect(&etcd);
    let mut follower = Follower::open(with_login(&etcd, PASSWORD)).await;
    root(&etcd, &["put", "stock-query/subscriptions", "IBM"]);
    follower.until_symbols("IBM").await;
    // Code 3: `revision of auth store is old`.
    root(&etcd, &["user", "add", "another:one"]);
    writes(&mut follower, "BAC").await;
}

/// Writes with the token of before.
async fn writes(follower: &mut Follower, symbol: &str) {
    let current = follower.handle.current();
    let wanted = Settings {
        subscriptions: vec![symbol.to_owned()],
        ..current.settings.as_ref().clone()
    };
    let written = follower.handle.write(current.revision, wanted).await;
    assert_eq!(written.unwrap().settings.subscriptions, [symbol]);
    follower.until_followed().await;
}

#[tokio::test]
async fn a_wrong_password_is_said_and_not_tried_again_at_once() {
    let Some(etcd) = Etcd::start() else { return };
    protect(&etcd);
    let kept = etcd.path("last-good.toml");
    for wrong in [with_login(&etcd, "wrong"), etcd.options()] {
        let error = Follower::open_with(wrong, None).await.err().unwrap();
        assert!(matches!(error, EtcdError::Login { .. }), "{error}");
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
    let right = with_login(&etcd, PASSWORD);
    drop(
        Follower::open_with(right, Some(kept.clone()))
            .await
            .unwrap(),
    );
    let before = refused_logins(&etcd);
    let wrong = with_login(&etcd, "wrong");
    let mut follower = Follower::open_with(wrong, Some(kept)).await.unwrap();
    assert_eq!(follower.subscriptions(), "SPY");
    let told = follower.until_cut_off("refuses the login").await;
    assert!(told.contains("the last good settings are used"), "{told}");
    follower.states.mark_unchanged();
    let quiet = tokio::time::timeout(Duration::from_secs(5), follower.states.changed()).await;
    assert!(quiet.is_err(), "{:?}", follower.handle.current());
    assert_eq!(refused_logins(&etcd), before + 1);
}

/// What etcd has counted.
fn refused_logins(etcd: &Etcd) -> u64 {
    let mut stream = TcpStream::connect(("127.0.0.1", etcd.port())).unwrap();
    write!(stream, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let line = text.lines().find(|line| {
        line.starts_with("grpc_server_handled_total{grpc_code=\"InvalidArgument\"")
            && line.contains("grpc_method=\"Authenticate\"")
    });
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn one_who_may_only_read_follows_and_is_told_that_he_cannot_write() {
    let Some(etcd) = Etcd::start() else { return };
    protect(&etcd);
    root(
        &etcd,
        &["role", "revoke-permission", "mine", "stock-", "stock."],
    );
    let grant = [
        "role",
        "grant-permission",
        "mine",
        "--prefix=true",
        "read",
        "stock-",
    ];
    root(&etcd, &grant);
    let mut follower = Follower::open(with_login(&etcd, PASSWORD)).await;
    root(&etcd, &["put", "stock-query/subscriptions", "IBM"]);
    follower.until_symbols("IBM").await;
    let revision = follower.handle.current().revision;
    let refused = follower.handle.write(revision, Settings::default()).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, SettingsFileError::Remote { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("denies"), "{refused}");
    root(&etcd, &["put", "stock-query/subscriptions", "BAC"]);
    follower.until_symbols("BAC").await;
}

#[tokio::test]
async fn certificates_of_both_sides_are_looked_at() {
    let authorities = Authorities::new();
    let identity = |name| authorities.identity(name, &["localhost", "127.0.0.1"]);
    let (server, client) = (identity("server"), identity("client"));
    let arg = |name: &str, path: &PathBuf| format!("--{name}={}", path.display());
    let more = [
        arg("cert-file", &server.certificate),
        arg("key-file", &server.key),
        arg("trusted-ca-file", &authorities.ours),
        "--client-cert-auth".to_owned(),
    ];
    let ctl = [
        arg("cacert", &authorities.ours),
        arg("cert", &client.certificate),
        arg("key", &client.key),
    ];
    let (more, ctl) = (more.each_ref().map(|a| &**a), ctl.each_ref().map(|a| &**a));
    let Some(etcd) = Etcd::start_with(&more, &ctl) else {
        return;
    };
    etcd.ctl(&["put", "stock-query/subscriptions", "SPY"]);
    let good = EtcdOptions {
        ca_file: Some(authorities.ours.clone()),
        identity: Some((client.certificate, client.key)),
        ..etcd.options()
    };
    let mut follower = Follower::open(good.clone()).await;
    etcd.ctl(&["put", "stock-query/subscriptions", "IBM"]);
    follower.until_symbols("IBM").await;
    let nobody = EtcdOptions {
        identity: None,
        ..good.clone()
    };
    let elsewhere = EtcdOptions {
        ca_file: Some(authorities.stranger.clone()),
        ..good
    };
    for wrong in [nobody, elsewhere] {
        let error = Follower::open_with(wrong, None).await.err().unwrap();
        assert!(matches!(error, EtcdError::Unreachable { .. }), "{error}");
    }
}
