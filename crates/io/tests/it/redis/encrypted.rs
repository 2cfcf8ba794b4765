//! The encrypted way: an authority of one's own is trusted, a stranger is not.

use std::path::Path;

use stock_up_io::checkpoint::{CheckpointError, RedisOptions, SharedCheckpoints};

use super::server::Redis;
use crate::certificates::Authorities;
use crate::daemon::free_port;

#[test]
fn an_authority_of_one_s_own_is_trusted_and_a_stranger_is_not() {
    let authorities = Authorities::new();
    let server = authorities.identity("redis", &["localhost"]);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let port = free_port().to_string();
    let (certificate, key) = (text(&server.certificate), text(&server.key));
    let more = [
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
        "--appendonly",
        "yes",
        "--tls-ca-cert-file",
        &text(&authorities.ours),
    ];
    let Some(redis) = Redis::start_with(&more, &[]) else {
        return;
    };
    let ask = |ca_file: &Path| {
        let options = RedisOptions {
            ca_file: Some(ca_file.to_owned()),
            ..RedisOptions::new(format!("rediss://localhost:{port}"))
        };
        let mut shared = SharedCheckpoints::new(&options, "a".to_owned()).unwrap();
        shared.check_server()
    };
    assert_eq!(ask(&authorities.ours), Ok(Vec::new()));
    let error = ask(&authorities.stranger).unwrap_err();
    assert!(
        matches!(error, CheckpointError::Unavailable { .. }),
        "{error}"
    );
    drop(redis);
}
