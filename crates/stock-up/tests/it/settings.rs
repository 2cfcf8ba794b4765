//! Settings in etcd, as the binary's users meet them.

use crate::cli::{Ran, command};
use crate::etcd::Etcd;
use crate::process::{Server, run_alone};
use crate::roles::Broker;

fn settings(etcd: &Etcd, args: &[&str]) -> Ran {
    let mut settings = command();
    let output = settings
        .arg("settings")
        .args(args)
        .env("CONFIG_HOST", etcd.endpoint())
        .output();
    output.unwrap().into()
}

#[test]
fn the_seed_s_variable_switches_etcd_on_and_a_change_of_a_key_is_followed() {
    let Some(mut etcd) = Etcd::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let endpoint = etcd.endpoint();
    let run = |dir| {
        let mut run = run_alone(dir);
        run.env("CONFIG_HOST", &endpoint);
        run
    };
    etcd.ctl(&["put", "stock-query/subscriptions", "TATE, WOLF"]);
    let server = Server::start(run(folder.path()));
    server.wait_for("/api/v1/settings", r#""subscriptions":["TATE","WOLF"]"#);
    etcd.ctl(&["put", "stock-query/subscriptions", "ACME"]);
    server.wait_for("/api/v1/settings", r#""subscriptions":["ACME"]"#);
    server.wait_for("/api/v1/symbols", r#""symbol":"ACME","subscribed":true"#);
    etcd.ctl(&["put", "stock-analyzer/windows", "no"]);
    let refused = server.wait_for("/api/v1/settings", "etcd key `stock-analyzer/windows`");
    assert!(refused.contains("the value before stays"), "{refused}");
    server.kill();
    etcd.kill();
    // Without etcd: the last good settings, and a word about it.
    let server = Server::start(run(folder.path()));
    let told = server.wait_for("/api/v1/settings", "the last good settings are used");
    assert!(told.contains(r#""subscriptions":["ACME"]"#), "{told}");
    let connected = |is| format!("stock_up_service_connected{{service=\"etcd\"}} {is}\n");
    server.wait_for("/metrics", &connected(0));
    etcd.again();
    etcd.ctl(&["put", "stock-query/subscriptions", "WOLF"]);
    server.wait_for("/api/v1/settings", r#""subscriptions":["WOLF"]"#);
    server.wait_for("/api/v1/settings", r#""cut_off":null"#);
    server.wait_for("/metrics", &connected(1));
    server.kill();
    etcd.kill();
    let nothing = tempfile::tempdir().unwrap();
    let ran: Ran = run(nothing.path()).output().unwrap().into();
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.err.contains("none were kept from an earlier run"),
        "{}",
        ran.err
    );
}

#[test]
fn each_role_has_the_log_level_of_the_seed_s_program() {
    let (Some(etcd), Some(broker)) = (Etcd::start(), Broker::kafka("log_levels", 1)) else {
        return;
    };
    etcd.ctl(&["put", "stock-query/log-level", "ERROR"]);
    etcd.ctl(&["put", "stock-analyzer/log-level", "WARNING"]);
    let folder = tempfile::tempdir().unwrap();
    let start = |broker: &Broker, role: &str| {
        let mut command = broker.role(role, &folder.path().join(role), &[]);
        command.env("CONFIG_HOST", etcd.endpoint());
        Server::start(command)
    };
    let says = |server: &Server, level: &str| {
        server.wait_for("/api/v1/settings", &format!(r#""log_level":"{level}""#));
    };
    let (collect, analyze) = (start(&broker, "collect"), start(&broker, "analyze"));
    let both = start(&broker.with_new_topic(), "collect,analyze");
    says(&collect, "error");
    says(&analyze, "warn");
    says(&both, "warn");
    etcd.ctl(&["put", "stock-query/log-level", "debug"]);
    says(&collect, "debug");
    says(&both, "debug");
    says(&analyze, "warn");
}

/// Runs `settings` with arguments.
type Ask<'a> = &'a dyn Fn(&[&str]) -> Ran;

#[test]
fn settings_are_shown_and_changed_in_etcd_and_in_the_file_alike() {
    let Some(etcd) = Etcd::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("settings.toml"), "subscriptions = []\n").unwrap();
    let file = |args: &[&str]| {
        let mut settings = command();
        let settings = settings
            .arg("settings")
            .args(args)
            .args(["--data-dir", dir]);
        Ran::from(settings.output().unwrap())
    };
    etcd.ctl(&["put", "stock-query/subscriptions", ""]);
    let etcd = |args: &[&str]| settings(&etcd, args);
    let both: [Ask<'_>; 2] = [&file, &etcd];
    for ask in both {
        let ran = ask(&["set", "subscriptions=SPY, IBM", "lateness=2s"]);
        let expected = "subscriptions: (none) -> SPY,IBM\nlateness: 1s -> 2s\n";
        assert_eq!((ran.code, ran.out.as_str()), (0, expected), "{}", ran.err);
        let ran = ask(&["set", "lateness=2s"]);
        assert_eq!(ran.out, "nothing to change\n");
        for (wrong, why) in [
            ("lateness=2", "has no unit"),
            ("lateness=2h", "above 3600s"),
            ("latenes=2s", "did you mean `lateness`?"),
            ("lateness", "no KEY=VALUE"),
        ] {
            let ran = ask(&["set", "subscriptions=", wrong]);
            assert_eq!(ran.code, 2, "{}", ran.err);
            assert!(ran.err.contains(why), "{}", ran.err);
        }
        let ran = ask(&["get"]);
        let expected = "subscriptions = SPY,IBM\nwindows = 60s\ngrid = 1s\nlateness = 2s\n\
                        revise = \nconditions = all\nlog_level = info\n";
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (expected, ""));
        assert_eq!(ask(&["get", "lateness"]).out, "2s\n");
    }
}
